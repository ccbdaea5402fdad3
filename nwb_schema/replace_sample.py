"""Change a sample: copy it, edit the copy, check it, and let it take the sample's place in one step.

Editing an NWB file in place corrupts it when the process is killed. Here a kill at any moment leaves the old sample or
the new one, and who reads the old one meanwhile goes on reading it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py

from nwb_schema import local_hdf5
from nwb_schema.errors import FluoriteError, SampleError
from nwb_schema.file_lock import file_lock
from nwb_schema.layout import FLUORITE
from nwb_schema.linked_movie import movie_link
from nwb_schema.publishing import partial_path, publish_over, sweep_partials
from nwb_schema.reader import open_sample


def edit_copy(path: Path, edit: Callable[[h5py.File], None], verify: Callable[[Path], None] | None = None) -> None:
    """Apply `edit` to a copy of the sample `path`, which then takes its place.

    Parameters
    ----------
    edit
        Gets the open copy. It uses h5py and never looks through the link to the movie, which would open the movie too.
    verify
        Gets the finished copy's path and raises when something is not as it should be.

    Raises
    ------
    SampleError
        When the sample is not ours, cannot be written, was changed meanwhile, or does not pass `verify`. The sample is
        then as it was.
    """
    with file_lock(path, SampleError):
        stamp = _stamp(path)
        known = _unchangeable(path)
        temporary = partial_path(path.parent)
        try:
            sweep_partials(path.parent)
            shutil.copyfile(path, temporary)
            with h5py.File(temporary, "r+") as file:
                edit(file)
            if _unchangeable(temporary) != known:
                raise SampleError(path, "would have lost its identity or its movie", "Nothing was kept. Report this.")
            if verify is not None:
                verify(temporary)
            shutil.copymode(path, temporary)
            if _stamp(path) != stamp:
                raise SampleError(path, "was changed by another program meanwhile", "Look at it and try again.")
            publish_over(temporary, path)
        except FluoriteError as error:
            # Verification speaks of the temporary file, which nobody will find.
            raise type(error)(path, error.cause, error.remedy) if error.file == str(temporary) else error from error
        except (OSError, RuntimeError, KeyError, ValueError) as error:  # what h5py raises, a full disk among it
            cause = " ".join(str(error).split())[:300]
            raise SampleError(
                path, f"cannot be changed ({cause})", "It is as it was. Check permissions and free space."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)


def _unchangeable(path: Path) -> tuple[str | None, tuple[str, str] | None]:
    """What no edit may change: the sample's identifier and where its movie is."""
    with open_sample(path) as file:
        if local_hdf5.local_group(file, FLUORITE) is None:
            raise SampleError(path, "was not written by Fluorite, so it is read-only", "Make a sample of it first.")
        link = movie_link(file)
        return local_hdf5.text(file, "identifier"), None if link is None else (str(link.filename), str(link.path))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise SampleError(path, f"cannot be read ({error.strerror})", "List the samples: fluorite samples.") from error
    return status.st_size, status.st_mtime_ns, status.st_ino
