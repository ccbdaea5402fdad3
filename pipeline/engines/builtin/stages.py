"""The stages of a run: each is timed, and its result kept on disk, so that a killed run goes on after the last one.

A checkpoint is an ``.npz`` of plain arrays (never a pickle). It counts only when it is in the list ``stages.json``,
which is replaced in one step after the file itself is on disk, and when its bytes still have the SHA-256 noted there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.publishing import partial_path, publish_over
from pipeline.progress import Progress

logger = logging.getLogger("fluorite.engine")

Result = TypeVar("Result")

LIST_NAME = "stages.json"
# After this many bytes a checkpoint goes to disk, so that no single wait for the disk is long: a cancel waits for it.
SYNC_BYTES = 16 * 2**20
_TREE = "tree"


class Stages:
    """Runs the stages of one piece of work, or takes their results from an earlier run of the very same work.

    Parameters
    ----------
    folder
        Where results are kept: an existing folder that belongs to this work alone, or None to keep nothing.
    key
        What the work is (input, parameters, version). What is kept under another key is removed.
    most_bytes
        How much may be kept; a result beyond it is not kept, and its stage is done again.
    progress
        Called while a checkpoint is written or read, so that a cancel is noticed; what it raises passes through.

    Attributes
    ----------
    seconds
        Seconds of work by stage; of a resumed stage, those of the run that did the work.
    resumed
        Names of the stages whose results were taken from an earlier run.
    """

    def __init__(self, folder: Path | None, key: str, most_bytes: int, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self.resumed: list[str] = []
        self._folder, self._key, self._most_bytes, self._progress = folder, key, most_bytes, progress
        self._kept: dict[str, dict[str, Any]] = {}
        if folder is not None:
            self._kept = _read_list(folder, key)
            if not self._kept:
                for path in folder.glob("*.npz"):
                    path.unlink()

    def run(
        self,
        name: str,
        work: Callable[[], Result],
        kinds: tuple[type, ...] = (),
        *,
        is_intact: Callable[[Result], bool] = lambda result: True,
    ) -> Result:
        """The result of stage `name`: the kept one when there is one, else that of ``work()``, which is then kept.

        Parameters
        ----------
        kinds
            The dataclasses that the result is made of, itself included. Beside them it may hold arrays, sparse (CSR)
            arrays, numbers, text, None, tuples and mappings.
        is_intact
            A further look at a kept result, such as at a file that belongs to it.
        """
        kept = self._load(name, kinds)
        if kept is not None and is_intact(kept[0]):
            logger.info("%s: already done by a run that was killed; going on from there", name)
            self.seconds[name] = float(self._kept[name]["seconds"])
            self.resumed.append(name)
            return kept[0]
        with self.timed(name):
            result = work()
        self._keep(name, result)
        return result

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note how long a stage takes whose result is not kept."""
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start

    def _keep(self, name: str, result: object) -> None:
        if self._folder is None:
            return
        arrays: dict[str, NDArray[Any]] = {}
        tree = json.dumps(_taken_apart(result, "", arrays)).encode()
        size = sum(array.nbytes for array in arrays.values()) + len(tree)
        if sum(entry["bytes"] for entry in self._kept.values()) + size > self._most_bytes:
            logger.info("%s: its result is too large to be kept; a killed run would do this stage again", name)
            return
        path = self._folder / f"{name.replace(' ', '-')}.npz"
        temporary = partial_path(self._folder)
        try:
            with temporary.open("xb") as file:
                sink = _Sink(file, lambda: self._progress(name, 1.0))
                with zipfile.ZipFile(sink, "w") as archive:
                    for key, array in {_TREE: np.frombuffer(tree, np.uint8), **arrays}.items():
                        with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                            np.lib.format.write_array(member, array, allow_pickle=False)
            publish_over(temporary, path)
        except OSError as error:
            # Not being able to resume is no reason to fail.
            logger.warning("%s: its result cannot be kept for a killed run (%s)", name, error)
            return
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._kept[name] = {
            "file": path.name,
            "sha256": sink.sha256.hexdigest(),
            "bytes": size,
            "seconds": self.seconds[name],
        }
        self._write_list()

    def _write_list(self) -> None:
        assert self._folder is not None
        temporary = partial_path(self._folder)
        temporary.write_text(json.dumps({"key": self._key, "stages": self._kept}), encoding="utf-8")
        publish_over(temporary, self._folder / LIST_NAME)

    def _load(self, name: str, kinds: tuple[type, ...]) -> tuple[Any] | None:
        """The kept result of a stage, in a tuple; None when there is none that is whole."""
        entry = self._kept.get(name)
        if entry is None or self._folder is None:
            return None
        path = self._folder / str(entry["file"])
        try:
            if self._sha256(path, name) != entry["sha256"]:
                raise ValueError("its bytes have changed")
            with np.load(path, allow_pickle=False) as arrays:
                tree = json.loads(arrays[_TREE].tobytes())
                return (_put_together(tree, arrays, {kind.__name__: kind for kind in kinds}),)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            logger.warning("%s: what a killed run has kept of it cannot be used (%s); doing it again", name, error)
            del self._kept[name]
            path.unlink(missing_ok=True)
            return None

    def _sha256(self, path: Path, name: str) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(SYNC_BYTES):
                digest.update(block)
                self._progress(name, 1.0)
        return digest.hexdigest()


