"""Results files are read as they are: every mask, trace and flag, in the right place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import sparse

from nwb_schema.errors import ResultsError
from pipeline.results import (
    check_fits_movie,
    is_one_photon,
    read_engine,
    read_parameters,
    read_results,
    read_results_notes,
    read_shifts,
)

HEIGHT, WIDTH, N_ROIS, N_FRAMES = 18, 31, 4, 60
REAL_FILES = {
    "twophoton_caiman.hdf5": ((112, 144), 38, 36, 15.0),
    "onephoton_caiman.hdf5": ((112, 144), 69, 24, 20.0),
    "cortex_2p_caiman.hdf5": ((320, 160), 108, 96, 7.0),
    "caiman_1_8_5_onephoton.hdf5": ((128, 128), 72, None, 30.0),
    "cnmfe_stub_10units_5frames.hdf5": ((231, 242), 10, 2, 20.0),
}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A small results file, written by hand in CaImAn's layout."""
    path = tmp_path / "results.hdf5"
    rng = np.random.default_rng(1)
    footprints = sparse.random(HEIGHT * WIDTH, N_ROIS, 0.1, "csc", rng=rng, data_rvs=lambda n: rng.uniform(0.1, 1, n))
    with h5py.File(path, "w") as file:
        file["dims"] = [HEIGHT, WIDTH]
        file.create_group("estimates/A").attrs["made"] = "by hand"
        for name in ("data", "indices", "indptr", "shape"):
            file[f"estimates/A/{name}"] = getattr(footprints, name)
        for name in ("C", "S", "YrA", "F_dff"):
            file[f"estimates/{name}"] = rng.normal(size=(N_ROIS, N_FRAMES))
        file["estimates/b"] = rng.uniform(size=(HEIGHT * WIDTH, 2))
        file["estimates/f"] = rng.uniform(size=(2, N_FRAMES))
        file["estimates/Cn"] = rng.uniform(size=(HEIGHT, WIDTH))
        file["estimates/SNR_comp"] = rng.uniform(1, 9, N_ROIS)
        file["estimates/r_values"] = rng.uniform(0, 1, N_ROIS)
        file["estimates/cnn_preds"] = np.empty(0)
        file["estimates/idx_components"] = np.array([0, 2])
        file["estimates/idx_components_bad"] = np.array([1, 3])
        file["params/data/dims"] = [HEIGHT, WIDTH]
        file["params/data/fr"] = 12.5
        file["params"].create_group("init")["K"] = 4
        file["params/init"].attrs["method_init"] = "greedy_roi"
        file["params/init/nb"] = "NoneType"
    return path


def change(path: Path, **values: Any) -> Path:
    """Replace datasets; ``__`` in a name stands for ``/``, and None removes."""
    with h5py.File(path, "r+") as file:
        for name, value in values.items():
            place = name.replace("__", "/")
            if place in file:
                del file[place]
            if value is not None:
                file[place] = value
    return path


def dense(path: Path) -> np.ndarray:
    """Footprints ``(n_rois, height, width)`` by other means than the code under test."""
    with h5py.File(path) as file:
        group = file["estimates/A"]
        columns = sparse.csc_matrix((group["data"][:], group["indices"][:], group["indptr"][:]), group["shape"][:])
        height, width = file["dims"][:]
    return columns.toarray().T.reshape(-1, width, height).transpose(0, 2, 1).astype(np.float32)


