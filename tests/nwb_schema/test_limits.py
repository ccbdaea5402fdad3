"""A sample that declares more than can be read is refused with its reason, and the others load."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from nwb_schema import limits, reader, sample_summary
from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import SampleError
from nwb_schema.layout import IMAGES, SHIFTS, TRACES
from nwb_schema.project import Project
from nwb_schema.stored_masks import accept_flags

TABLE = "processing/ophys/ImageSegmentation/PlaneSegmentation"
MASK = np.dtype([("x", "u4"), ("y", "u4"), ("weight", "f4")])
ENOUGH_BYTES = 6_000_000_000


@pytest.fixture
def _little_memory() -> Iterator[None]:
    """What slips through must fail here and not take the computer's memory."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (ENOUGH_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def replace(path: Path, name: str, shape: tuple[int, ...], dtype: object) -> None:
    """A dataset that declares `shape` and holds nothing."""
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        chunks = tuple(min(size, 64) for size in shape) if shape else None
        file.create_dataset(name, shape=shape, dtype=dtype, chunks=chunks)


def no_masks(path: Path, n_rows: int) -> None:
    with h5py.File(path, "r+") as file:
        table = file[TABLE]
        for name in list(table):
            del table[name]
    replace(path, f"{TABLE}/id", (n_rows,), "i8")


def write_text(path: Path, name: str, value: object) -> None:
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        file[name] = value


LISTED: dict[str, tuple[Callable[[Path], None], str]] = {
    "rows": (lambda path: no_masks(path, 10**11), "the table of ROIs has 100000000000 rows, more than the 1000000"),
    "identifier": (lambda path: write_text(path, "identifier", "x" * 50_000_000), "/identifier has 50000000 bytes"),
    "fixed identifier": (lambda path: replace(path, "identifier", (), "S2000000000"), "has 2000000000 bytes"),
    "subject": (lambda path: write_text(path, "general/subject/subject_id", "x" * 10_001), "has 10001 bytes"),
    "description": (lambda path: write_text(path, "session_description", "x" * 1_000_001), "has 1000001 bytes"),
    "frames": (lambda path: write_text(path, "general/fluorite/n_frames", np.uint64(2**63 + 1)), "9223372036854775809"),
    "endless rate": (lambda path: write_text(path, "general/fluorite/n_frames", np.inf), "infinity"),
    "frame": (lambda path: write_text(path, "general/fluorite/frame_shape", [2**40, 3]), "a frame has"),
    "shape": (lambda path: replace(path, "general/fluorite/frame_shape", (10**10,), "i8"), "has 10000000000 values"),
    "notes": (
        lambda path: replace(path, "general/fluorite/notes", (10**10,), h5py.string_dtype()),
        "10000000000 texts",
    ),
}
TABLES: dict[str, tuple[Callable[[Path], None], str]] = {
    "masks": (lambda path: replace(path, f"{TABLE}/pixel_mask", (10**11,), MASK), "has 100000000000 pixels"),
    "index": (lambda path: replace(path, f"{TABLE}/pixel_mask_index", (10**11,), "u4"), "has 100000000000 rows"),
    "uuids": (lambda path: replace(path, f"{TABLE}/roi_uuid", (10**11,), h5py.string_dtype()), "100000000000 texts"),
}


@pytest.mark.usefixtures("_little_memory")
@pytest.mark.parametrize("case", [*LISTED, *TABLES])
def test_one_odd_file_leaves_the_others_listed(filled: Project, case: str) -> None:
    change, reason = (LISTED | TABLES)[case]
    odd = filled.samples_dir / "odd.nwb"
    shutil.copy(filled.sample_path("m2", "s1"), odd)
    change(odd)
    catalogue = Catalogue(filled)
    catalogue.refresh()

    rows = {row["name"]: row for row in catalogue.samples()}
    assert [row["status"] for row in rows.values() if row["subject_id"] in ("m1",)] == ["ok"]
    assert reason in rows["odd.nwb"]["reason"]
    assert rows["odd.nwb"]["status"] == ("unreadable" if case in LISTED else "refused")
    assert len(catalogue.rois({"subject_id": "m1"})) == 5


@pytest.mark.usefixtures("_little_memory")
@pytest.mark.parametrize(
    ("name", "shape", "dtype", "read"),
    [
        (f"{IMAGES}/huge", (10**6, 10**5), "f4", reader.read_images),
        ("general/fluorite/boundaries", (10**10,), "i8", reader.read_provenance),
        ("general/fluorite/parameters", (), "S1000001", reader.read_provenance),
        (f"{SHIFTS}/data", (10**10, 2), "f4", reader.read_shifts),
        (f"{TRACES['raw']}/data", (10**9, 10**3), "f4", lambda path: reader.read_traces(path, "raw")),
    ],
)
def test_no_part_of_a_sample_is_read_beyond_its_limit(
    sample: Path, name: str, shape: tuple[int, ...], dtype: str, read: Callable[[Path], object]
) -> None:
    replace(sample, name, shape, dtype)
    with pytest.raises(SampleError, match="is too large to read") as caught:
        read(sample)
    assert caught.value.file == str(sample)


def test_what_runs_out_of_memory_is_listed_with_its_reason(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausting(table: h5py.Group, n_rois: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        if n_rois == 3:
            raise MemoryError("Unable to allocate 8.00 TiB")
        return accept_flags(table, n_rois)

    for module in (sample_summary, reader):
        monkeypatch.setattr(module, "accept_flags", exhausting)
    catalogue = Catalogue(filled)
    catalogue.refresh()

    (row,) = catalogue.samples({"status": "unreadable"})
    assert row["reason"] == "needs more memory than there is (Unable to allocate 8.00 TiB)"
    assert len(catalogue.samples({"status": "ok"})) == 1


def test_ends_of_masks_that_overflow_are_refused(movieless: Path) -> None:
    with h5py.File(movieless, "r+") as file:
        table = file[TABLE]
        n_pixels = len(table["pixel_mask"])
        del table["pixel_mask_index"]
        # As differences of 64-bit integers all of these rise, and by 2**64 too much.
        ends = np.array([2**62, -(2**63), -(2**62), 0, n_pixels], np.int64)
        table["pixel_mask_index"] = ends
    with pytest.raises(SampleError, match="does not fit the masks"):
        reader.read_rois(movieless)


def test_a_sample_within_the_limits_is_read(movieless: Path) -> None:
    write_text(movieless, "identifier", "x" * limits.MAX_NAME_BYTES)
    assert len(reader.read_identifier(movieless)) == limits.MAX_NAME_BYTES
    write_text(movieless, "general/fluorite/movie_metadata", '{"a": "' + "x" * 2_000_000 + '"}')
    assert len(reader.read_provenance(movieless)["movie_metadata"]["a"]) == 2_000_000
