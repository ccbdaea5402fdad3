from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from app.samples.store import SampleStore, footprint_image
from nwb_schema.errors import SampleError
from pipeline.viewing.contours import flatten_depth
from tests.app.small_project import MadeSample


def test_sample_is_looked_for_once_while_its_file_is_the_same(sample: MadeSample) -> None:
    asked = []
    store = SampleStore(lambda name: asked.append(name) or sample.path)

    first, second = store.get("x"), store.get("x")

    assert first is second
    assert asked == ["x"]


def test_committed_sample_is_read_anew(sample: MadeSample, tmp_path: Path) -> None:
    path = Path(shutil.copy(sample.path, tmp_path / "a.nwb"))
    store = SampleStore(lambda _: path)
    before = store.get("x")

    shutil.copy(path, tmp_path / "b.nwb")
    os.replace(tmp_path / "b.nwb", path)

    assert store.get("x") is not before
    assert store.get("x").signature != before.signature


def test_deleted_sample_is_an_error_and_not_a_memory(sample: MadeSample, tmp_path: Path) -> None:
    path = Path(shutil.copy(sample.path, tmp_path / "a.nwb"))

    def find(name: str) -> Path:
        if not path.exists():
            raise SampleError(name, "there is no such sample", "Look again.")
        return path

    store = SampleStore(find)
    store.get("x")
    path.unlink()

    with pytest.raises(SampleError):
        store.get("x")


def test_only_a_few_samples_stay_in_memory(sample: MadeSample) -> None:
    store = SampleStore(lambda _: sample.path, capacity=2)
    first = store.get("a")
    store.get("b")
    store.get("c")

    assert store.get("a") is not first


def test_traces_come_in_the_order_asked_for(sample: MadeSample) -> None:
    data = SampleStore(lambda _: sample.path).get("x")
    keys = [str(key) for key in data.rois["key"]]

    rows = data.rows_of([keys[4], "unknown", keys[1]])
    traces = data.traces(rows, ["denoised", "no such kind"])

    assert rows == [4, 1]
    assert list(traces) == ["denoised"]
    np.testing.assert_allclose(traces["denoised"], sample.simulation.traces[[4, 1]])


def test_footprints_of_different_brightness_are_all_seen() -> None:
    dim = np.zeros((4, 7))
    dim[1, 5] = 0.01
    bright = np.zeros((4, 7))
    bright[2, 2] = 90

    image = footprint_image(sparse.csr_array(np.stack([dim.ravel(), bright.ravel()])), (4, 7))

    assert image[1, 5] == image[2, 2] == 1
    assert image.sum() == 2


def test_volume_is_seen_from_above() -> None:
    volume = np.zeros((3, 5, 2), np.float32)
    volume[1, 4] = (1, 2)

    flat = flatten_depth(sparse.csr_array(volume.reshape(1, -1)), 2)

    assert flat.shape == (1, 15)
    assert flat.toarray().reshape(3, 5)[1, 4] == 3
