"""A sample holds exactly what was put in, is valid to others' tools, and appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pynapple
import pynwb
import pytest
from nwbinspector import Importance, inspect_nwbfile
from roiextractors import NwbSegmentationExtractor

from nwb_schema import reader
from nwb_schema.errors import SampleError, SampleExistsError
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.writer import write_sample
from tests.nwb_schema.made_samples import (
    HEIGHT,
    N_FRAMES,
    RATE_HZ,
    WIDTH,
    made_metadata,
    made_movie,
    made_provenance,
    made_sample,
    made_segmentation,
    made_shifts,
)

REPOSITORY = Path(__file__).resolve().parents[2]


def worst_findings(path: Path) -> list[str]:
    serious = (Importance.CRITICAL, Importance.BEST_PRACTICE_VIOLATION, Importance.ERROR)
    return [
        f"{m.check_function_name}: {m.message}" for m in inspect_nwbfile(nwbfile_path=path) if m.importance in serious
    ]


def test_everything_reads_back_as_it_was_written(project: Project) -> None:
    segmentation = made_segmentation()
    path = made_sample(project, segmentation=segmentation)

    assert np.array_equal(reader.read_footprints(path).toarray(), segmentation.footprints.toarray())
    for kind in reader.TRACE_KINDS:
        assert np.array_equal(reader.read_traces(path, kind), getattr(segmentation, kind))
    assert np.array_equal(reader.read_images(path)["mean"], segmentation.images["mean"])
    assert np.array_equal(reader.read_shifts(path), made_shifts())
    rois = reader.read_rois(path)
    assert rois["is_accepted"].tolist() == segmentation.accepted.tolist()
    assert np.array_equal(rois["snr"], segmentation.snr)
    assert np.isnan(rois["cnn_preds"]).all()
    assert len(set(rois["roi_uuid"])) == segmentation.n_rois


def test_the_table_of_rois_knows_where_they_are(project: Project) -> None:
    segmentation = made_segmentation()
    rois = reader.read_rois(made_sample(project, segmentation=segmentation))

    for row, mask in zip(rois.itertuples(), segmentation.footprints.toarray(), strict=True):
        y, x = np.nonzero(mask.reshape(HEIGHT, WIDTH))
        weight = mask[mask > 0]
        assert row.area_px == y.size
        assert row.centroid_y == pytest.approx(np.average(y, weights=weight), abs=1e-4)
        assert row.centroid_x == pytest.approx(np.average(x, weights=weight), abs=1e-4)


def test_the_summary_says_what_the_sample_is(project: Project) -> None:
    path = made_sample(project, subject="Mouse 7", session="day/1")
    summary = reader.read_summary(path)

    assert path.name == "sub-Mouse-7_ses-day-1_ophys.nwb"
    assert (summary.subject_id, summary.session_id) == ("Mouse 7", "day-1")
    assert (summary.n_frames, summary.height, summary.width, summary.depth) == (N_FRAMES, HEIGHT, WIDTH, None)
    assert (summary.rate_hz, summary.duration_s) == (RATE_HZ, N_FRAMES / RATE_HZ)
    assert (summary.n_rois, summary.n_accepted, summary.evaluated) == (5, 3, True)
    assert (summary.engine, summary.indicator, summary.location) == ("builtin", "GCaMP6f", "V1")
    assert summary.session_start_time == "2025-03-01T14:30:00+00:00"
    assert summary.has_movie
    assert reader.read_provenance(path)["session_spelling"] == "day/1"


def test_provenance_reads_back(project: Project) -> None:
    identifier = str(uuid.uuid4())
    path = project.sample_path("m1", "s1")
    provenance = made_provenance(notes=("One thing.",), boundaries=(10, 30), seconds={"motion": 1.5}, job_id="j")
    write_sample(
        path,
        identifier=identifier,
        metadata=made_metadata(),
        segmentation=made_segmentation(),
        provenance=provenance,
        registered_movie=None,
        shifts=None,
    )
    found = reader.read_provenance(path)

    assert found["parameters"] == {"init": {"K": 5, "gSig": [3, 3]}}
    assert found["boundaries"] == [10, 30]
    assert found["input_files"] == ["/data/movie.tif"]
    assert found["seconds"] == {"motion": 1.5}
    assert "One thing." in found["notes"]
    assert "No registered movie was at hand when the sample was made." in found["notes"]


@pytest.mark.parametrize("kind", ["2p", "1p", "no rois", "no movie", "no traces", "volume", "not evaluated"])
def test_samples_of_every_kind_are_valid_and_open_in_pynwb(project: Project, kind: str) -> None:
    segmentation = {
        "no rois": made_segmentation(0),
        "1p": made_segmentation(background=False),
        "no traces": made_segmentation(traces=False, background=False),
        "volume": made_segmentation(shape=(HEIGHT, WIDTH, 6)),
        "not evaluated": made_segmentation(accepted=np.ones(5, bool), evaluated=False, snr=None, r_values=None),
    }.get(kind, made_segmentation())
    path = made_sample(project, segmentation=segmentation, one_photon=kind == "1p", movie=kind != "no movie")

    assert schema_problems(path) == []
    assert worst_findings(path) == []
    with pynwb.NWBHDF5IO(path, "r") as io:
        tables = io.read().processing["ophys"]["ImageSegmentation"].plane_segmentations
        if kind == "no rois":
            assert list(tables) == ["BackgroundSegmentation"]
        else:
            assert len(tables["PlaneSegmentation"]) == segmentation.n_rois
    assert reader.read_summary(path).evaluated is (kind not in ("not evaluated", "no rois"))


@pytest.mark.parametrize("background", [True, False])
def test_a_sample_without_rois_has_an_empty_table_and_no_traces(project: Project, background: bool) -> None:
    path = made_sample(project, segmentation=made_segmentation(0, background=background))

    assert reader.read_rois(path).empty
    assert reader.read_footprints(path).shape == (0, HEIGHT * WIDTH)
    assert reader.read_traces(path, "raw").shape == (0, N_FRAMES)


def test_footprints_in_any_order_and_double_precision_are_taken(project: Project) -> None:
    made = made_segmentation()
    expected = made.footprints.toarray()
    unsorted = made.footprints.astype(np.float64)
    for start, stop in zip(unsorted.indptr[:-1], unsorted.indptr[1:], strict=True):
        unsorted.indices[start:stop] = unsorted.indices[start:stop][::-1].copy()
        unsorted.data[start:stop] = unsorted.data[start:stop][::-1].copy()
    unsorted.has_sorted_indices = False
    unsorted.data[0] = expected[0, unsorted.indices[0]] = 0
    path = made_sample(project, segmentation=replace(made, footprints=unsorted, raw=made.raw.astype(np.float64)))

    assert np.array_equal(reader.read_footprints(path).toarray(), expected)
    assert reader.read_rois(path)["area_px"].tolist() == (expected > 0).sum(axis=1).tolist()
    assert np.array_equal(reader.read_traces(path, "raw"), made.raw)


def test_a_sample_always_has_an_image(project: Project) -> None:
    segmentation = made_segmentation(images={})
    path = made_sample(project, segmentation=segmentation)

    total = segmentation.footprints.toarray().sum(axis=0).reshape(HEIGHT, WIDTH)
    assert np.allclose(reader.read_images(path)["footprints"], total)


def test_plain_pynwb_reads_the_linked_movie(project: Project) -> None:
    identifier = str(uuid.uuid4())
    path = made_sample(project, identifier=identifier)
    _, frames = made_movie(Project.create(project.folder.parent / "other"), identifier)

    with pynwb.NWBHDF5IO(path, "r") as io:
        series = io.read().acquisition["TwoPhotonSeries"]
        assert series.data.shape == (N_FRAMES, WIDTH, HEIGHT)
        assert np.array_equal(series.data[11], frames[11].T)
        assert series.rate == RATE_HZ
        assert series.unit == "n.a."


def test_pynwb_sees_masks_images_and_background_in_the_order_of_nwb(project: Project) -> None:
    segmentation = made_segmentation()
    path = made_sample(project, segmentation=segmentation)
    mask = segmentation.footprints.toarray()[2].reshape(HEIGHT, WIDTH)

    with pynwb.NWBHDF5IO(path, "r") as io:
        ophys = io.read().processing["ophys"]
        table = ophys["ImageSegmentation"]["PlaneSegmentation"]
        pixels = table["pixel_mask"][2]
        assert {(p["y"], p["x"]) for p in pixels} == set(zip(*np.nonzero(mask), strict=True))
        assert all(p["weight"] == mask[p["y"], p["x"]] for p in pixels)
        assert np.array_equal(table["image_mask"].data[2], mask.T)
        assert ophys["SegmentationImages"]["mean"].data.shape == (WIDTH, HEIGHT)
        background = ophys["BackgroundFluorescence"]["BackgroundResponseSeries"]
        assert np.array_equal(background.data[:].T, segmentation.background_traces)
        assert background.rois.table.name == "BackgroundSegmentation"
        assert np.array_equal(ophys["MotionCorrectionShifts"].data[:], made_shifts()[:, ::-1])
        plane = table.imaging_plane
        assert list(plane.grid_spacing[:]) == [2e-6, 1e-6]


def test_pynapple_opens_a_sample(project: Project) -> None:
    segmentation = made_segmentation()
    data = pynapple.load_file(str(made_sample(project, segmentation=segmentation)))

    name = next(key for key in data.keys() if key.endswith("Denoised"))  # noqa: SIM118 - not a plain dict
    assert np.array_equal(np.asarray(data[name].d).T, segmentation.denoised)
    assert np.allclose(data[name].t, np.arange(N_FRAMES) / RATE_HZ)


def test_roiextractors_reads_the_same_masks_and_traces_back(project: Project) -> None:
    segmentation = made_segmentation()
    extractor = NwbSegmentationExtractor(made_sample(project, segmentation=segmentation))

    masks = extractor.get_roi_image_masks()
    assert tuple(extractor.get_frame_shape()) == (HEIGHT, WIDTH)
    assert np.array_equal(masks, segmentation.footprints.toarray().reshape(-1, HEIGHT, WIDTH).transpose(1, 2, 0))
    assert np.array_equal(extractor.get_traces(name="dff").T, segmentation.dff)
    assert np.array_equal(extractor.get_images_dict()["mean"], segmentation.images["mean"])


def test_a_sample_opens_where_the_extension_is_not_installed(project: Project) -> None:
    path = made_sample(project)
    code = (
        "import sys, pynwb\n"
        "io = pynwb.NWBHDF5IO(sys.argv[1], 'r')\n"
        "meta = io.read().lab_meta_data['fluorite']\n"
        "assert 'nwb_schema' not in sys.modules\n"
        "print(meta.engine, meta.parameters)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=project.folder,
    )

    assert done.stdout.strip() == 'builtin {"init":{"K":5,"gSig":[3,3]}}'


def test_links_survive_moving_the_project(project: Project) -> None:
    path = made_sample(project)
    moved = project.folder.with_name("elsewhere")
    shutil.move(project.folder, moved)
    sample = moved / "samples" / path.name

    assert reader.registered_movie_path(sample).parent == moved / "movies"
    with pynwb.NWBHDF5IO(sample, "r") as io:
        assert io.read().acquisition["TwoPhotonSeries"].data.shape == (N_FRAMES, WIDTH, HEIGHT)


def test_an_existing_sample_is_never_replaced(project: Project) -> None:
    path = made_sample(project)
    before = path.read_bytes()

    with pytest.raises(SampleExistsError, match="Give another session"):
        made_sample(project)
    assert path.read_bytes() == before
    assert [p.name for p in project.samples_dir.iterdir()] == [path.name]


def test_a_sample_that_appears_while_another_is_written_is_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.sample_path("m1", "s1")
    monkeypatch.setattr("nwb_schema.writer.verify_sample", lambda *_, **__: path.write_bytes(b"the other one"))

    with pytest.raises(SampleExistsError):
        made_sample(project)
    assert path.read_bytes() == b"the other one"
    assert list(project.samples_dir.iterdir()) == [path]


def test_a_sample_that_reads_back_wrongly_is_not_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def swapped(path: Path, kind: str) -> np.ndarray:
        return np.zeros((5, N_FRAMES), np.float32)

    monkeypatch.setattr("nwb_schema.reader.read_traces", swapped)
    with pytest.raises(SampleError, match="raw traces did not read back") as caught:
        made_sample(project)
    assert caught.value.file == str(project.sample_path("m1", "s1"))
    assert list(project.samples_dir.iterdir()) == []


def test_components_of_another_size_than_the_movie_are_refused(project: Project) -> None:
    with pytest.raises(SampleError, match="do not fit the registered movie"):
        made_sample(project, segmentation=made_segmentation(shape=(WIDTH, HEIGHT)))
    with pytest.raises(SampleError, match="49 frames"):
        made_sample(project, segmentation=made_segmentation(n_frames=N_FRAMES - 1))
    assert list(project.samples_dir.iterdir()) == []


def test_a_movie_outside_the_project_is_not_linked(project: Project, tmp_path: Path) -> None:
    identifier = str(uuid.uuid4())
    movie = tmp_path / "elsewhere.h5"
    shutil.move(made_movie(project, identifier)[0], movie)

    with pytest.raises(SampleError, match="outside the project's movies folder"):
        write_sample(
            project.sample_path("m1", "s1"),
            identifier=identifier,
            metadata=made_metadata(),
            segmentation=made_segmentation(),
            provenance=made_provenance(),
            registered_movie=movie,
            shifts=None,
        )


def test_shifts_of_another_length_are_refused(project: Project) -> None:
    with pytest.raises(SampleError, match="motion shifts"):
        write_sample(
            project.sample_path("m1", "s1"),
            identifier=str(uuid.uuid4()),
            metadata=made_metadata(),
            segmentation=made_segmentation(),
            provenance=made_provenance(),
            registered_movie=None,
            shifts=made_shifts(N_FRAMES - 1),
        )


@pytest.mark.parametrize("moment", ["NWBHDF5IO.write", "verify_sample", "publish"])
def test_a_kill_while_writing_leaves_nothing_visible(project: Project, moment: str) -> None:
    code = f"""