@pytest.mark.parametrize("name", REAL_FILES)
def test_masks_traces_and_flags_of_real_files_equal_the_file(shared_data: Path, name: str) -> None:
    path = shared_data / "caiman" / name
    shape, n_rois, n_accepted, rate_hz = REAL_FILES[name]
    result = read_results(path)

    assert (result.shape, result.n_rois, result.rate_hz) == (shape, n_rois, rate_hz)
    assert np.array_equal(result.footprints.toarray().reshape(n_rois, *shape), dense(path))
    assert result.evaluated is (n_accepted is not None)
    assert result.accepted.sum() == (n_rois if n_accepted is None else n_accepted)
    with h5py.File(path) as file:
        estimates = file["estimates"]
        assert np.array_equal(result.denoised, estimates["C"][:].astype(np.float32))
        assert np.array_equal(result.deconvolved, estimates["S"][:].astype(np.float32))
        assert np.array_equal(result.raw, (estimates["C"][:] + estimates["YrA"][:]).astype(np.float32))
        if n_accepted is not None:
            assert np.flatnonzero(result.accepted).tolist() == sorted(estimates["idx_components"][:].tolist())
            assert np.array_equal(result.snr, estimates["SNR_comp"][:].astype(np.float32))
        if estimates["F_dff"].shape == ():
            assert result.dff is None
        else:
            assert np.array_equal(result.dff, estimates["F_dff"][:].astype(np.float32))
        if estimates["b"].shape == ():
            assert result.background_footprints is None
            assert result.background_traces is None
        else:
            background = estimates["b"][:].T.reshape(-1, *shape[::-1]).transpose(0, 2, 1).astype(np.float32)
            assert np.array_equal(result.background_footprints.reshape(background.shape), background)
            assert np.array_equal(result.background_traces, estimates["f"][:].astype(np.float32))
        if "Cn" in estimates:
            assert np.array_equal(result.images["correlation"], estimates["Cn"][:].astype(np.float32))
    assert "mean" not in result.images, "the sum of the background is no mean image"
    assert read_results_notes(path) == ()
    assert read_shifts(path) is None


def test_engine_and_parameters_come_from_the_file(shared_data: Path) -> None:
    path = shared_data / "caiman" / "twophoton_caiman.hdf5"
    parameters, digest = read_parameters(path)

    assert read_engine(path) == ("caiman", "1.12.1")
    assert read_engine(shared_data / "caiman" / "caiman_1_8_5_onephoton.hdf5") == ("caiman", "1.8.5")
    assert parameters["data"]["decay_time"] == 0.4
    assert parameters["init"]["method_init"] == "greedy_roi"
    assert len(digest) == 64
    assert not is_one_photon(path)
    assert is_one_photon(shared_data / "caiman" / "onephoton_caiman.hdf5")


def test_a_made_file_goes_through_the_extractor_and_equals_our_own_reading(made: Path) -> None:
    through_extractor = read_results(made)
    change(made, params__data__dims=None)
    by_ourselves = read_results(made)

    assert np.array_equal(through_extractor.footprints.toarray().reshape(-1, HEIGHT, WIDTH), dense(made))
    assert np.array_equal(by_ourselves.footprints.toarray(), through_extractor.footprints.toarray())
    for kind in ("raw", "denoised", "deconvolved", "dff", "snr", "background_footprints", "background_traces"):
        assert np.array_equal(getattr(by_ourselves, kind), getattr(through_extractor, kind)), kind


@pytest.mark.parametrize("empty", [np.empty(0), np.empty(0, np.int64)])
def test_an_empty_list_of_accepted_components_means_that_all_were_rejected(made: Path, empty: np.ndarray) -> None:
    result = read_results(change(made, estimates__idx_components=empty))

    assert result.evaluated
    assert not result.accepted.any()


@pytest.mark.parametrize("value", ["NoneType", None])
def test_without_a_list_of_accepted_components_nothing_was_evaluated(made: Path, value: str | None) -> None:
    result = read_results(change(made, estimates__idx_components=value))

    assert not result.evaluated
    assert result.accepted.all()


def test_float_indices_of_accepted_components_are_understood(made: Path) -> None:
    result = read_results(change(made, estimates__idx_components=np.array([1.0, 3.0])))
    assert result.accepted.tolist() == [False, True, False, True]


@pytest.mark.parametrize("indices", [[0, 4], [-1], [0.5]])
def test_indices_that_name_no_component_are_refused(made: Path, indices: list[float]) -> None:
    with pytest.raises(ResultsError, match="not there"):
        read_results(change(made, estimates__idx_components=np.array(indices)))


