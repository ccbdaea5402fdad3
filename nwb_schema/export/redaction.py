"""What an exported file must not tell: the folders of the lab's computer and the names of its users.

Names of files stay, so that a recording can still be found by those who have it; the folders before them go. This is
done in everything that Fluorite itself records (how the sample came to be, and its edits); what people wrote into NWB's
own fields is theirs.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.layout import FLUORITE

# A path inside a sentence ends at a blank; one that is a text of its own may hold blanks.
_POSIX = re.compile(r"(?<![\w:/.~])(?:file://)?~?(?:/[^\s/\"'<>|,;()]+){2,}/?")
_WINDOWS = re.compile(r"(?<!\w)(?:[A-Za-z]:|\\\\[^\s\\\"']+)(?:[\\/]+[^\s\\/\"'<>|,;()]+)+")
_WHOLE_POSIX = re.compile(r"(?:file://)?~?/[^\n]*[^\n/]")
_WHOLE_WINDOWS = re.compile(r"(?:[A-Za-z]:[\\/]|\\\\)[^\n]+")
PLACES = (FLUORITE, "processing/fluorite")
"""Where Fluorite records things of its own."""

_PEOPLE = ("actor", "who", "user")


def without_folders(text: str) -> str:
    r"""`text` with every absolute path in it cut down to its last part.

    >>> without_folders("/home/ada/data/movie.tif")
    'movie.tif'
    >>> without_folders(r"read C:\\Users\\ada\\movie.tif twice")
    'read movie.tif twice'
    """
    if _WHOLE_WINDOWS.fullmatch(text):
        return PureWindowsPath(text).name
    if _WHOLE_POSIX.fullmatch(text) and (" /" not in text):
        return PurePosixPath(text).name
    text = _WINDOWS.sub(lambda match: PureWindowsPath(match[0]).name, text)
    return _POSIX.sub(lambda match: PurePosixPath(match[0]).name, text)


def redact(file: h5py.File) -> None:
    """Cut folders and users out of everything that Fluorite recorded in the open `file`.

    A person is ``person 1`` wherever the same name stood. Parameters that held folders get the SHA-256 that they have
    without them, with a note that says what it was.
    """
    people: dict[str, str] = {}
    for place in PLACES:
        top = local_hdf5.local_group(file, place)
        for data in _texts_below(top) if top is not None else ():
            change = _redacted
            if str(data.name).rsplit("/", 1)[-1] in _PEOPLE:
                change = functools.partial(_person, people=people)
            _replace(data, change)
    _renew_digest(file)


def _texts_below(top: h5py.Group) -> list[h5py.Dataset]:
    found: list[h5py.Dataset] = []

    def collect(_: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and h5py.check_string_dtype(node.dtype) is not None and node.size:
            found.append(node)

    top.visititems(collect)
    return found


def _replace(data: h5py.Dataset, change: Callable[[str], str]) -> None:
    old = np.asarray(data[()], dtype=object)
    new = np.array([change(local_hdf5.as_text(value)) for value in old.reshape(-1)], dtype=object).reshape(old.shape)
    if any(local_hdf5.as_text(a) != b for a, b in zip(old.reshape(-1), new.reshape(-1), strict=True)):
        data[...] = new if data.shape else new.item()


def _renew_digest(file: h5py.File) -> None:
    own = local_hdf5.local_group(file, FLUORITE)
    text = None if own is None else local_hdf5.text(own, "parameters")
    recorded = None if own is None else local_hdf5.text(own, "parameters_sha256")
    if own is None or text is None or not recorded:
        return
    actual = hashlib.sha256(text.encode()).hexdigest()
    if actual != recorded:
        own["parameters_sha256"][()] = actual
        add_note(file, f"Folders were cut out of the parameters, whose SHA-256 was {recorded} before.")


def add_note(file: h5py.File, note: str) -> None:
    """Add a sentence to the notes of the sample in the open `file`."""
    own = file[FLUORITE]
    notes = [*local_hdf5.texts(own, "notes"), note]
    if "notes" in own:
        del own["notes"]
    own.create_dataset("notes", data=notes, dtype=h5py.string_dtype())


def _redacted(text: str) -> str:
    """JSON is changed inside its texts, so that it stays JSON."""
    if text[:1] in ("{", "["):
        try:
            loaded = json.loads(text)
        except json.JSONDecodeError:
            return without_folders(text)
        cut = _walk(loaded)
        return text if cut == loaded else json.dumps(cut, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return without_folders(text)


def _walk(value: Any) -> Any:
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, list):
        return [_walk(item) for item in value]
    if isinstance(value, dict):
        return {key: _walk(item) for key, item in value.items()}
    return value


def _person(name: str, people: dict[str, str]) -> str:
    """The same stand-in for the same person, throughout the file."""
    return people.setdefault(name, f"person {len(people) + 1}")