import os, signal, sys
sys.path[:0] = [{str(REPOSITORY)!r}]
import nwb_schema.writer as writer
from tests.nwb_schema.made_samples import made_sample
from nwb_schema.project import Project
from pathlib import Path

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if {moment!r} == "NWBHDF5IO.write":
    writer.NWBHDF5IO.write = die
else:
    setattr(writer, {moment!r}, die)
made_sample(Project.open(Path({str(project.folder)!r})))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = list(project.samples_dir.iterdir())

    assert len(left) == 1
    assert left[0].name.startswith(".")
    assert project.sample_paths() == []
    for movie in project.movies_dir.iterdir():
        movie.unlink()
    path = made_sample(project)
    assert list(project.samples_dir.iterdir()) == [path], "the next writer removes what the killed one left"


def test_text_that_would_break_a_file_is_stored_without_harm(project: Project) -> None:
    nasty = "a\0b\x1b[31m <script> =1+1 \N{SNOWMAN} ../../x"
    path = project.sample_path(nasty, nasty)
    write_sample(
        path,
        identifier=str(uuid.uuid4()),
        metadata=replace(made_metadata(subject=nasty, session=nasty)),
        segmentation=made_segmentation(),
        provenance=Provenance("builtin", "1", notes=("fine",)),
        registered_movie=None,
        shifts=None,
    )
    assert path.parent == project.samples_dir
    assert "\0" not in (reader.read_summary(path).subject_id or "")
    assert schema_problems(path) == []


def test_one_trace_lies_in_few_chunks(project: Project) -> None:
    path = made_sample(project)
    with h5py.File(path) as file:
        data = file["processing/ophys/Fluorescence/RoiResponseSeries/data"]
        assert data.dtype == np.float32
        assert data.chunks == (N_FRAMES, 5)
        assert data.compression == "gzip"
        assert data.shuffle
    assert os.stat(path).st_size < 400_000
