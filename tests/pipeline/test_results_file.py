"""The results file: CaImAn's layout, as roiextractors reads it."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from roiextractors import CaimanSegmentationExtractor
from scipy import sparse

from nwb_schema.errors import ResultsError
from pipeline.parameters import Parameters
from pipeline.progress import Cancelled
from pipeline.results_file import Results, write_results

HEIGHT, WIDTH, FRAMES = 11, 17, 50


def make_results(n: int = 4) -> Results:
    rng = np.random.default_rng(0)
    images = np.zeros((n, HEIGHT, WIDTH), np.float32)
    for number, image in enumerate(images):
        image[2 + number : 5 + number, 9 : 12 + number] = rng.uniform(0.5, 1, (3, 3 + number))
    flat = images.reshape(n, HEIGHT * WIDTH)
    stored = sparse.coo_array(flat)
    zero = ([0.0], ([0], [HEIGHT * WIDTH - 1])) if n else ([], ([], []))  # an explicit zero, which readers trip over
    footprints = sparse.csr_array(
        (
            np.append(stored.data, zero[0]),
            (np.append(stored.row, zero[1][0]).astype(int), np.append(stored.col, zero[1][1]).astype(int)),
        ),
        shape=(n, HEIGHT * WIDTH),
    )

    def traces(rows: int) -> np.ndarray:
        return rng.standard_normal((rows, FRAMES)).astype(np.float32)

    return Results(
        shape=(HEIGHT, WIDTH),
        rate_hz=7.5,
        footprints=footprints,
        denoised=traces(n),
        deconvolved=traces(n),
        residual=traces(n),
        dff=traces(n),
        background_footprints=rng.random((2, HEIGHT * WIDTH)).astype(np.float32),
        background_traces=traces(2),
        snr=rng.random(n).astype(np.float32),
        r_values=rng.random(n).astype(np.float32),
        accepted=np.arange(n) % 2 == 0,
        per_trace={
            "g": rng.random((n, 2)).astype(np.float32),
            **{name: rng.random(n).astype(np.float32) for name in ("bl", "c1", "neurons_sn", "lam")},
        },
        noise=np.arange(HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH),
        shifts=rng.random((FRAMES, 2)).astype(np.float32),
        images={"correlation": rng.random((HEIGHT, WIDTH)).astype(np.float32), "mean": flat.sum(0).reshape(11, 17)},
        parameters=Parameters.preset("2p").to_dict(),
        engine="builtin",
        version="1",
        notes=("a note",),
    )


def test_roiextractors_reads_back_footprints_traces_and_verdict(tmp_path: Path) -> None:
    results = make_results()
    extractor = CaimanSegmentationExtractor(write_results(tmp_path / "r.hdf5", results))
    expected = results.footprints.toarray().reshape(-1, HEIGHT, WIDTH)
    np.testing.assert_allclose(np.moveaxis(extractor.get_roi_image_masks(), -1, 0), expected, rtol=1e-6)
    traces = extractor.get_traces_dict()
    np.testing.assert_allclose(traces["denoised"].T, results.denoised, rtol=1e-6)
    np.testing.assert_allclose(traces["raw"].T, results.denoised + results.residual, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(traces["deconvolved"].T, results.deconvolved, rtol=1e-6)
    np.testing.assert_allclose(traces["dff"].T, results.dff, rtol=1e-6)
    np.testing.assert_array_equal(extractor.get_property("is_accepted", [0, 1, 2, 3]), results.accepted)
    np.testing.assert_allclose(extractor.get_property("snr", [0, 1, 2, 3]), results.snr, rtol=1e-6)
    assert extractor.get_sampling_frequency() == 7.5
    assert tuple(extractor.get_frame_shape()) == (HEIGHT, WIDTH)
    np.testing.assert_allclose(extractor.get_image("correlation"), results.images["correlation"], rtol=1e-6)


def test_layout_of_the_reference(tmp_path: Path) -> None:
    results = make_results()
    with h5py.File(write_results(tmp_path / "r.hdf5", results)) as file:
        estimates = file["estimates"]
        assert (estimates["A/data"][:] != 0).all()
        assert estimates["A/shape"][:].tolist() == [HEIGHT * WIDTH, 4]
        assert estimates["idx_components"].dtype == np.int64
        assert estimates["idx_components"][:].tolist() == [0, 2]
        assert estimates["idx_components_bad"][:].tolist() == [1, 3]
        assert estimates["b"].shape == (HEIGHT * WIDTH, 2)
        background = results.background_footprints[0].reshape(HEIGHT, WIDTH)
        np.testing.assert_allclose(estimates["b"][:, 0].reshape(WIDTH, HEIGHT).T, background, rtol=1e-6)
        np.testing.assert_array_equal(estimates["sn"][:].reshape(WIDTH, HEIGHT).T, results.noise)
        assert estimates["W"][()] == estimates["cnn_preds"][()] == b"NoneType"
        assert file["params/data/dims"][:].tolist() == file["dims"][:].tolist() == [HEIGHT, WIDTH]
        assert file["params/data/fr"][()] == 7.5
        assert file["params/init/K"][()] == b"NoneType"
        assert file["params/init"].attrs["method_init"] == "greedy_roi"
        assert set(file["params"]) >= {"data", "init", "merging", "motion", "online", "patch", "preprocess", "quality"}
        assert file["fluorite"].attrs["engine"] == "builtin"
        np.testing.assert_array_equal(file["fluorite/shifts"][:], results.shifts)
        assert file["fluorite/notes"].asstr()[:].tolist() == ["a note"]
        y, x = np.nonzero(results.footprints.toarray()[1].reshape(HEIGHT, WIDTH))
        centre = estimates["center"][1]
        assert y.min() < centre[0] < y.max()
        assert x.min() < centre[1] < x.max()


def test_nothing_found_is_a_file_with_no_components(tmp_path: Path) -> None:
    with h5py.File(write_results(tmp_path / "r.hdf5", make_results(0))) as file:
        assert file["estimates/C"].shape == (0, FRAMES)
        assert file["estimates/A/indptr"][:].tolist() == [0]
        assert file["estimates/idx_components"].shape == (0,)


def test_a_failure_leaves_the_old_file_and_no_remains(tmp_path: Path) -> None:
    path = write_results(tmp_path / "r.hdf5", make_results())
    before = path.read_bytes()
    broken = replace(make_results(), per_trace={})
    with pytest.raises(KeyError):
        write_results(path, broken)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["r.hdf5"]


def test_a_cancel_is_noticed_while_writing_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_results(tmp_path / "r.hdf5", make_results())
    before = path.read_bytes()
    asked = 0

    def tick() -> None:
        nonlocal asked
        asked += 1
        if asked == 9:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_results(path, make_results(), tick)
    assert asked == 9
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["r.hdf5"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be written"):
        write_results(tmp_path / "missing" / "r.hdf5", make_results())


def test_the_file_is_flushed_through_a_descriptor_that_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda number: flushed.append(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE))
    write_results(tmp_path / "r.hdf5", make_results())
    assert flushed == [os.O_RDWR]  # Windows flushes no descriptor that may only read


def test_automatic_online_parameters_are_left_to_caiman(tmp_path: Path) -> None:
    parameters = Parameters.preset("2p").updated({"online.epochs": 2}).to_dict()
    path = write_results(tmp_path / "results.hdf5", replace(make_results(), parameters=parameters))

    with h5py.File(path) as file:
        online, init = file["params/online"], file["params/init"]
        assert online["epochs"][()] == 2
        assert not {"max_shifts_online", "thresh_fitness_raw", "init_method"} & {*online, *online.attrs}
        assert init["gSiz"][()] == b"NoneType", "elsewhere, CaImAn has automatic values"
