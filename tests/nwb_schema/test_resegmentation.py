"""Another segmentation takes a sample's place: what people did stays, and undo brings everything back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest
from roiextractors import NwbSegmentationExtractor
from scipy import sparse

from nwb_schema.edits import (
    Accept,
    Delete,
    EditKind,
    NewRois,
    Reject,
    RoiArrays,
    Tag,
    commit,
    edits_of,
    redo,
    undo,
)
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import EditError
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import (
    read_footprints,
    read_images,
    read_provenance,
    read_rois,
    read_shifts,
    read_summary,
    read_traces,
)
from nwb_schema.resegmentation import Replaced, replace_segmentation
from nwb_schema.segmentation import Segmentation
from tests.nwb_schema.made_samples import HEIGHT, N_FRAMES, WIDTH, made_provenance, made_sample, made_segmentation


def boxes(corners: list[tuple[int, int]], seed: int) -> Segmentation:
    """Boxes of 6 x 5 pixels at ``(y, x)`` with traces of their own."""
    rng = np.random.default_rng(seed)
    dense = np.zeros((len(corners), HEIGHT, WIDTH), np.float32)
    for mask, (y, x) in zip(dense, corners, strict=True):
        mask[y : y + 6, x : x + 5] = rng.uniform(0.5, 1, (6, 5))
    n = len(corners)
    traces = {
        kind: rng.normal(size=(n, N_FRAMES)).astype(np.float32) for kind in ("raw", "denoised", "deconvolved", "dff")
    }
    return replace(
        made_segmentation(n),
        footprints=sparse.csr_array(dense.reshape(n, -1)),
        accepted=np.ones(n, bool),
        snr=rng.uniform(1, 9, n).astype(np.float32),
        r_values=None,
        **traces,
    )


OLD = boxes([(1, 1), (1, 10), (1, 20), (12, 1), (12, 10)], 1)
NEW = replace(boxes([(12, 30), (1, 20), (1, 1), (1, 11)], 2), accepted=np.array([True, False, True, True]), images={})


@pytest.fixture
def sample(project: Project) -> Path:
    return made_sample(project, segmentation=OLD)


@pytest.fixture
def rois(sample: Path) -> list[str]:
    return list(read_rois(sample)["roi_uuid"])


@pytest.fixture
def quality():
    from nwb_schema.columns import ColumnDefinition, ColumnKind

    return ColumnDefinition("quality", ColumnKind.ROI_TAG)


def choose(project: Project, sample: Path, new: Segmentation = NEW) -> Replaced:
    provenance = made_provenance(engine="caiman", notes=("Chosen.",), input_files=("/results.hdf5",))
    return replace_segmentation(project, sample, new, provenance, source="results.hdf5", actor="Ada")


def test_the_same_cells_keep_identity_tags_and_decisions(
    project: Project, sample: Path, rois: list[str], quality
) -> None:
    edits = [Tag((rois[2], rois[3]), quality, "good"), Accept([rois[2]]), Reject([rois[0]]), Delete((rois[4],))]
    commit(project, sample, edits, actor="Ada")
    images, shifts = read_images(sample), read_shifts(sample)
    old_traces = read_traces(sample, "raw")
    done = choose(project, sample)

    assert (done.n_matched, done.n_new, done.n_kept, done.n_left) == (2, 2, 2, 1), (
        "(1, 10) and (1, 11) share too little"
    )
    table = read_rois(sample)
    uuids = table["roi_uuid"].tolist()
    assert uuids[1:3] == [rois[2], rois[0]]
    assert uuids[4:] == [rois[3], rois[4]]
    assert not set(uuids) & {rois[1]}
    assert table["is_accepted"].tolist() == [True, True, False, True, True, True]
    assert table["curated"].tolist() == [False, True, True, False, False, False]
    assert table["deleted"].tolist() == [False, False, False, False, True, True]
    assert table["quality"].tolist() == ["untagged", "good", "untagged", "untagged", "good", "untagged"]
    raw = read_traces(sample, "raw")
    np.testing.assert_array_equal(raw[:4], NEW.raw)
    np.testing.assert_array_equal(raw[4:], old_traces[3:])
    np.testing.assert_array_equal(read_footprints(sample)[[1]].toarray(), NEW.footprints[[1]].toarray())
    np.testing.assert_array_equal(read_images(sample)["mean"], images["mean"])
    np.testing.assert_array_equal(read_shifts(sample), shifts)
    assert read_summary(sample).engine == "caiman"
    assert read_summary(sample).has_movie
    assert "Chosen." in read_summary(sample).notes
    assert read_provenance(sample)["input_files"] == ["/data/movie.tif", "/results.hdf5"]
    assert edits_of(project, sample)[-1].kind is EditKind.SEGMENTATION


def test_undo_brings_the_former_one_back_with_everything_since(
    project: Project, sample: Path, rois: list[str], quality
) -> None:
    commit(project, sample, Tag((rois[3],), quality, "good"), actor="Ada")
    before = read_rois(sample)
    traces = read_traces(sample, "dff")
    choose(project, sample)
    drawn = NewRois(EditKind.ADD, RoiArrays((HEIGHT, WIDTH), OLD.footprints[[3]], {"raw": OLD.raw[[3]]}))
    commit(project, sample, drawn, actor="Ada")
    commit(project, sample, Tag((rois[2],), quality, "later"), actor="Ada")
    after = read_rois(sample)

    for _ in range(3):
        undo(project, sample, actor="Bob")
    table = read_rois(sample)
    for name in before:
        np.testing.assert_array_equal(table[name].to_numpy(), before[name].to_numpy(), err_msg=name)
    np.testing.assert_array_equal(read_traces(sample, "dff"), traces)
    assert read_summary(sample).engine == "builtin"
    assert schema_problems(sample) == []
    for _ in range(3):
        redo(project, sample, actor="Bob")
    table = read_rois(sample)
    assert table["roi_uuid"].tolist() == after["roi_uuid"].tolist()
    assert table["deleted"].tolist() == after["deleted"].tolist()
    assert table["quality"].tolist() == after["quality"].tolist()
    assert schema_problems(sample) == []


def test_what_people_drew_stays_as_it_is(project: Project, sample: Path, rois: list[str]) -> None:
    drawn = NewRois(
        EditKind.MERGE, RoiArrays((HEIGHT, WIDTH), OLD.footprints[[3]] + OLD.footprints[[4]], {}), tuple(rois[3:])
    )
    commit(project, sample, drawn, actor="Ada")
    choose(project, sample)
    table = read_rois(sample).set_index("roi_uuid")
    assert not table["deleted"][drawn.roi_uuids[0]]
    assert table["roi_origin"][drawn.roi_uuids[0]] == "merge"
    assert table["deleted"][rois[3:]].tolist() == [True, True]


def test_other_programs_read_it(project: Project, sample: Path, rois: list[str], quality) -> None:
    commit(project, sample, Tag(tuple(rois), quality, "good"), actor="Ada")
    choose(project, sample)
    assert schema_problems(sample) == []
    with pynwb.NWBHDF5IO(sample, "r") as io:
        ophys = io.read().processing["ophys"]
        table = ophys["ImageSegmentation"]["PlaneSegmentation"]
        assert ophys["Fluorescence"]["RoiResponseSeries"].rois.table is table
        assert len(table["pixel_mask"][0]) == 30
        assert table.imaging_plane.name == "ImagingPlane"
    assert NwbSegmentationExtractor(sample).get_num_rois() == len(read_rois(sample))
    commit(project, sample, Reject([read_rois(sample)["roi_uuid"][0]]), actor="Ada")
    assert not read_rois(sample)["is_accepted"][0]


def test_copies_of_one_sample_keep_their_own(project: Project, sample: Path, rois: list[str], quality) -> None:
    copy = Path(shutil.copyfile(sample, project.samples_dir / "copy.nwb"))
    with h5py.File(copy, "r+") as file:  # as `fluorite adopt` does with a file whose identifier is taken
        file["identifier"][()] = "another"
    commit(project, sample, Tag(rois, quality, "good"), actor="Ada")
    choose(project, sample)
    choose(project, copy)
    undo(project, sample, actor="Ada")
    undo(project, copy, actor="Ada")
    assert read_rois(sample)["quality"].tolist() == ["good"] * 5
    assert "quality" not in read_rois(copy)


def test_a_copy_of_an_edited_sample_is_edited_for_itself(
    project: Project, sample: Path, rois: list[str], quality
) -> None:
    commit(project, sample, Tag(rois, quality, "good"), actor="Ada")
    copy = Path(shutil.copyfile(sample, project.samples_dir / "copy.nwb"))
    with h5py.File(copy, "r+") as file:
        file["identifier"][()] = "another"
    choose(project, copy)
    commit(project, sample, Reject(rois), actor="Ada")
    assert [edit.kind for edit in edits_of(project, copy)] == [EditKind.TAG, EditKind.SEGMENTATION]
    for _ in range(2):
        undo(project, copy, actor="Bob")
    assert read_rois(copy)["quality"].tolist() == ["untagged"] * 5
    assert read_rois(sample)["quality"].tolist() == ["good"] * 5


def test_an_older_copy_gets_the_other_segmentation_again(
    project: Project, sample: Path, rois: list[str], tmp_path: Path
) -> None:
    shutil.copyfile(sample, tmp_path / "before.nwb")
    choose(project, sample)
    commit(project, sample, Reject([rois[2]]), actor="Ada")
    state = read_state(sample)
    shutil.copyfile(tmp_path / "before.nwb", sample)
    edits_of(project, sample)
    again = read_state(sample)
    assert (again.roi_uuids, again.masks, again.columns) == (state.roi_uuids, state.masks, state.columns)


def test_a_sample_without_rois_gets_some_and_loses_them_by_undo(project: Project) -> None:
    path = made_sample(project, segmentation=made_segmentation(0), subject="m9", movie=False)
    assert len(read_rois(path)) == 0
    choose(project, path)
    assert len(read_rois(path)) == 4
    undo(project, path, actor="Ada")
    assert len(read_rois(path)) == 0
    redo(project, path, actor="Ada")
    assert len(read_rois(path)) == 4
    assert schema_problems(path) == []


def test_results_of_another_movie_are_refused(project: Project, sample: Path) -> None:
    content = sample.read_bytes()
    turned = made_segmentation(3, shape=(WIDTH, HEIGHT))
    longer = made_segmentation(3, n_frames=N_FRAMES + 1)
    for new, said in ((turned, "frames of"), (longer, "51"), (made_segmentation(0), "no ROI")):
        with pytest.raises(EditError, match=said):
            choose(project, sample, new)
    assert sample.read_bytes() == content
    assert not list(project.edits_dir.glob("*"))
