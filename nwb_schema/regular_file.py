"""What stands under a sample's name need not be a file that can be opened; a named pipe would block for ever."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nwb_schema.errors import SampleError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_regular_file(path: Path) -> None:
    """Refuse what is no regular file, without opening it. A link counts as what it leads to.

    Raises
    ------
    SampleError
        Saying what it is, or why that cannot be told.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        if path.is_symlink():
            raise SampleError(
                path,
                f"is a link to a file that is not there ({os.readlink(path)})",
                "Restore that file, or remove the link from the samples folder.",
            ) from error
        raise SampleError(path, "there is no such file", "List the samples with: fluorite samples.") from error
    except OSError as error:
        raise SampleError(
            path, f"cannot be read ({error.strerror or error})", "Check permissions, or remove it from the folder."
        ) from error
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise SampleError(path, f"is {kind}, not a file", "Remove it from the samples folder, or give it another name.")
