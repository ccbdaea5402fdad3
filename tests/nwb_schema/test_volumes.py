"""A sample of volumes: voxel masks, movie, shifts, planes and spacing, none of them with axes swapped."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest

from nwb_schema import reader
from nwb_schema.checks import check_file, check_sample
from nwb_schema.edits import SetField, commit, undo
from nwb_schema.errors import EditError, SampleError
from nwb_schema.export import ExportOptions, export_samples
from nwb_schema.movie_file import MovieFile
from nwb_schema.project import Project
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample
from tests.nwb_schema.made_samples import (
    HEIGHT,
    N_FRAMES,
    WIDTH,
    made_metadata,
    made_movie,
    made_provenance,
    made_sample,
    made_segmentation,
    made_shifts,
)

DEPTH = 6


def volume_segmentation() -> Segmentation:
    planes = np.random.default_rng(11).uniform(0, 100, (HEIGHT, WIDTH, DEPTH)).astype(np.float32)
    return made_segmentation(shape=(HEIGHT, WIDTH, DEPTH), plane_images={"mean": planes, "correlation": planes / 100})


@pytest.fixture(scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project.create(tmp_path_factory.mktemp("template") / "project")
    made_sample(project, segmentation=volume_segmentation())
    return project.folder


@pytest.fixture
def project(_template: Path, tmp_path: Path) -> Project:
    """A project with one sample, of volumes."""
    return Project.open(shutil.copytree(_template, tmp_path / "project"))


@pytest.fixture
def sample(project: Project) -> Path:
    return project.sample_path("m1", "s1")


def test_a_volume_reads_back_with_its_movie_shifts_and_planes(project: Project, sample: Path) -> None:
    made = volume_segmentation()
    summary = reader.read_summary(sample)
    assert (summary.n_frames, summary.height, summary.width, summary.depth) == (N_FRAMES, HEIGHT, WIDTH, DEPTH)
    assert summary.has_movie
    assert np.array_equal(reader.read_footprints(sample).toarray(), made.footprints.toarray())
    assert np.array_equal(reader.read_shifts(sample), made_shifts(axes=3))
    planes = reader.read_plane_images(sample)
    assert sorted(planes) == ["correlation", "mean"]
    assert np.array_equal(planes["mean"], made.plane_images["mean"])


def test_a_body_has_its_centre_along_three_axes(sample: Path) -> None:
    bodies = volume_segmentation().footprints.toarray().reshape(-1, HEIGHT, WIDTH, DEPTH).astype(float)
    rois = reader.read_rois(sample)
    for body, (_, roi) in zip(bodies, rois.iterrows(), strict=True):
        centre = [np.average(axis, weights=body) for axis in np.indices(body.shape)]
        assert np.allclose(roi[["centroid_y", "centroid_x", "centroid_z"]].astype(float), centre, atol=1e-4)
        assert roi["area_px"] == np.count_nonzero(body)


def test_the_distance_of_planes_is_read(sample: Path) -> None:
    assert reader.read_plane_spacing_um(sample) == pytest.approx(5)
    assert reader.read_pixel_size_um(sample) == pytest.approx((1, 2))
    with h5py.File(sample, "r+") as file:
        plane = file["general/optophysiology/ImagingPlane"]
        spacing = plane["grid_spacing"]
        spacing[2] = np.nan
    assert reader.read_plane_spacing_um(sample) is None
    assert reader.read_pixel_size_um(sample) == pytest.approx((1, 2))


def test_pixel_size_of_a_volume_has_three_numbers(project: Project, sample: Path) -> None:
    for typed in ("1.2", "1.2, 1.1"):
        with pytest.raises(EditError, match="a volume needs three numbers"):
            commit(project, sample, SetField("imaging.pixel_size_um", typed), actor="Ada")

    commit(project, sample, SetField("imaging.pixel_size_um", "1.2, 1.1, 7"), actor="Ada")

    assert reader.read_pixel_size_um(sample) == pytest.approx((1.1, 1.2))
    assert reader.read_plane_spacing_um(sample) == pytest.approx(7)
    undo(project, sample, actor="Ada")
    assert reader.read_plane_spacing_um(sample) == pytest.approx(5)


def test_pynwb_sees_voxels_as_x_y_z_and_the_movie_as_t_x_y_z(project: Project, sample: Path) -> None:
    made = volume_segmentation()
    with pynwb.NWBHDF5IO(str(sample), "r") as io:
        nwbfile = io.read()
        series = nwbfile.acquisition["TwoPhotonSeries"]
        assert series.data.shape == (N_FRAMES, WIDTH, HEIGHT, DEPTH)
        assert tuple(series.dimension[:]) == (WIDTH, HEIGHT, DEPTH)
        assert np.allclose(series.imaging_plane.grid_spacing[:], (2e-6, 1e-6, 5e-6))
        table = nwbfile.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        dense = np.zeros((HEIGHT, WIDTH, DEPTH), np.float32)
        for x, y, z, weight in table["voxel_mask"][1]:
            dense[y, x, z] = weight
        assert np.array_equal(dense.ravel(), made.footprints.toarray()[1])
        plane = nwbfile.processing["ophys"]["PlaneImages"]["mean_z004"]
        assert np.array_equal(plane.data[:].T, made.plane_images["mean"][..., 4])
        shifts = nwbfile.processing["ophys"]["MotionCorrectionShifts"].data[:]
        assert np.array_equal(shifts, made_shifts(axes=3)[:, [1, 0, 2]])


def test_the_movie_file_keeps_volumes_frame_by_frame(project: Project) -> None:
    path, frames = made_movie(project, "volume", depth=DEPTH)
    with MovieFile(path) as movie:
        assert movie.shape == (N_FRAMES, HEIGHT, WIDTH, DEPTH)
        assert np.array_equal(movie.read(3, 8), frames[3:8])
    with h5py.File(path) as file:
        assert file["data"].chunks == (1, WIDTH, HEIGHT, DEPTH)


def test_an_exported_volume_is_whole_and_passes_all_checks(project: Project, sample: Path, tmp_path: Path) -> None:
    with h5py.File(sample, "r+") as file:
        own = file["general/fluorite"]
        own["parameters_sha256"][()] = hashlib.sha256(own["parameters"][()]).hexdigest()
    report = export_samples(project, tmp_path / "out", ExportOptions())
    assert report.ok
    exported = report.files[0].file
    movie = reader.registered_movie_path(sample)
    with h5py.File(exported) as file, h5py.File(movie) as linked:
        assert np.array_equal(file["acquisition/TwoPhotonSeries/data"][()], linked["data"][()])
    # Our rules, nwbinspector and dandi validate.
    assert [str(finding) for finding in check_file(exported).findings] == []


def test_a_movie_of_other_planes_is_refused(project: Project) -> None:
    path, _ = made_movie(project, "volume", depth=DEPTH + 1)
    with pytest.raises(SampleError, match=r"6 planes.*do not fit.*7 planes"):
        write_sample(
            project.sample_path("m1", "s2"),
            identifier="volume",
            metadata=made_metadata(),
            segmentation=volume_segmentation(),
            provenance=made_provenance(),
            registered_movie=path,
            shifts=None,
        )


def test_shifts_of_a_plane_do_not_fit_a_volume(project: Project) -> None:
    path, _ = made_movie(project, "volume", depth=DEPTH)
    with pytest.raises(SampleError, match=r"shifts have shape \(50, 2\)") as raised:
        write_sample(
            project.sample_path("m1", "s2"),
            identifier="volume",
            metadata=made_metadata(),
            segmentation=volume_segmentation(),
            provenance=made_provenance(),
            registered_movie=path,
            shifts=made_shifts(),
        )
    assert "(y, x, z)" in raised.value.remedy


def test_masks_beyond_the_last_plane_are_found(project: Project, sample: Path) -> None:
    with h5py.File(sample, "r+") as file:
        file["general/fluorite/frame_shape"][2] = 3
        del file["acquisition"]
    problems = [finding.message for finding in check_sample(sample).findings]
    assert any("masks reach beyond the frame of 24 x 40 x 3" in problem for problem in problems)


def test_a_volume_without_the_distance_of_its_planes_is_told_so(project: Project, sample: Path) -> None:
    def told() -> list[str]:
        return [finding.message for finding in check_sample(sample).findings if finding.check == "grid-spacing"]

    assert told() == []
    with h5py.File(sample, "r+") as file:
        plane = file["general/optophysiology/ImagingPlane"]
        attributes = dict(plane["grid_spacing"].attrs)
        del plane["grid_spacing"]
        plane.create_dataset("grid_spacing", data=[1e-6, 1e-6]).attrs.update(attributes)
    assert told() == ["ImagingPlane does not say how far apart its pixels and planes are"]