def test_explicit_zeros_in_the_footprints_are_dropped(made: Path) -> None:
    expected = dense(made)
    with h5py.File(made, "r+") as file:
        file["estimates/A/data"][3] = 0.0
    expected[:] = dense(made)
    result = read_results(made)

    assert np.array_equal(result.footprints.toarray().reshape(-1, HEIGHT, WIDTH), expected)
    assert (result.footprints.data != 0).all()


def test_weights_stay_on_their_pixels_where_row_indices_are_not_sorted(made: Path) -> None:
    """CaImAn writes CNMF-E's footprints so; roiextractors' pixel masks then pair weights with the wrong pixels."""
    expected = dense(made)
    with h5py.File(made, "r+") as file:
        group = file["estimates/A"]
        start, stop = group["indptr"][0:2]
        for name in ("data", "indices"):
            group[name][start:stop] = group[name][start:stop][::-1]
    result = read_results(made)

    assert np.array_equal(result.footprints.toarray().reshape(-1, HEIGHT, WIDTH), expected)


def test_dims_of_the_raw_file_lose_against_those_that_fit(made: Path) -> None:
    result = read_results(change(made, params__data__dims=[HEIGHT + 4, WIDTH + 4]))
    assert result.shape == (HEIGHT, WIDTH)


def test_missing_or_impossible_dims_are_refused(made: Path) -> None:
    with pytest.raises(ResultsError, match="558 pixels"):
        read_results(change(made, dims=[HEIGHT, WIDTH + 1], params__data__dims="NoneType"))
    with pytest.raises(ResultsError, match="how large a frame"):
        read_results(change(made, dims=None))


def test_a_volume_has_its_voxels_in_c_order(tmp_path: Path, made: Path) -> None:
    shape = (HEIGHT, WIDTH, 5)
    volume = np.zeros((2, *shape), np.float32)
    volume[0, 3, 20, 4] = 0.25
    volume[1, 17, 0, 2] = 0.5
    columns = sparse.csc_matrix(np.stack([mask.ravel(order="F") for mask in volume], axis=1))
    parts = {f"estimates__A__{name}": getattr(columns, name) for name in ("data", "indices", "indptr", "shape")}
    traces = {f"estimates__{name}": np.ones((2, N_FRAMES)) for name in ("C", "S", "YrA", "F_dff")}
    change(made, dims=shape, params__data__dims=shape, **parts, **traces)
    change(made, estimates__Cn=np.ones(shape), estimates__idx_components=np.array([1]))
    change(made, estimates__b=None, estimates__f=None, estimates__SNR_comp=None, estimates__r_values=None)
    result = read_results(made)

    assert result.shape == shape
    assert np.array_equal(result.footprints.toarray().reshape(2, *shape), volume)
    assert result.images["correlation"].shape == (HEIGHT, WIDTH)
    assert result.accepted.tolist() == [False, True]


def test_no_component_at_all_is_a_result(made: Path) -> None:
    parts = {"data": np.empty(0), "indices": np.empty(0, np.int32), "indptr": [0], "shape": [HEIGHT * WIDTH, 0]}
    change(made, **{f"estimates__A__{name}": value for name, value in parts.items()})
    change(made, **{f"estimates__{name}": np.empty((0, N_FRAMES)) for name in ("C", "S", "YrA", "F_dff")})
    empty = {f"estimates__{name}": np.empty(0) for name in ("SNR_comp", "r_values", "idx_components")}
    result = read_results(change(made, **empty))

    assert result.footprints.shape == (0, HEIGHT * WIDTH)
    assert result.n_frames == N_FRAMES
    assert result.accepted.shape == (0,)


def test_components_with_flat_traces_are_kept(made: Path) -> None:
    with h5py.File(made, "r+") as file:
        for name in ("C", "S", "YrA"):
            file[f"estimates/{name}"][1] = 0
    result = read_results(made)

    assert result.n_rois == N_ROIS
    assert not result.raw[1].any()