class _Sink(io.RawIOBase):
    """A file for writing only, without going back, that knows the SHA-256 of what went through it."""

    def __init__(self, file: io.BufferedWriter, tick: Callable[[], None]) -> None:
        self._file, self._tick, self._waiting = file, tick, 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), SYNC_BYTES):
            part = view[start : start + SYNC_BYTES]
            self.sha256.update(part)
            self._file.write(part)
            self._waiting += len(part)
            if self._waiting >= SYNC_BYTES:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._waiting = 0
                self._tick()
        return len(view)

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()


def _read_list(folder: Path, key: str) -> dict[str, dict[str, Any]]:
    """The stages that `folder` holds for this work; none when it is of other work, or cannot be read."""
    try:
        content = json.loads((folder / LIST_NAME).read_text(encoding="utf-8"))
        return dict(content["stages"]) if content["key"] == key else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be read (%s); starting from the beginning", folder / LIST_NAME, error)
        return {}


def _taken_apart(value: object, where: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """`value` as JSON that names the arrays in it, which are added to `arrays`."""
    if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, np.generic)):
        return {"value": value}
    name = where or "result"
    if isinstance(value, np.ndarray | np.generic):
        arrays[name] = np.asarray(value)
        return {"array": name, "scalar": isinstance(value, np.generic)}
    if isinstance(value, sparse.csr_array):
        parts = {part: f"{name}.{part}" for part in ("data", "indices", "indptr")}
        arrays.update({key: getattr(value, part) for part, key in parts.items()})
        return {"csr": parts, "shape": list(value.shape)}
    if is_dataclass(value) and not isinstance(value, type):
        members = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"kind": type(value).__name__, "members": _members_apart(members, where, arrays)}
    if isinstance(value, Mapping):
        return {"mapping": _members_apart(value, where, arrays)}
    if isinstance(value, tuple | list):
        return {"tuple": [_taken_apart(item, f"{name}.{k}", arrays) for k, item in enumerate(value)]}
    raise TypeError(f"{name} is a {type(value).__name__}, which a checkpoint cannot hold")


def _members_apart(members: Mapping[str, Any], where: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {key: _taken_apart(item, f"{where}.{key}".lstrip("."), arrays) for key, item in members.items()}


def _put_together(tree: Any, arrays: Mapping[str, NDArray[Any]], kinds: Mapping[str, type]) -> Any:
    """The opposite of `_taken_apart`."""
    if "value" in tree:
        return tree["value"]
    if "array" in tree:
        return arrays[tree["array"]][()] if tree["scalar"] else arrays[tree["array"]]
    if "csr" in tree:
        parts = tree["csr"]
        of = (arrays[parts["data"]], arrays[parts["indices"]], arrays[parts["indptr"]])
        return sparse.csr_array(of, shape=tuple(tree["shape"]))
    if "tuple" in tree:
        return tuple(_put_together(item, arrays, kinds) for item in tree["tuple"])
    if "mapping" in tree:
        return {key: _put_together(item, arrays, kinds) for key, item in tree["mapping"].items()}
    members = {key: _put_together(item, arrays, kinds) for key, item in tree["members"].items()}
    return kinds[tree["kind"]](**members)
