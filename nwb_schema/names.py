"""Names that are safe in a file name, a URL and DANDI's layout, made from what a person typed."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_MAX_LENGTH = 60
_FORBIDDEN = re.compile(r"[^A-Za-z0-9]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def sanitise(spelling: str) -> str:
    """Make `spelling` match ``[A-Za-z0-9-]+``, as short as a file name needs, the same for the same spelling.

    Accents are dropped (``Müller`` becomes ``Muller``); everything else that is not allowed becomes a hyphen. What
    would lose every character, or is too long, ends in eight hexadecimal digits of its SHA-256 and so stays distinct.

    >>> sanitise("mouse 7/left")
    'mouse-7-left'
    """
    plain = unicodedata.normalize("NFKD", spelling).encode("ascii", "ignore").decode("ascii")
    name = _FORBIDDEN.sub("-", plain).strip("-")
    if name and len(name) <= _MAX_LENGTH:
        return name
    digest = hashlib.sha256(spelling.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: _MAX_LENGTH - 9].rstrip('-')}-{digest}".lstrip("-")


def clean_text(text: str) -> str:
    """Drop what HDF5 text cannot hold or a terminal would obey: NUL, control characters, lone surrogates."""
    return _CONTROL.sub("", text)


def clean_id(spelling: str) -> str:
    """An id as NWB and DANDI take it in metadata: the person's own spelling, without slashes and control characters."""
    return re.sub(r"[/\\]+", "-", clean_text(spelling)).strip()


def sample_file_name(subject: str, session: str) -> str:
    """The file name of a sample: ``sub-<subject>_ses-<session>_ophys.nwb``."""
    return f"sub-{sanitise(subject)}_ses-{sanitise(session)}_ophys.nwb"
