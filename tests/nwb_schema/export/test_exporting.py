"""An export is complete, alone, in DANDI's layout, and taken up again where it stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from nwb_schema.errors import ExportError, SampleError
from nwb_schema.export import ExportOptions, export_samples, plan_export
from nwb_schema.project import Project
from nwb_schema.reader import read_footprints, read_rois, read_traces
from tests.nwb_schema.made_samples import HEIGHT, N_FRAMES, WIDTH, made_sample

NAME = "sub-m1/sub-m1_ses-s1_ophys.nwb"
M1 = ExportOptions(samples=("sub-m1_ses-s1_ophys",))
SERIES = "acquisition/TwoPhotonSeries"
# pynwb as a reader has it who never heard of Fluorite.
PLAIN = """
import sys, warnings
warnings.simplefilter("ignore")
import pynwb
with pynwb.NWBHDF5IO(sys.argv[1], "r") as io:
    nwbfile = io.read()
    assert not [name for name in sys.modules if name.startswith(("nwb_schema", "pipeline", "fluorite"))]
    series = nwbfile.acquisition["TwoPhotonSeries"]
    table = nwbfile.processing["ophys"]["Fluorescence"]["RoiResponseSeries"].rois.table
    print(series.data.shape, series.data[0].sum(), table.name, nwbfile.lab_meta_data["fluorite"].input_files[0])
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def project(good: Path) -> Project:
    return Project.open(good.parents[1])


def frames_of(project: Project, sample: Path) -> np.ndarray:
    with h5py.File(sample) as file:
        identifier = file["identifier"][()].decode()
    with h5py.File(project.movie_path(identifier)) as file:
        return file["data"][()]


def leftovers(out: Path) -> list[str]:
    return [path.name for path in out.rglob(".writing_*")]


def test_an_exported_file_holds_everything_and_needs_nothing(project: Project, good: Path, out: Path) -> None:
    report = export_samples(project, out, M1)

    exported = out / NAME
    assert [file.file for file in report.files] == [exported]
    assert report.ok
    with h5py.File(exported) as file:
        data = file[f"{SERIES}/data"]
        assert file[SERIES].get("data", getlink=True).__class__ is h5py.HardLink
        assert data.shape == (N_FRAMES, WIDTH, HEIGHT)
        assert (data.chunks, data.compression, data.shuffle) == ((20, WIDTH, HEIGHT), "gzip", True)
        assert data.attrs["unit"] == "n.a."
        np.testing.assert_array_equal(data[()], frames_of(project, good))
    np.testing.assert_array_equal(read_traces(exported, "dff"), read_traces(good, "dff"))
    np.testing.assert_array_equal(read_footprints(exported).toarray(), read_footprints(good).toarray())
    assert read_rois(exported).equals(read_rois(good))
    assert leftovers(out) == []


def test_it_opens_in_pynwb_without_fluorite(project: Project, out: Path, tmp_path: Path) -> None:
    export_samples(project, out, M1)
    moved = tmp_path / "alone" / "file.nwb"
    moved.parent.mkdir()
    (out / NAME).rename(moved)

    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(moved)], capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"({N_FRAMES}, {WIDTH}, {HEIGHT}) ")
    assert done.stdout.split()[-2:] == ["PlaneSegmentation", "movie.tif"]


