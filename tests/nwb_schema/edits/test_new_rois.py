"""Adding, merging and splitting: new rows that every reader sees, and that no undo removes."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pynapple
import pynwb
import pytest
from nwbinspector import Importance, inspect_nwbfile
from roiextractors import NwbSegmentationExtractor
from scipy import sparse

from nwb_schema.catalogue import Catalogue
from nwb_schema.edits import (
    Delete,
    EditConflict,
    EditKind,
    NewRois,
    RoiArrays,
    Tag,
    commit,
    edits_of,
    recover,
    redo,
    undo,
    version_of,
)
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import EditError, SampleError
from nwb_schema.layout import PLANE_SEGMENTATION
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import read_footprints, read_rois, read_summary, read_traces
from tests.nwb_schema.edits.test_state_machine import killed_at
from tests.nwb_schema.made_samples import HEIGHT, N_FRAMES, WIDTH, made_sample, made_segmentation


def arrays(n: int = 1, *, seed: int = 1, shape: tuple[int, ...] = (HEIGHT, WIDTH), n_frames: int = N_FRAMES):
    """Boxes in the lower right corner, and traces of two of the four kinds."""
    rng = np.random.default_rng(seed)
    dense = np.zeros((n, *shape), np.float32)
    for position, mask in enumerate(dense):
        box = mask[shape[0] - 6 : shape[0] - 2, shape[1] - 9 - position : shape[1] - 2]
        box[...] = rng.uniform(0.1, 1, box.shape)
    traces = {kind: rng.normal(size=(n, n_frames)).astype(np.float32) for kind in ("raw", "dff")}
    return RoiArrays(shape, sparse.csr_array(dense.reshape(n, -1)), traces)


def test_added_rois_have_masks_traces_and_an_origin(filled: Project, sample: Path, rois: list[str], quality) -> None:
    commit(filled, sample, Tag((rois[0],), quality, "good"), actor="Ada")
    masks, traces = read_footprints(sample).toarray(), read_traces(sample, "raw")
    new = arrays(2)
    edit = NewRois(EditKind.ADD, new)
    done = commit(filled, sample, edit, actor="Ada", reason="the engine missed them")

    table = read_rois(sample)
    assert table["roi_uuid"].tolist() == [*rois, *edit.roi_uuids]
    assert table["roi_origin"].tolist() == ["engine"] * 5 + ["manual"] * 2
    assert table["is_accepted"].tolist() == [True, False, True, False, True, True, True]
    assert table["curated"].tolist() == [False] * 5 + [True] * 2
    assert table["deleted"].tolist() == [False] * 7
    assert table["quality"].tolist() == ["good"] + ["untagged"] * 6
    assert np.isnan(table["snr"][5:]).all()
    np.testing.assert_array_equal(read_footprints(sample).toarray(), np.vstack([masks, new.footprints.toarray()]))
    np.testing.assert_array_equal(read_traces(sample, "raw"), np.vstack([traces, new.traces["raw"]]))
    np.testing.assert_array_equal(read_traces(sample, "dff", [6, 5]), new.traces["dff"][::-1])
    assert np.isnan(read_traces(sample, "deconvolved", [5, 6])).all(), "what nobody gave is unknown, not zero"
    assert read_summary(sample).evaluated
    assert done.records[0].kind is EditKind.ADD
    listed = [roi["roi_uuid"] for roi in Catalogue(filled).rois() if roi["name"] == sample.name]
    assert listed == [*rois, *edit.roi_uuids]


def test_undo_marks_what_was_added_as_deleted_and_redo_brings_it_back(
    filled: Project, sample: Path, rois: list[str], quality
) -> None:
    edit = NewRois(EditKind.ADD, arrays())
    commit(filled, sample, edit, actor="Ada")
    commit(filled, sample, Tag(edit.roi_uuids, quality, "mine"), actor="Ada")
    for _ in range(2):
        undo(filled, sample, actor="Ada")
    table = read_rois(sample)
    assert table["roi_uuid"].tolist() == [*rois, *edit.roi_uuids], "a uuid that somebody noted stays resolvable"
    assert table["deleted"].tolist() == [False] * 5 + [True]
    assert read_summary(sample).n_accepted == 3
    for _ in range(2):
        redo(filled, sample, actor="Ada")
    table = read_rois(sample)
    assert not table["deleted"].any()
    assert table["quality"].tolist() == ["untagged"] * 5 + ["mine"]
    assert schema_problems(sample) == []


def test_a_merge_takes_the_place_of_its_parts(filled: Project, sample: Path, rois: list[str], quality, grade) -> None:
    tags = [Tag(tuple(rois[:3]), quality, "good"), Tag((rois[0],), grade, 3), Tag((rois[1],), grade, 4)]
    commit(filled, sample, tags, actor="Ada")
    edit = NewRois(EditKind.MERGE, arrays(), (rois[0], rois[1]), replacements={"quality": "untagged", "grade": 0})
    what = commit(filled, sample, edit, actor="Ada").records[0].what

    table = read_rois(sample)
    assert what == f"merged 2 ROIs ({rois[0][:8]}, {rois[1][:8]}) into ROI {edit.roi_uuids[0][:8]}"
    assert table["deleted"].tolist() == [True, True, False, False, False, False]
    assert table["roi_parents"].tolist() == [""] * 5 + [f"{rois[0]} {rois[1]}"]
    assert (table["quality"][5], table["grade"][5]) == ("good", 0), "what all parts have goes over, and nothing else"
    undo(filled, sample, actor="Ada")
    assert read_rois(sample)["deleted"].tolist() == [False] * 5 + [True]


def test_a_split_makes_several_of_one(filled: Project, sample: Path, rois: list[str]) -> None:
    edit = NewRois(EditKind.SPLIT, arrays(2), (rois[2],))
    commit(filled, sample, edit, actor="Ada")
    table = read_rois(sample)
    assert table["roi_origin"].tolist()[5:] == ["split", "split"]
    assert table["roi_parents"].tolist()[5:] == [rois[2]] * 2
    assert table["deleted"].tolist() == [False, False, True, False, False, False, False]


def test_more_pixels_than_the_index_could_count_when_it_was_written(filled: Project, sample: Path) -> None:
    with h5py.File(sample) as file:
        assert file[f"{PLANE_SEGMENTATION}/pixel_mask_index"].dtype == np.uint8
    for number in range(3):
        commit(filled, sample, NewRois(EditKind.ADD, arrays(4, seed=number)), actor="Ada")
    assert read_rois(sample)["area_px"].tolist()[-4:] == [28, 32, 36, 40]
    assert schema_problems(sample) == []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"shape": (WIDTH, HEIGHT)}, "its frames are"),
        ({"n_frames": N_FRAMES + 1}, "51"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    filled: Project, sample: Path, what: dict[str, object], said: str
) -> None:
    content = sample.read_bytes()
    edit = NewRois(EditKind.ADD, arrays(**what))
    with pytest.raises(SampleError, match=said):
        commit(filled, sample, edit, actor="Ada")
    assert sample.read_bytes() == content
    assert edits_of(filled, sample) == ()


def test_what_makes_no_sense_is_refused(filled: Project, sample: Path, rois: list[str]) -> None:
    commit(filled, sample, Delete((rois[1],)), actor="Ada")
    with pytest.raises(EditError, match="is deleted"):
        commit(filled, sample, NewRois(EditKind.MERGE, arrays(), (rois[0], rois[1])), actor="Ada")
    with pytest.raises(EditError, match="no such ROI"):
        commit(filled, sample, NewRois(EditKind.MERGE, arrays(), (rois[0], "0" * 36)), actor="Ada")
    nothing = RoiArrays((HEIGHT, WIDTH), sparse.csr_array((1, HEIGHT * WIDTH), dtype=np.float32), {})
    with pytest.raises(EditError, match="no pixel"):
        commit(filled, sample, NewRois(EditKind.ADD, nothing), actor="Ada")
    assert not list(filled.edits_dir.glob("*")), "nothing is kept of what was not made"


def test_a_conflict_keeps_nothing(filled: Project, sample: Path, rois: list[str]) -> None:
    seen = version_of(filled, sample)
    commit(filled, sample, Delete((rois[0],)), actor="Ada")
    edit = NewRois(EditKind.MERGE, arrays(), (rois[1], rois[2]))
    with pytest.raises(EditConflict) as caught:
        commit(filled, sample, edit, actor="Bob", based_on=seen)
    assert not list(filled.edits_dir.glob("*"))
    commit(filled, sample, edit, actor="Bob", based_on=caught.value.version)
    assert read_rois(sample)["deleted"].tolist() == [True, True, True, False, False, False]


def test_an_older_copy_gets_the_new_rois_again(
    filled: Project, sample: Path, rois: list[str], quality, before: Path
) -> None:
    edit = NewRois(EditKind.ADD, arrays(2))
    commit(filled, sample, [edit, Tag(edit.roi_uuids[:1], quality, "good")], actor="Ada")
    traces = read_traces(sample, "raw")
    shutil.copyfile(before, sample)

    edits_of(filled, sample)
    table = read_rois(sample)
    assert table["roi_uuid"].tolist() == [*rois, *edit.roi_uuids]
    assert table["quality"].tolist() == ["untagged"] * 5 + ["good", "untagged"]
    np.testing.assert_array_equal(read_traces(sample, "raw"), traces)


@pytest.mark.parametrize("step", ["journal", "replace"])
def test_what_a_kill_left_of_an_edit_is_removed_unless_the_edit_was_made(
    filled: Project, sample: Path, rois: list[str], step: str
) -> None:
    commit(filled, sample, NewRois(EditKind.ADD, arrays(seed=2)), actor="Ada")
    (other,) = filled.edits_dir.iterdir()
    edit = NewRois(EditKind.MERGE, arrays(), (rois[0], rois[1]))
    with killed_at({"journal": "journal", "replace": "before replace"}[step]):
        commit(filled, sample, edit, actor="Ada")
    (filled.edits_dir / ".writing_nowhere.partial").touch()
    assert len(list(filled.edits_dir.glob("*.h5"))) == 2

    assert set(recover(filled).values()) <= {None}
    left = {other} if step == "journal" else {other, next(filled.edits_dir.glob(f"*{edit.content}.h5"))}
    assert set(filled.edits_dir.glob("*.h5")) == left
    assert (edit.roi_uuids[0] in set(read_rois(sample)["roi_uuid"])) == (step == "replace")
    commit(filled, sample, edit if step == "journal" else Delete((rois[2],)), actor="Ada")
    assert set(recover(filled).values()) <= {None}
    assert len(list(filled.edits_dir.glob("*.h5"))) == 2


@pytest.mark.parametrize("step", ["write_edits", "fsync_file", "replace"])
def test_a_failure_keeps_nothing(filled: Project, sample: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(f"nwb_schema.edits.replacing.{step}", fail)
    with pytest.raises(SampleError, match="No space left"):
        commit(filled, sample, NewRois(EditKind.ADD, arrays()), actor="Ada")
    assert not list(filled.edits_dir.glob("*"))


def test_a_missing_content_says_what_to_restore(filled: Project, sample: Path, before: Path) -> None:
    commit(filled, sample, NewRois(EditKind.ADD, arrays()), actor="Ada")
    shutil.rmtree(filled.edits_dir)
    shutil.copyfile(before, sample)
    with pytest.raises(EditError, match="Restore the project's folder `edits`"):
        edits_of(filled, sample)


def test_a_name_that_leads_elsewhere_is_no_content(filled: Project) -> None:
    from nwb_schema.edits.contents import Contents

    with pytest.raises(EditError, match="no name of a content"), Contents(filled.edits_dir, "a").opened("../../secret"):
        pass


def test_other_programs_read_the_new_rows(filled: Project, sample: Path, rois: list[str]) -> None:
    known = {(m.check_function_name, m.message) for m in inspect_nwbfile(nwbfile_path=sample)}
    added, merged = NewRois(EditKind.ADD, arrays(2)), NewRois(EditKind.MERGE, arrays(seed=3), (rois[0], rois[1]))
    commit(filled, sample, [added, merged], actor="Ada")

    assert schema_problems(sample) == []
    found = [m for m in inspect_nwbfile(nwbfile_path=sample) if (m.check_function_name, m.message) not in known]
    assert [m.message for m in found if m.importance.value > Importance.BEST_PRACTICE_SUGGESTION.value] == []
    with pynwb.NWBHDF5IO(sample, "r") as io:
        ophys = io.read().processing["ophys"]
        table = ophys["ImageSegmentation"]["PlaneSegmentation"].to_dataframe()
        assert table.index.tolist() == list(range(8))
        assert len(table["pixel_mask"][7]) == 28
        series = ophys["Fluorescence"]["RoiResponseSeries"]
        assert series.data.shape == (N_FRAMES, 8)
        assert series.rois.data[:].tolist() == list(range(8))
        assert len(series.rois.to_dataframe()) == 8
    extractor = NwbSegmentationExtractor(sample)
    assert extractor.get_num_rois() == 8
    np.testing.assert_allclose(extractor.get_traces(name="raw")[:, 7], merged.arrays.traces["raw"][0])
    mask = extractor.get_roi_image_masks(roi_ids=[extractor.get_roi_ids()[7]])[..., 0]
    assert np.count_nonzero(mask) == 28
    traces = pynapple.load_file(str(sample))["Denoised"]
    assert traces.shape == (N_FRAMES, 8)


def test_volumes_get_rois_too(project: Project) -> None:
    shape = (HEIGHT, WIDTH, 3)
    path = made_sample(project, segmentation=made_segmentation(2, shape=shape, background=False), movie=False)
    edit = NewRois(EditKind.ADD, arrays(shape=shape))
    commit(project, path, edit, actor="Ada")
    np.testing.assert_array_equal(read_footprints(path).toarray()[2], edit.arrays.footprints.toarray()[0])
    assert read_state(path).roi_uuids[2:] == edit.roi_uuids
    assert schema_problems(path) == []
