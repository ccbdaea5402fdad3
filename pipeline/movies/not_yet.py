"""What a file that is being written lacks so far."""

from __future__ import annotations

from pathlib import Path

from nwb_schema.errors import MovieError


class NotYet(MovieError):
    """A file has no whole frame yet: a reason to wait, and an error only when waiting comes to its end."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(path, cause, "Start the recording, or wait longer for it with --idle-s.")
