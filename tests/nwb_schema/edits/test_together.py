"""Two people, two processes, another program: nothing is lost, and everybody is told."""

from __future__ import annotations

import copy
import shutil
import threading
from pathlib import Path

import h5py
import pytest

from nwb_schema.edits import (
    Accept,
    Delete,
    EditConflict,
    EditKind,
    Reject,
    SetField,
    Tag,
    all_edits,
    commit,
    edits_of,
    redo,
    undo,
    version_of,
)
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import EditError, ProjectError
from nwb_schema.file_lock import file_lock
from nwb_schema.layout import PLANE_SEGMENTATION
from nwb_schema.project import Project
from nwb_schema.reader import read_rois


def test_the_second_person_sees_what_the_first_did_and_may_merge(
    filled: Project, sample: Path, rois: list[str], quality
) -> None:
    seen = version_of(filled, sample)
    commit(filled, sample, [Tag((rois[0],), quality, "good"), Reject(rois[1:2])], actor="Ada", based_on=seen)
    content = sample.read_bytes()

    mine = [Tag((rois[0], rois[4]), quality, "bad"), Reject(rois[4:])]
    with pytest.raises(EditConflict, match="2 edits, 1 of whose values you change too") as caught:
        commit(filled, sample, mine, actor="Bob", based_on=seen)
    conflict = copy.copy(caught.value)  # as between processes
    assert [edit.actor for edit in conflict.since] == ["Ada", "Ada"]
    assert [(target.roi, target.name) for target in conflict.overlapping] == [(rois[0], "quality")]
    assert sample.read_bytes() == content

    commit(filled, sample, mine, actor="Bob", based_on=conflict.version)
    table = read_rois(sample)
    assert table["quality"].tolist() == ["bad", "untagged", "untagged", "untagged", "bad"]
    assert table["is_accepted"].tolist() == [True, False, True, False, False]
    assert [entry.record.actor for entry in all_edits(filled)] == ["Ada", "Ada", "Bob", "Bob"]


def test_undo_too_sees_that_others_edited(filled: Project, sample: Path, rois: list[str]) -> None:
    seen = commit(filled, sample, Reject(rois[:1]), actor="Ada").version
    commit(filled, sample, Reject(rois[2:3]), actor="Bob", based_on=seen)
    with pytest.raises(EditConflict):
        undo(filled, sample, actor="Ada", based_on=seen)
    assert read_rois(sample)["is_accepted"].tolist() == [False, False, False, False, True]


def test_writers_at_once_take_turns(filled: Project, sample: Path, rois: list[str], grade) -> None:
    failures: list[BaseException] = []

    def work(writer: int) -> None:
        try:
            for value in range(4):
                commit(filled, sample, Tag((rois[writer],), grade, 10 * writer + value + 1), actor=f"w{writer}")
        except BaseException as error:  # noqa: BLE001 - a thread's exception would be lost
            failures.append(error)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert read_rois(sample)["grade"].tolist() == [4, 14, 24, 0, 0]
    assert len(edits_of(filled, sample)) == 12
    assert len({edit.id for edit in edits_of(filled, sample)}) == 12


