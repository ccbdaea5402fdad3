"""A foreign file becomes a sample and keeps everything that it had."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pynwb
import pytest

from nwb_schema.adoption import Adopted, adopt_file
from nwb_schema.catalogue import Catalogue
from nwb_schema.checks import check_file
from nwb_schema.errors import MetadataError, SampleError, SampleExistsError
from nwb_schema.export import ExportOptions, export_samples
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import read_rois, read_summary, read_traces, registered_movie_path
from tests.nwb_schema.lab_file import lab_file
from tests.nwb_schema.made_samples import N_FRAMES

Adopt = Callable[..., Adopted]
FOREIGN = ("nwb_test", "optinist_caiman", "test_PlaneSegmentation", "test_RoiResponseSeries", "test_TwoPhotonSeries")


@pytest.fixture
def adopt(project: Project, tmp_path: Path) -> Adopt:
    def adopt(source: Path, **options: Any) -> Adopted:
        scratch = project.folder / "batch" / str(uuid.uuid4())
        scratch.mkdir()
        return adopt_file(project, source, scratch=scratch, **options)

    return adopt


def everything(path: Path) -> dict[str, Any]:
    """Every dataset of a file by name."""
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None)
    return found


@pytest.mark.parametrize("name", FOREIGN)
def test_every_foreign_file_becomes_a_sample(
    project: Project, adopt: Adopt, shared_data: Path, tmp_path: Path, name: str
) -> None:
    source = shared_data / "foreign-nwb" / f"{name}.nwb"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()

    adopted = adopt(source, subject="m 1")

    assert hashlib.sha256(source.read_bytes()).hexdigest() == digest, "the original is only read"
    assert adopted.sample.name.startswith("sub-m-1_ses-")
    summary = read_summary(adopted.sample)
    assert (summary.is_ours, summary.subject_id, str(uuid.UUID(summary.identifier))) == (
        True,
        "m 1",
        summary.identifier,
    )
    rois = read_rois(adopted.sample)
    assert len(rois) == summary.n_rois == read_summary(source).n_rois
    assert rois["roi_uuid"].nunique() == len(rois)
    assert rois["is_accepted"].tolist() == read_rois(source)["is_accepted"].tolist()
    before, after = everything(source), everything(adopted.sample)
    for path in set(before) - {"identifier"}:
        np.testing.assert_array_equal(np.asarray(after[path]), np.asarray(before[path]), err_msg=path)
    assert set(schema_problems(adopted.sample)) <= set(schema_problems(source))
    (row,) = catalogue_rows(project)
    assert (row["status"], row["reason"]) == ("ok", None)


def catalogue_rows(project: Project) -> list[dict[str, Any]]:
    catalogue = Catalogue(project)
    catalogue.refresh()
    return catalogue.samples()


def test_its_movie_moves_to_the_projects_movies(project: Project, adopt: Adopt, tmp_path: Path) -> None:
    source = lab_file(tmp_path / "theirs.nwb")

    adopted = adopt(source, subject="m1")

    movie = registered_movie_path(adopted.sample)
    assert movie == project.movies_dir / f"{adopted.identifier}.h5"
    with h5py.File(movie) as file, h5py.File(source) as old:
        np.testing.assert_array_equal(file["data"], old["acquisition/movie/data"])
        assert dict(old["acquisition/movie/data"].attrs).items() <= dict(file["data"].attrs).items()
    with pynwb.NWBHDF5IO(adopted.sample, "r") as io:
        series = io.read().acquisition["movie"]
        assert (series.data.shape, series.conversion, series.unit) == ((12, 30, 20), 2.5, "counts")
    summary = read_summary(adopted.sample)
    assert (summary.has_movie, summary.height, summary.width, summary.n_frames) == (True, 20, 30, 12)
    assert adopted.sample.stat().st_size < source.stat().st_size + 400_000
    assert adopted.notes[-1].startswith("Its movie was moved to the project's movies")


def test_its_own_columns_and_place_are_kept(adopt: Adopt, tmp_path: Path) -> None:
    adopted = adopt(lab_file(tmp_path / "theirs.nwb"), subject="m1")

    with pynwb.NWBHDF5IO(adopted.sample, "r") as io:
        table = io.read().processing["two_photon"]["masks"]["cells"]
        assert table.colnames == ("depth_um", "image_mask", "roi_uuid", "is_accepted", "evaluated")
        assert table["depth_um"].data[:].tolist() == [0.0, 10.0, 20.0]
        assert table["is_accepted"].data[:].tolist() == [True] * 3
        assert table["evaluated"].data[:].tolist() == [False] * 3


def test_what_a_person_gives_counts_and_what_was_there_is_noted(adopt: Adopt, tmp_path: Path) -> None:
    overrides = {
        "NWBFile": {"session_description": "ours", "lab": "Lab", "keywords": ["a", "b"]},
        "Subject": {"species": "mouse", "sex": "female", "age": "P90D"},
        "Ophys": {
            "ImagingPlane": [
                {"location": "VISp", "grid_spacing": [2e-6, 1e-6], "optical_channel": [{"emission_lambda": 610.0}]}
            ]
        },
    }

    adopted = adopt(lab_file(tmp_path / "theirs.nwb"), subject="m1", session="s1", overrides=overrides)

    with pynwb.NWBHDF5IO(adopted.sample, "r") as io:
        nwbfile = io.read()
        assert (nwbfile.session_description, nwbfile.lab, nwbfile.keywords[:].tolist()) == ("ours", "Lab", ["a", "b"])
        assert (nwbfile.subject.species, nwbfile.subject.sex, nwbfile.subject.age) == ("Mus musculus", "F", "P90D")
        plane = nwbfile.imaging_planes["plane0"]
        assert (plane.location, plane.indicator) == ("VISp", "jRGECO1a")
        np.testing.assert_allclose(plane.grid_spacing[:], [2e-6, 1e-6])
        assert plane.optical_channel[0].emission_lambda == 610.0
        notes = list(nwbfile.lab_meta_data["fluorite"].notes[:])
    assert "session_description was 'theirs' before the file was adopted." in notes
    assert "general/optophysiology/plane0/red/emission_lambda was '600.0' before the file was adopted." in notes
    assert "Its identifier was 'session 7' before the file was adopted." in notes


def test_an_adopted_file_can_be_exported(project: Project, adopt: Adopt, tmp_path: Path) -> None:
    overrides = {
        "Subject": {"species": "Rattus norvegicus", "sex": "F", "age": "P90D"},
        "Ophys": {"ImagingPlane": [{"location": "V1", "grid_spacing": [2e-6, 1e-6]}]},
    }
    adopted = adopt(lab_file(tmp_path / "theirs.nwb"), subject="m1", session="s1", overrides=overrides)

    (exported,) = export_samples(project, tmp_path / "out", ExportOptions((adopted.identifier,))).files

    assert exported.check.ok
    with h5py.File(exported.file) as file:
        assert file["acquisition/movie/data"].shape == (12, 30, 20)
        assert file["acquisition/movie/data"].attrs["conversion"] == 2.5


def test_an_exported_sample_comes_back_with_its_identity(
    good: Path, project: Project, adopt: Adopt, tmp_path: Path
) -> None:
    home = Project.open(good.parents[1])
    (exported,) = export_samples(home, tmp_path / "out", ExportOptions((good.name,))).files

    adopted = adopt(exported.file)

    assert adopted.identifier == read_summary(good).identifier
    assert adopted.sample.name == good.name
    assert read_rois(adopted.sample).equals(read_rois(good))
    np.testing.assert_array_equal(read_traces(adopted.sample, "raw"), read_traces(good, "raw"))
    summary = read_summary(adopted.sample)
    assert (summary.has_movie, summary.n_frames, summary.engine) == (True, N_FRAMES, "builtin")


def test_an_identifier_that_is_taken_is_replaced(adopt: Adopt, tmp_path: Path) -> None:
    own = str(uuid.uuid4())
    first = adopt(lab_file(tmp_path / "one.nwb", identifier=own), subject="m1")
    second = adopt(lab_file(tmp_path / "two.nwb", identifier=own), subject="m1")

    assert first.identifier == own
    assert second.identifier != own
    assert check_file(second.sample).findings[0].check != "identifier"


def test_a_file_that_pynwb_refuses_is_refused_with_its_reason(
    project: Project, adopt: Adopt, shared_data: Path
) -> None:
    with pytest.raises(SampleError, match=r"refused_by_pynwb\.nwb: pynwb cannot open it: .*Must provide at least one"):
        adopt(shared_data / "foreign-nwb" / "refused_by_pynwb.nwb", subject="m1")

    assert list(project.samples_dir.iterdir()) == []


def test_a_file_that_leads_elsewhere_is_refused(project: Project, adopt: Adopt, tmp_path: Path) -> None:
    source = lab_file(tmp_path / "theirs.nwb")
    with h5py.File(source, "r+") as file:
        file["processing/two_photon/secret"] = h5py.ExternalLink("/etc/passwd", "/")

    with pytest.raises(SampleError, match=r"/processing/two_photon/secret leads to another file \(/etc/passwd\)"):
        adopt(source, subject="m1")

    assert list(project.samples_dir.iterdir()) == []


def test_a_name_that_is_taken_is_refused(project: Project, adopt: Adopt, tmp_path: Path) -> None:
    source = lab_file(tmp_path / "theirs.nwb")
    adopt(source, subject="m1")

    with pytest.raises(SampleExistsError, match="Give another session: --session NAME"):
        adopt(source, subject="m1")

    assert len(list(project.movies_dir.iterdir())) == 1


def test_metadata_that_nwb_cannot_take_are_refused(project: Project, adopt: Adopt, tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match=r"Subject\.sex = 'x' cannot be used"):
        adopt(lab_file(tmp_path / "theirs.nwb"), subject="m1", overrides={"Subject": {"sex": "x"}})

    assert list(project.samples_dir.iterdir()) == []
    assert list(project.movies_dir.iterdir()) == []


def test_traces_belong_to_the_rois_that_the_file_names(shared_data: Path) -> None:
    traces = read_traces(shared_data / "foreign-nwb" / "optinist_caiman.nwb", "raw")

    assert traces.shape == (6, 1000)
    assert np.isfinite(traces[:4]).all(), "OptiNiSt has traces of the four ROIs that it takes for cells"
    assert np.isnan(traces[4:]).all(), "of the others the file has none"


def test_traces_are_given_to_the_right_rois_whatever_their_order(tmp_path: Path, shared_data: Path) -> None:
    path = tmp_path / "shuffled.nwb"
    path.write_bytes((shared_data / "foreign-nwb" / "optinist_caiman.nwb").read_bytes())
    before = read_traces(path, "raw")
    with h5py.File(path, "r+") as file:
        file["processing/ophys/RoiResponseSeries/RoiResponseSeries/rois"][...] = [5, 0, 3, 1]

    np.testing.assert_array_equal(read_traces(path, "raw", [5, 0, 3, 1]), before[:4])
    assert np.isnan(read_traces(path, "raw", [2])).all()
