"""Any order of edits, undoing, kills, outside changes and lost files: the NWB always equals the model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from scipy import sparse

from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.edits import (
    Accept,
    Delete,
    Edit,
    EditKind,
    NewRois,
    Reject,
    RoiArrays,
    SetField,
    Tag,
    commit,
    edits_of,
    redo,
    undo,
)
from nwb_schema.edits.contents import named_by
from nwb_schema.edits.period_edits import LoadTimes
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import EditError
from nwb_schema.interval_tables import as_table
from nwb_schema.layout import PLANE_SEGMENTATION
from nwb_schema.names import clean_text
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from nwb_schema.stimuli import read_stimuli
from tests.nwb_schema.made_samples import HEIGHT, N_FRAMES, WIDTH

QUALITY = ColumnDefinition("quality", ColumnKind.ROI_TAG)
GRADE = ColumnDefinition("grade", ColumnKind.ROI_TAG, ColumnType.INTEGER, 0)
BEFORE_THE_JOURNAL = ("copy_bytes", "write_edits", "verify_copy", "fsync_file")
AFTER_THE_JOURNAL = ("before replace", "after replace", "before note")
KILLS = (*BEFORE_THE_JOURNAL, "journal", *AFTER_THE_JOURNAL)
_MASK = np.zeros((1, HEIGHT, WIDTH), np.float32)
_MASK[0, 3:9, 20:31] = 0.5
ARRAYS = RoiArrays(
    (HEIGHT, WIDTH), sparse.csr_array(_MASK.reshape(1, -1)), {"raw": np.arange(N_FRAMES, dtype=np.float32)[None]}
)


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(step: str) -> Iterator[None]:
    """End the process (in effect) at a step of the protocol."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    def die_after(temporary: Path, path: Path) -> None:
        temporary.replace(path)
        raise Killed

    place, action = {
        "before replace": ("nwb_schema.edits.replacing.replace", die),
        "after replace": ("nwb_schema.edits.replacing.replace", die_after),
        "before note": ("nwb_schema.edits.settling._note", die),
        "journal": ("nwb_schema.edits.journal.Journal.add", die),
    }.get(step, (f"nwb_schema.edits.replacing.{step}", die))
    with patch(place, action), pytest.raises(Killed):
        yield


class Model:
    """What the sample should hold: flags, tags and one field, and the two stacks of undo and redo."""

    def __init__(self, accepted: list[bool], sex: str) -> None:
        n_rois = len(accepted)
        self.values: dict[Any, Any] = {("is_accepted", row): flag for row, flag in enumerate(accepted)}
        for name, replacement in (("curated", False), ("deleted", False), ("quality", "untagged"), ("grade", 0)):
            self.values |= {(name, row): replacement for row in range(n_rois)}
        self.values["sex"] = sex
        self.values["times"] = None
        self.done: list[dict[Any, tuple[Any, Any]]] = []
        self.undone: list[dict[Any, tuple[Any, Any]]] = []

    def add_row(self, row: int) -> None:
        """An ROI that is deleted until an edit brings it to life; no undo takes the row away."""
        fresh = {"is_accepted": True, "curated": True, "deleted": True, "quality": "untagged", "grade": 0}
        self.values |= {(name, row): value for name, value in fresh.items()}

    def edit(self, new: dict[Any, Any]) -> bool:
        changes = {key: (self.values[key], value) for key, value in new.items() if self.values[key] != value}
        if changes:
            self.values |= {key: after for key, (_, after) in changes.items()}
            self.done.append(changes)
            self.undone.clear()
        return bool(changes)

    def step(self, source: list[Any], target: list[Any]) -> None:
        # What somebody changed from outside since is left alone, and so is not done again either.
        standing = {key: pair for key, pair in source.pop().items() if self.values[key] == pair[1]}
        back = {key: (after, before) for key, (before, after) in standing.items()}
        self.values |= {key: after for key, (_, after) in back.items()}
        target.append(back)