def test_a_component_without_pixels_is_kept(made: Path) -> None:
    with h5py.File(made, "r+") as file:
        start, stop = file["estimates/A/indptr"][1:3]
        file["estimates/A/data"][start:stop] = 0
    result = read_results(made)

    assert result.n_rois == N_ROIS
    assert result.footprints[[1]].nnz == 0


def test_a_score_of_the_wrong_length_is_left_out_and_reported(made: Path, caplog: pytest.LogCaptureFixture) -> None:
    change(made, estimates__SNR_comp=np.ones(N_ROIS + 1), estimates__F_dff=np.ones((N_ROIS, N_FRAMES - 1)))
    result = read_results(made)

    assert result.snr is None
    assert result.dff is None
    assert result.r_values is not None
    assert "SNR_comp has 5 values for 4 components" in caplog.text
    assert any("F_dff" in note for note in read_results_notes(made))


def test_traces_that_do_not_belong_to_the_footprints_are_refused(made: Path) -> None:
    with pytest.raises(ResultsError, match="4 footprints but 5 traces"):
        read_results(change(made, **{f"estimates__{name}": np.ones((5, 60)) for name in ("C", "S", "YrA", "F_dff")}))
    with pytest.raises(ResultsError, match="deconvolved traces have shape"):
        read_results(change(made, estimates__C=np.ones((4, 60)), estimates__YrA=None))


def test_a_background_of_one_component_may_be_flat(made: Path) -> None:
    with h5py.File(made) as file:
        b, f = file["estimates/b"][:, 0], file["estimates/f"][0]
    result = read_results(change(made, estimates__b=b, estimates__f=f))

    image = b.reshape(WIDTH, HEIGHT).T.astype(np.float32)
    assert np.array_equal(result.background_footprints.reshape(HEIGHT, WIDTH), image)
    assert result.background_traces.shape == (1, N_FRAMES)


def test_a_missing_rate_is_an_error_that_says_how_to_give_it(made: Path) -> None:
    change(made, params__data__fr="NoneType")
    with pytest.raises(ResultsError, match="--frame-rate"):
        read_results(made)
    assert read_results(made, rate_hz=5.0).rate_hz == 5.0


def test_what_our_engine_adds_is_read(made: Path) -> None:
    shifts = np.random.default_rng(0).normal(size=(N_FRAMES, 2)).astype(np.float32)
    change(made, fluorite__shifts=shifts, fluorite__summary_images__max=np.ones((HEIGHT, WIDTH)))
    with h5py.File(made, "r+") as file:
        file["fluorite"].attrs.update(engine="builtin", version="0.1")

    assert np.array_equal(read_shifts(made), shifts)
    assert set(read_results(made).images) == {"correlation", "max"}
    assert read_engine(made) == ("builtin", "0.1")


@pytest.mark.parametrize("damage", ["missing", "folder", "text", "truncated", "not caiman", "no footprints"])
def test_unreadable_files_name_file_cause_and_remedy(made: Path, damage: str) -> None:
    path = made
    if damage == "missing":
        path = made.with_name("nothing.hdf5")
    elif damage == "folder":
        path = made.parent
    elif damage == "text":
        path.write_text("hello")
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:3000])
    elif damage == "not caiman":
        change(made, estimates=None)
    else:
        change(made, estimates__A="NoneType")
    with pytest.raises(ResultsError) as caught:
        read_results(path)

    assert caught.value.file == str(path)
    assert caught.value.cause
    assert caught.value.remedy.endswith(".")


def test_results_of_another_movie_are_refused(made: Path) -> None:
    result = read_results(made)
    names = {"results": made, "movie": Path("movie.tif")}

    check_fits_movie(result, (N_FRAMES, HEIGHT, WIDTH), **names)
    with pytest.raises(ResultsError, match="height and width are swapped"):
        check_fits_movie(result, (N_FRAMES, WIDTH, HEIGHT), **names)
    with pytest.raises(ResultsError, match="has 61"):
        check_fits_movie(result, (N_FRAMES + 1, HEIGHT, WIDTH), **names)
