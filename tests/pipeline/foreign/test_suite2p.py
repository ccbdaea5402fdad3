"""Suite2p's files say the same in Fluorite as in Suite2p."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nwb_schema.errors import ResultsError
from pipeline.foreign.finding import read_found, results_at
from pipeline.movies import open_movie
from pipeline.results import read_results
from tests.pipeline.foreign.suite2p_folder import FRAMES, HEIGHT, RATE_HZ, WIDTH, Written, write_plane


@pytest.fixture
def plane(tmp_path: Path) -> Written:
    return write_plane(tmp_path / "day1" / "suite2p" / "plane0")


def test_cells_traces_and_decisions_are_those_in_the_folder(plane: Written) -> None:
    found = read_found(plane.folder)

    cells = found.segmentation
    images = cells.footprints.toarray().reshape(-1, HEIGHT, WIDTH)
    for image, cell in zip(images, plane.cells, strict=True):
        np.testing.assert_array_equal(image[cell["ypix"], cell["xpix"]], cell["lam"])
        assert np.count_nonzero(image) == cell["npix"]
    assert cells.raw is not None
    around = plane.arrays["Fneu"]
    expected = plane.arrays["F"] - 0.6 * (around - np.median(around, axis=1, keepdims=True))
    np.testing.assert_allclose(cells.raw, expected, rtol=1e-5)
    np.testing.assert_array_equal(cells.deconvolved, plane.arrays["spks"])
    assert cells.accepted.tolist() == [True, False, True]
    assert cells.evaluated
    assert (cells.rate_hz, cells.n_frames) == (RATE_HZ, FRAMES)
    np.testing.assert_array_equal(cells.images["mean"], plane.settings["meanImg"])
    assert found.engine == "suite2p"
    assert found.session == "day1"
    assert found.parameters["suite2p"]["tau"] == 0.8


def test_the_denoised_trace_is_the_calcium_of_its_spikes(plane: Written) -> None:
    denoised = read_found(plane.folder).segmentation.denoised
    assert denoised is not None

    decay = np.exp(-1 / (0.8 * RATE_HZ))
    np.testing.assert_allclose(denoised[:, 1:] - decay * denoised[:, :-1], plane.arrays["spks"][:, 1:], atol=1e-4)


def test_fall_mat_says_the_same_as_the_folder(plane: Written) -> None:
    folder, mat = read_found(plane.folder).segmentation, read_found(plane.folder / "Fall.mat").segmentation

    np.testing.assert_array_equal(mat.footprints.toarray(), folder.footprints.toarray())
    for kind in ("raw", "denoised", "deconvolved", "dff"):
        np.testing.assert_array_equal(getattr(mat, kind), getattr(folder, kind))
    np.testing.assert_array_equal(mat.accepted, folder.accepted)
    np.testing.assert_array_equal(mat.images["mean"], folder.images["mean"])


def test_fall_mat_of_a_single_cell_is_read(tmp_path: Path) -> None:
    plane = write_plane(tmp_path / "plane0", n_cells=1)

    cells = read_found(plane.folder / "Fall.mat").segmentation
    np.testing.assert_array_equal(cells.deconvolved, plane.arrays["spks"])


def test_what_is_kept_reads_back_with_the_originals(plane: Written, tmp_path: Path) -> None:
    import h5py

    found = read_found(plane.folder)
    found.keep(tmp_path / "results.hdf5", found)

    again = read_results(tmp_path / "results.hdf5")
    np.testing.assert_array_equal(again.footprints.toarray(), found.segmentation.footprints.toarray())
    for kind in ("raw", "denoised", "deconvolved", "dff"):
        np.testing.assert_allclose(getattr(again, kind), getattr(found.segmentation, kind), rtol=1e-5)
    np.testing.assert_array_equal(again.accepted, found.segmentation.accepted)
    assert again.evaluated
    assert again.snr is None
    with h5py.File(tmp_path / "results.hdf5") as file:
        for name, values in plane.arrays.items():
            np.testing.assert_array_equal(file["fluorite/originals"][name][:], values)


def test_the_registered_movie_is_found_and_read(plane: Written) -> None:
    found = read_found(plane.folder)

    assert found.movie == plane.folder / "data.bin"
    with open_movie(found.movie) as movie:
        assert movie.rate_hz == RATE_HZ
        np.testing.assert_array_equal(movie.read(3, 90), plane.movie[3:90])


def test_settings_of_suite2p_1_are_read_from_their_groups(tmp_path: Path) -> None:
    plane = write_plane(tmp_path / "plane0")
    stored = {name: value for name, value in plane.settings.items() if name not in ("fs", "tau", "neucoeff")}
    np.save(plane.folder / "ops.npy", np.array(stored, dtype=object))
    groups = {"fs": 9.0, "tau": 0.5, "extraction": {"neuropil_coefficient": 0.0}}
    np.save(plane.folder / "settings.npy", np.array(groups, dtype=object))

    cells = read_found(plane.folder).segmentation
    assert cells.rate_hz == 9.0
    np.testing.assert_array_equal(cells.raw, plane.arrays["F"])


def test_offsets_of_whole_frames_register_a_raw_movie_and_those_of_parts_do_not(tmp_path: Path) -> None:
    rigid = write_plane(tmp_path / "a" / "plane0")
    parts = write_plane(tmp_path / "b" / "plane0", yoff1=np.zeros((FRAMES, 6)), xoff1=np.zeros((FRAMES, 6)))

    found = read_found(rigid.folder)
    assert found.shifts is not None
    np.testing.assert_array_equal(found.shifts[:, 0], -rigid.settings["yoff"])
    assert found.unknown_shifts is None
    assert "nonrigid" in (read_found(parts.folder).unknown_shifts or "")


def test_planes_are_found_in_their_order_and_have_sessions_of_their_own(tmp_path: Path) -> None:
    for plane in (10, 2):
        write_plane(tmp_path / "day1" / "suite2p" / f"plane{plane}")

    for given in (tmp_path / "day1", tmp_path / "day1" / "suite2p"):
        assert [path.name for path in results_at(given)] == ["plane2", "plane10"]
    assert read_found(results_at(tmp_path / "day1")[1]).session == "day1-plane10"


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("F.npy", np.zeros((2, FRAMES)), "3 cells"),
        ("spks.npy", np.zeros((3, FRAMES - 1)), "spks has shape"),
        ("iscell.npy", np.zeros((2, 2)), "2 rows for 3 cells"),
        ("stat.npy", np.array([{"ypix": [99], "xpix": [1], "lam": [1.0]}] * 3, dtype=object), "in the frame"),
        ("stat.npy", np.array([{"ypix": [1]}] * 3, dtype=object), "xpix"),
        ("ops.npy", np.array({"fs": 7.0}, dtype=object), "how large a frame"),
        ("ops.npy", np.array({"Ly": HEIGHT, "Lx": WIDTH}, dtype=object), "--frame-rate"),
    ],
)
def test_files_that_do_not_fit_are_named(plane: Written, name: str, values: np.ndarray, message: str) -> None:
    np.save(plane.folder / name, values)

    with pytest.raises(ResultsError, match=message):
        read_found(plane.folder)


def test_one_file_of_several_and_an_nwb_file_lead_on(plane: Written, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="Give their folder"):
        results_at(plane.folder / "stat.npy")
    (tmp_path / "ophys.nwb").write_bytes(b"x")
    with pytest.raises(ResultsError, match="fluorite adopt"):
        results_at(tmp_path / "ophys.nwb")
    with pytest.raises(ResultsError, match="without results"):
        results_at(tmp_path)