def test_a_sample_that_stays_locked_is_said(
    filled: Project, sample: Path, rois: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nwb_schema.edits.settling.file_lock", lambda *args: file_lock(*args, timeout_s=0.05))
    with file_lock(sample, EditError), pytest.raises(EditError, match="being changed by another program"):
        commit(filled, sample, Reject(rois), actor="Ada")


def test_who_reads_the_old_file_keeps_reading_it(filled: Project, sample: Path, rois: list[str]) -> None:
    with h5py.File(sample, "r") as file:
        commit(filled, sample, Reject(rois), actor="Ada")
        assert file[f"{PLANE_SEGMENTATION}/is_accepted"][()].tolist() == [True, False, True, False, True]
    assert read_rois(sample)["is_accepted"].tolist() == [False] * 5


def test_undo_and_redo_reach_the_whole_history(filled: Project, sample: Path, rois: list[str], quality) -> None:
    states = [read_rois(sample)["is_accepted"].tolist()]
    for number in range(4):
        commit(filled, sample, Reject([rois[number]]), actor="Ada")
        states.append(read_rois(sample)["is_accepted"].tolist())
    for expected in states[-2::-1]:
        undo(filled, sample, actor="Ada")
        assert read_rois(sample)["is_accepted"].tolist() == expected
    assert not read_rois(sample)["curated"].any()
    with pytest.raises(EditError, match="nothing to undo"):
        undo(filled, sample, actor="Ada")
    for expected in states[1:]:
        redo(filled, sample, actor="Ada")
        assert read_rois(sample)["is_accepted"].tolist() == expected
    with pytest.raises(EditError, match="nothing to do again"):
        redo(filled, sample, actor="Ada")
    undo(filled, sample, actor="Ada")
    commit(filled, sample, Tag((rois[0],), quality, "good"), actor="Ada")
    with pytest.raises(EditError, match="nothing to do again"):
        redo(filled, sample, actor="Ada")
    assert len(edits_of(filled, sample)) == 14


def change_outside(sample: Path, row: int, value: bool) -> None:
    with h5py.File(sample, "r+") as file:
        file[f"{PLANE_SEGMENTATION}/is_accepted"][row] = value


def test_a_change_from_outside_is_noticed_and_entered_once(filled: Project, sample: Path, rois: list[str]) -> None:
    commit(filled, sample, Reject(rois[:1]), actor="Ada")
    change_outside(sample, 2, False)

    done = commit(filled, sample, Reject(rois[4:]), actor="Ada")
    assert done.outside is not None
    assert done.outside.parts == ("ROI column is_accepted",)
    assert read_rois(sample)["is_accepted"].tolist() == [False] * 5
    kinds = [edit.kind for edit in edits_of(filled, sample)]
    assert kinds == [EditKind.REJECT, EditKind.OUTSIDE, EditKind.REJECT]
    assert "changed outside Fluorite: ROI column is_accepted" in edits_of(filled, sample)[1].what
    assert commit(filled, sample, Accept(rois[:1]), actor="Ada").outside is None


def test_undo_leaves_alone_what_was_changed_from_outside_since(filled: Project, sample: Path, rois: list[str]) -> None:
    commit(filled, sample, Reject([rois[0], rois[2]]), actor="Ada")
    change_outside(sample, 0, True)
    change_outside(sample, 3, True)
    undo(filled, sample, actor="Ada")
    assert read_rois(sample)["is_accepted"].tolist() == [True, False, True, True, True]
    redo(filled, sample, actor="Ada")
    assert read_rois(sample)["is_accepted"].tolist() == [True, False, False, True, True]


def test_copying_or_touching_the_file_is_no_change(filled: Project, sample: Path, rois: list[str]) -> None:
    commit(filled, sample, Reject(rois[:1]), actor="Ada")
    temporary = sample.with_name("copy.tmp")
    shutil.copyfile(sample, temporary)
    temporary.replace(sample)
    assert commit(filled, sample, Reject(rois[1:2]), actor="Ada").outside is None


def test_what_another_version_of_fluorite_remembered_is_not_held_against_the_file(
    filled: Project, sample: Path, rois: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(filled, sample, Reject(rois[:1]), actor="Ada")
    change_outside(sample, 2, False)
    monkeypatch.setattr("nwb_schema.edits.sample_state._DIGEST_VERSION", 99)
    assert commit(filled, sample, Reject(rois[1:2]), actor="Ada").outside is None
    change_outside(sample, 2, True)
    assert commit(filled, sample, Accept(rois[1:2]), actor="Ada").outside is not None


def test_an_older_copy_gets_the_edits_that_it_lacks(
    filled: Project, sample: Path, rois: list[str], quality, before: Path
) -> None:
    commit(filled, sample, Reject(rois[:1]), actor="Ada")
    commit(filled, sample, Tag((rois[3],), quality, "good"), actor="Ada")
    shutil.copyfile(before, sample)

    done = commit(filled, sample, Delete((rois[4],)), actor="Ada")
    assert done.outside is not None
    assert len(done.outside.applied_again) == 2
    table = read_rois(sample)
    assert table["is_accepted"].tolist() == [False, False, True, False, True]
    assert table["quality"].tolist() == ["untagged"] * 3 + ["good", "untagged"]
    assert table["deleted"].tolist() == [False] * 4 + [True]
    kinds = [edit.kind for edit in edits_of(filled, sample)]
    assert kinds == [EditKind.REJECT, EditKind.TAG, EditKind.OUTSIDE, EditKind.DELETE]


def test_a_lost_journal_is_made_again_from_the_files(filled: Project, sample: Path, rois: list[str]) -> None:
    commit(filled, sample, Reject(rois[:2]), actor="Ada", reason="dim")
    commit(filled, sample, SetField("subject.sex", "M"), actor="Bob")
    known = [entry.record for entry in all_edits(filled)]
    for path in filled.folder.glob("journal.sqlite*"):
        path.unlink()

    assert [entry.record for entry in all_edits(filled)] == known
    assert list(edits_of(filled, sample)) == known
    assert undo(filled, sample, actor="Ada").outside is None
    assert read_state(sample).fields["subject.sex"] == "F"


def test_a_damaged_journal_says_what_to_do(filled: Project, sample: Path, rois: list[str]) -> None:
    commit(filled, sample, Reject(rois[:2]), actor="Ada")
    for path in filled.folder.glob("journal.sqlite-*"):
        path.unlink()
    filled.journal_path.write_bytes(b"no database at all" * 100)
    content = sample.read_bytes()
    with pytest.raises(ProjectError, match="Move the file away"):
        commit(filled, sample, Reject(rois), actor="Ada")
    assert sample.read_bytes() == content


def test_edits_made_in_another_copy_of_the_project_come_together(
    filled: Project, sample: Path, rois: list[str], tmp_path: Path
) -> None:
    commit(filled, sample, Reject(rois[:1]), actor="Ada")
    other = Project.open(shutil.copytree(filled.folder, tmp_path / "other"))
    commit(other, other.samples_dir / sample.name, Reject(rois[2:3]), actor="Bob")
    commit(filled, sample, Reject(rois[4:]), actor="Ada")
    shutil.copyfile(other.samples_dir / sample.name, sample)

    assert [edit.actor for edit in edits_of(filled, sample)] == ["Ada", "Bob", "Ada", "unknown"]
    assert read_rois(sample)["is_accepted"].tolist() == [False] * 5
    assert {entry.record.actor for entry in all_edits(filled)} == {"Ada", "Bob", "unknown"}