def test_no_byte_of_it_tells_of_the_labs_computer(project: Project, good: Path, out: Path) -> None:
    with h5py.File(good, "r+") as file:
        own = file["general/fluorite"]
        del own["input_files"]
        own["input_files"] = ["/home/ada lovelace/secret project/movie.tif", r"C:\Users\ada\secret\second.tif"]
        own["notes"] = ["Imported from /mnt/secret/server/results.hdf5, which is old."]
        own["movie_metadata"] = (
            '{"path":"\\\\\\\\server\\\\secret\\\\x.tif","url":"https://dandiarchive.org/secretless"}'
        )
        edits = file.create_group("processing/fluorite/edits")
        for name, value in {"neurodata_type": "DynamicTable", "namespace": "hdmf-common", "object_id": "x" * 8}.items():
            edits.attrs[name] = value
            file["processing/fluorite"].attrs[name] = value
        file["processing/fluorite"].attrs["neurodata_type"] = "ProcessingModule"
        file["processing/fluorite"].attrs["namespace"] = "core"
        file["processing/fluorite"].attrs["description"] = "Edits."
        edits.attrs["description"] = "Edits."
        edits.attrs["colnames"] = np.array(["actor"], dtype=object)
        ids = edits.create_dataset("id", data=np.arange(3))
        actors = edits.create_dataset("actor", data=["secretada", "grace", "secretada"], dtype=h5py.string_dtype())
        for data, kind in ((ids, "ElementIdentifiers"), (actors, "VectorData")):
            data.attrs.update({"neurodata_type": kind, "namespace": "hdmf-common", "object_id": kind})
        actors.attrs["description"] = "Who."

    export_samples(project, out, M1)

    content = (out / NAME).read_bytes()
    assert b"secret" not in content.replace(b"secretless", b"")
    assert b"lovelace" not in content
    with h5py.File(out / NAME) as file:
        own = file["general/fluorite"]
        assert [name.decode() for name in own["input_files"][()]] == ["movie.tif", "second.tif"]
        assert own["notes"][0].decode() == "Imported from results.hdf5, which is old."
        assert json.loads(own["movie_metadata"][()]) == {"path": "x.tif", "url": "https://dandiarchive.org/secretless"}
        assert [name.decode() for name in file["processing/fluorite/edits/actor"][()]] == [
            "person 1",
            "person 2",
            "person 1",
        ]


def test_what_was_deleted_from_the_sample_is_not_among_the_bytes(project: Project, good: Path, out: Path) -> None:
    with h5py.File(good, "r+") as file:
        file["general/data_collection"] = np.bytes_("Deleted remark. " * 100)
        file["general/slices"] = "None."
    with h5py.File(good, "r+") as file:
        del file["general/data_collection"]
    assert b"Deleted remark." in good.read_bytes(), "HDF5 unlinks, and does not overwrite"

    export_samples(project, out, M1)

    assert b"Deleted remark." not in (out / NAME).read_bytes()


def test_the_draft_and_the_commands_are_ready_to_use(project: Project, out: Path) -> None:
    report = export_samples(project, out, M1)

    assert (out / "dandiset.yaml").read_text().count("identifier: '000000'") == 1
    assert report.upload == (f"cd {out}", "dandi validate .", "dandi upload .")


def test_a_dandiset_that_is_there_is_kept(project: Project, out: Path) -> None:
    out.mkdir()
    (out / "dandiset.yaml").write_text("identifier: '001234'\n")

    export_samples(project, out, M1)

    assert (out / "dandiset.yaml").read_text() == "identifier: '001234'\n"