class Editing(RuleBasedStateMachine):
    """One sample under everything that can happen to it."""

    template: Path

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fluorite-machine-"))
        self.project = Project.open(shutil.copytree(self.template, self.folder / "project"))
        self.sample = self.project.sample_path("m1", "s1")
        table = read_rois(self.sample)
        self.rois: list[str] = list(table["roi_uuid"])
        self.model = Model(table["is_accepted"].tolist(), "F")
        self.backup: tuple[Path, int] | None = None

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self, kind: str, rows: list[int], text: str, number: int) -> tuple[Edit, dict[Any, Any]]:
        rois = tuple(self.rois[row] for row in rows)
        if kind in ("accept", "reject"):
            flag = kind == "accept"
            new: dict[Any, Any] = {("is_accepted", row): flag for row in rows} | {
                ("curated", row): True for row in rows
            }
            return (Accept(rois) if flag else Reject(rois)), new
        if kind in ("delete", "restore"):
            return Delete(rois, kind == "delete"), {("deleted", row): kind == "delete" for row in rows}
        if kind == "quality":
            return Tag(rois, QUALITY, text), {("quality", row): clean_text(text) for row in rows}
        if kind == "grade":
            return Tag(rois, GRADE, number), {("grade", row): number for row in rows}
        return SetField("subject.sex", "MFOU"[number % 4]), {"sex": "MFOU"[number % 4]}

    edits = st.tuples(
        st.sampled_from(["accept", "reject", "delete", "restore", "quality", "grade", "sex"]),
        st.lists(st.integers(0, 4), min_size=1, max_size=5),
        st.text(max_size=8),
        st.integers(-5, 5),
    )

    @precondition(lambda self: len(self.rois) < 8)
    @rule(parts=st.sets(st.integers(0, 4), max_size=3), step=st.sampled_from((None, None, *KILLS)))
    def shape(self, parts: set[int], step: str | None) -> None:
        edits_of(self.project, self.sample)
        alive = [row for row in sorted(parts) if not self.model.values["deleted", row]]
        kind = (EditKind.ADD, EditKind.SPLIT, EditKind.MERGE, EditKind.MERGE)[len(alive)]
        new = NewRois(kind, ARRAYS, tuple(self.rois[row] for row in alive), {"quality": "untagged", "grade": 0})
        if step is None:
            commit(self.project, self.sample, new, actor="Ada")
        else:
            with killed_at(step):
                commit(self.project, self.sample, new, actor="Ada")
        if step is None or step in AFTER_THE_JOURNAL:
            row = len(self.rois)
            self.rois.append(new.roi_uuids[0])
            self.model.add_row(row)
            for name in ("quality", "grade"):
                values = {self.model.values[name, part] for part in alive}
                self.model.values[name, row] = values.pop() if len(values) == 1 else self.model.values[name, row]
            self.model.edit({("deleted", row): False} | {("deleted", part): True for part in alive})

    @rule(starts=st.lists(st.integers(0, 40), max_size=3), step=st.sampled_from((None, None, *KILLS)))
    def stimuli(self, starts: list[int], step: str | None) -> None:
        edits_of(self.project, self.sample)
        frame = pd.DataFrame({"start_s": [1.0 * s for s in starts], "stop_s": [s + 0.5 for s in starts]})
        table = as_table(frame, neurodata_type="TimeIntervals", description="Odours.") if starts else None
        new = {"times": sorted(starts) or None}
        if self.model.values["times"] == new["times"]:
            return
        load = LoadTimes("intervals/odour", "odour", table, "replace")
        if step is None:
            commit(self.project, self.sample, load, actor="Ada")
        else:
            with killed_at(step):
                commit(self.project, self.sample, load, actor="Ada")
        if step is None or step in AFTER_THE_JOURNAL:
            self.model.edit(new)

    @rule(what=edits)
    def edit(self, what: tuple[str, list[int], str, int]) -> None:
        edit, new = self.make(*what)
        made = commit(self.project, self.sample, edit, actor="Ada").records
        assert bool(made) == self.model.edit(new)

    @rule(what=edits, step=st.sampled_from(KILLS))
    def killed_edit(self, what: tuple[str, list[int], str, int], step: str) -> None:
        edit, new = self.make(*what)
        if all(self.model.values[key] == value for key, value in new.items()):
            return
        edits_of(self.project, self.sample)  # what is left to make up for is done here, and not killed
        with killed_at(step):
            commit(self.project, self.sample, edit, actor="Ada")
        if step in AFTER_THE_JOURNAL:
            self.model.edit(new)

    @rule()
    def undo(self) -> None:
        if not self.model.done:
            with pytest.raises(EditError, match="nothing to undo"):
                undo(self.project, self.sample, actor="Bob")
            return
        undo(self.project, self.sample, actor="Bob")
        self.model.step(self.model.done, self.model.undone)

    @rule()
    def redo(self) -> None:
        if not self.model.undone:
            with pytest.raises(EditError, match="nothing to do again"):
                redo(self.project, self.sample, actor="Bob")
            return
        redo(self.project, self.sample, actor="Bob")
        self.model.step(self.model.undone, self.model.done)

    @precondition(lambda self: self.model.done)
    @rule(step=st.sampled_from(AFTER_THE_JOURNAL))
    def killed_undo(self, step: str) -> None:
        edits_of(self.project, self.sample)
        with killed_at(step):
            undo(self.project, self.sample, actor="Bob")
        self.model.step(self.model.done, self.model.undone)

    @rule(row=st.integers(0, 4), flag=st.booleans())
    def change_from_outside(self, row: int, flag: bool) -> None:
        edits_of(self.project, self.sample)
        with h5py.File(self.sample, "r+") as file:
            file[f"{PLANE_SEGMENTATION}/is_accepted"][row] = flag
        differs = self.model.values["is_accepted", row] != flag
        self.model.values["is_accepted", row] = flag
        noticed = [edit.kind for edit in edits_of(self.project, self.sample)][-1:] == [EditKind.OUTSIDE]
        assert noticed or not differs

    @rule()
    def reload(self) -> None:
        self.project = Project.open(self.project.folder)

    @rule()
    def rebuild_the_catalogue(self) -> None:
        shutil.rmtree(self.project.cache_dir)
        Catalogue(self.project).rebuild()

    @rule()
    def lose_the_journal(self) -> None:
        edits_of(self.project, self.sample)
        for path in self.project.folder.glob("journal.sqlite*"):
            path.unlink()

    @invariant()
    def file_equals_model(self) -> None:
        edits_of(self.project, self.sample)
        table = read_rois(self.sample)
        defaults = {"quality": "untagged", "grade": 0}
        held = {
            (name, row): table[name][row] if name in table else defaults[name]
            for name in ("is_accepted", "curated", "deleted", "quality", "grade")
            for row in range(len(self.rois))
        }
        assert table["roi_uuid"].tolist() == self.rois
        times = read_stimuli(self.sample).get("odour")
        held["times"] = None if times is None else times["start_s"].tolist()
        held["sex"] = read_state(self.sample).fields["subject.sex"]
        assert held == self.model.values
        assert [p for p in self.project.samples_dir.iterdir() if p.name.startswith(".")] == []
        needed = named_by(change for edit in edits_of(self.project, self.sample) for change in edit.changes)
        assert {path.stem.rpartition("_")[2] for path in self.project.edits_dir.glob("*")} == needed

        catalogue = Catalogue(self.project)
        catalogue.refresh()
        rows = [roi for roi in catalogue.rois() if roi["name"] == self.sample.name]
        assert [roi["is_accepted"] for roi in rows] == [
            self.model.values["is_accepted", row] for row in range(len(self.rois))
        ]


@pytest.mark.parametrize("runs", [8, pytest.param(200, marks=pytest.mark.nightly)])
def test_the_file_always_equals_the_model(filled: Project, runs: int) -> None:
    class OnTemplate(Editing):
        template = filled.folder

    run_state_machine_as_test(
        OnTemplate,
        settings=settings(
            max_examples=runs,
            stateful_step_count=15,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