def test_what_is_there_and_unchanged_is_not_written_again(project: Project, out: Path) -> None:
    export_samples(project, out, M1)
    before = (out / NAME).stat()

    (again,) = export_samples(project, out, M1).files

    assert again.unchanged
    assert ((out / NAME).stat().st_ino, (out / NAME).stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_edited_sample_is_exported_again(project: Project, good: Path, out: Path) -> None:
    export_samples(project, out, M1)
    with h5py.File(good, "r+") as file:
        file["general/lab"][()] = "Other Lab"

    (again,) = export_samples(project, out, M1).files

    assert not again.unchanged
    with h5py.File(out / NAME) as file:
        assert file["general/lab"][()] == b"Other Lab"


def test_a_file_that_somebody_changed_is_not_replaced(project: Project, good: Path, out: Path) -> None:
    export_samples(project, out, M1)
    with h5py.File(out / NAME, "r+") as file:
        file["general/lab"][()] = "Theirs"
    with h5py.File(good, "r+") as file:
        file["general/lab"][()] = "Ours"

    with pytest.raises(ExportError, match=r"is there already and was not exported like this\. Move it away"):
        export_samples(project, out, M1)

    with h5py.File(out / NAME) as file:
        assert file["general/lab"][()] == b"Theirs"


def test_without_movie_the_file_says_so(project: Project, out: Path) -> None:
    (exported,) = export_samples(project, out, ExportOptions(M1.samples, keep_movie=False)).files

    assert exported.check.ok
    with h5py.File(exported.file) as file:
        assert list(file["acquisition"]) == []
        assert file["general/fluorite/notes"][-1] == b"The movie was left out of this file on export."


def test_what_blocks_is_refused_before_anything_is_written(project: Project, good: Path, out: Path) -> None:
    with h5py.File(good, "r+") as file:
        file["general/subject/age"][()] = "P0D/"

    with pytest.raises(ExportError) as error:
        export_samples(project, out, M1)

    assert str(error.value) == (
        f"{good}: nobody gave the subject's age; 'P0D/' (any age) stands for it, which blocks its upload. "
        "See all of it with `fluorite check`, correct it, or export with --allow-blockers."
    )
    assert not out.exists()


def test_blockers_can_be_allowed_and_are_reported(project: Project, good: Path, out: Path) -> None:
    with h5py.File(good, "r+") as file:
        file["general/subject/age"][()] = "P0D/"

    report = export_samples(project, out, ExportOptions(M1.samples, allow_blockers=True))

    assert not report.ok
    assert (out / NAME).is_file()
    assert "subject-age" in {finding.check for finding in report.files[0].check.findings}


@pytest.mark.parametrize("options", [M1, ExportOptions(M1.samples, allow_blockers=True)], ids=["strict", "allowed"])
def test_a_missing_movie_is_named_whatever_is_allowed(project: Project, out: Path, options: ExportOptions) -> None:
    (movie,) = project.movies_dir.iterdir()
    movie.unlink()

    with pytest.raises(SampleError, match=f"its movie {movie.name} is missing. Restore {movie.name} to the folder"):
        export_samples(project, out, options)

    assert not out.exists()


def test_a_movie_of_another_shape_is_refused_whatever_is_allowed(project: Project, good: Path, out: Path) -> None:
    with h5py.File(good, "r+") as file:
        file["general/fluorite/n_frames"][()] = 51

    with pytest.raises(SampleError, match="has 50 frames of 24 x 40, but the sample records 51 of 24 x 40"):
        export_samples(project, out, ExportOptions(M1.samples, allow_blockers=True))


def test_foreign_files_are_left_out_with_the_reason(project: Project, good: Path, shared_data: Path) -> None:
    foreign = shared_data / "foreign-nwb" / "optinist_caiman.nwb"
    (project.samples_dir / foreign.name).write_bytes(foreign.read_bytes())

    plan = plan_export(project)

    assert [file.sample.name for file in plan.files] == [good.name, "sub-m2_ses-s1_ophys.nwb"]
    assert plan.left_out == (
        (foreign.name, f"was not written by Fluorite. Adopt it first: fluorite adopt DIR {foreign.name}"),
    )
    with pytest.raises(SampleError, match="was not written by Fluorite"):
        plan_export(project, [foreign.name])


def test_an_export_into_the_project_itself_is_refused(project: Project) -> None:
    with pytest.raises(ExportError, match=r"belongs to the project itself\. Export elsewhere, such as .*exports"):
        export_samples(project, project.samples_dir / "out", M1)


def test_stopping_leaves_nothing_of_the_file_in_work(project: Project, out: Path) -> None:
    class Stop(Exception):
        pass

    def stop(stage: str, fraction: float) -> None:
        if "verifying" in stage and fraction > 0:
            raise Stop

    with pytest.raises(Stop):
        export_samples(project, out, M1, stop)

    assert [path.name for path in out.rglob("*")] == ["dandiset.yaml"]


def test_one_photon_recordings_are_exported_too(project: Project, out: Path) -> None:
    sample = made_sample(project, subject="m3", one_photon=True)

    options = ExportOptions((sample.name,), allow_blockers=True)
    (exported,) = export_samples(project, out, options).files

    with h5py.File(exported.file) as file:
        assert file["acquisition/OnePhotonSeries/data"].shape == (N_FRAMES, WIDTH, HEIGHT)
