"""The commands that edit: what they print, what they refuse, and that a kill loses nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest
from click.testing import CliRunner, Result
from scipy import sparse

import fluorite
from fluorite.cli import main
from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.configure import add_column
from nwb_schema.edits import EditKind, Reject, commit, edits_of
from nwb_schema.errors import ConfigurationError, EditError
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import read_footprints, read_identifier, read_rois, read_traces
from tests.kills import rounds
from tests.nwb_schema.made_samples import made_sample


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project.create(tmp_path_factory.mktemp("made") / "project")
    made_sample(project)
    add_column(project, ColumnDefinition("quality", ColumnKind.ROI_TAG))
    add_column(project, ColumnDefinition("grade", ColumnKind.ROI_TAG, ColumnType.INTEGER, 0))
    return project.folder


@pytest.fixture
def folder(_made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_made, tmp_path / "project"))


@pytest.fixture
def sample(folder: Path) -> Path:
    return folder / "samples" / "sub-m1_ses-s1_ophys.nwb"


@pytest.fixture
def rois(sample: Path) -> list[str]:
    return list(read_rois(sample)["roi_uuid"])


def test_tagging_by_prefix_and_identifier(folder: Path, sample: Path, rois: list[str]) -> None:
    words = (read_identifier(sample), rois[0][:8], rois[3], "quality=a=b", "grade=4")
    done = run("tag", folder, *words, "--reason", "looks so", "--json")

    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert [edit["what"] for edit in printed["edits"]] == ["tagged 2 ROIs: quality = a=b", "tagged 2 ROIs: grade = 4"]
    assert printed["edits"][0]["reason"] == "looks so"
    assert read_rois(sample)["quality"].tolist() == ["a=b", "untagged", "untagged", "a=b", "untagged"]
    assert read_rois(sample)["grade"].tolist() == [4, 0, 0, 4, 0]


def test_deciding_undoing_and_the_log(folder: Path, sample: Path, rois: list[str]) -> None:
    for command, row in (("reject", 0), ("accept", 1), ("delete", 2), ("restore", 2)):
        assert run(command, folder, sample.stem, rois[row]).exit_code == 0
    assert run("undo", folder, sample.name).output == f"{sample.name}: undid: restored ROI {rois[2][:8]}\n"
    assert read_rois(sample)["deleted"].tolist() == [False, False, True, False, False]
    assert run("redo", folder, sample.name, "--reason", "after all").exit_code == 0

    table = read_rois(sample)
    assert table["is_accepted"].tolist() == [False, True, True, False, True]
    assert not table["deleted"].any()
    lines = run("log", folder, sample.name).output.splitlines()
    assert len(lines) == 6
    assert f"rejected ROI {rois[0][:8]}" in lines[0]
    assert lines[-1].endswith("(after all)")
    edits = json.loads(run("log", folder, "--json").stdout)["edits"]
    assert [edit["kind"] for edit in edits] == ["reject", "accept", "delete", "restore", "undo", "redo"]
    assert edits[0]["changes"][0] == {
        "kind": "roi",
        "roi_uuid": rois[0],
        "name": "is_accepted",
        "before": True,
        "after": False,
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("tag", "{roi}", "qality=good"), 1, "Did you mean quality?"),
        (("tag", "{roi}", "nothing=good"), 1, "no such column"),
        (("tag", "{roi}", "grade=good"), 1, "whole number"),
        (("tag", "{roi}"), 2, "COLUMN=VALUE"),
        (("tag", "quality=good"), 2, "COLUMN=VALUE"),
        (("accept", "{short}"), 1, "shorter than 8"),
        (("accept", "00000000"), 1, "no such ROI"),
        (("accept",), 2, "ROI"),
        (("undo",), 1, "nothing to undo"),
        (("redo",), 1, "nothing to do again"),
    ],
)
def test_what_cannot_be_done_is_said(
    folder: Path, sample: Path, rois: list[str], words: tuple[str, ...], code: int, said: str
) -> None:
    content = sample.read_bytes()
    command, *more = (word.format(roi=rois[0], short=rois[0][:7]) for word in words)
    result = run(command, folder, sample.name, *more)

    assert result.exit_code == code, result.output
    assert said in result.output
    assert sample.read_bytes() == content


def test_merging_splitting_and_adding(folder: Path, sample: Path, rois: list[str], tmp_path: Path) -> None:
    merged = run("merge", folder, sample.name, rois[0][:8], rois[1], "--reason", "one cell", "--json")
    assert merged.exit_code == 0, merged.output
    assert json.loads(merged.stdout)["edits"][0]["kind"] == "merge"
    assert run("split", folder, sample.name, rois[2], "--parts", 2).exit_code == 0
    (tmp_path / "drawn.json").write_text("[[[3, 5], [9, 5], [9, 8], [3, 8]]]")
    added = run("add-rois", folder, sample.name, tmp_path / "drawn.json", "--neuropil")
    assert added.output.startswith(f"{sample.name}: added ROI ")

    table = read_rois(sample)
    assert table["roi_origin"].tolist() == ["engine"] * 5 + ["merge", "split", "split", "manual"]
    assert table["deleted"].tolist() == [True, True, True] + [False] * 6
    assert table["area_px"].tolist()[-1] == 18
    assert run("undo", folder, sample.name).exit_code == 0
    assert read_rois(sample)["deleted"].tolist() == [True, True, True] + [False] * 5 + [True]
    assert run("split", folder, sample.name, rois[3], "--mask", "x.npz", "--parts", 2).exit_code == 2
    refused = run("merge", folder, sample.name, rois[0], rois[4])
    assert refused.exit_code == 1
    assert "is deleted" in refused.output


def test_python_can_shape_rois(folder: Path, sample: Path, rois: list[str], tmp_path: Path) -> None:
    project = fluorite.open_project(folder)
    fluorite.merge(project, sample.name, rois[:2])
    fluorite.split(project, sample.name, rois[2], n_parts=2)
    mask = np.zeros((1, 24, 40), bool)
    mask[0, 3:8, 30:39] = True
    fluorite.add_rois(project, sample.name, mask, neuropil=fluorite.Neuropil(0.5))
    np.save(tmp_path / "drawn.npy", mask)
    fluorite.add_rois(project, sample.name, str(tmp_path / "drawn.npy"))
    table = fluorite.rois(project)
    assert len(table) == 10
    assert fluorite.edits(project, sample.name)["kind"].tolist() == ["merge", "split", "add", "add"]


def test_evaluating_changes_what_no_person_decided(folder: Path, sample: Path, rois: list[str]) -> None:
    before = read_rois(sample)
    assert run("reject", folder, sample.name, rois[int(before["snr"].argmax())]).exit_code == 0
    done = run("evaluate", folder, sample.name, "min_SNR=4", "rval_thr=1", "SNR_lowest=0", "--json")
    assert done.exit_code == 0, done.output
    expected = (before["snr"] >= 4).to_numpy(copy=True)
    expected[before["snr"].argmax()] = False
    assert read_rois(sample)["is_accepted"].tolist() == expected.tolist()
    assert json.loads(done.stdout)["edits"][0]["what"] == (
        "evaluated: min_SNR 4, SNR_lowest 0, rval_thr 1, rval_lowest -1"
    )
    assert run("undo", folder, sample.name).exit_code == 0
    assert read_rois(sample)["is_accepted"].tolist()[1:4] == before["is_accepted"].tolist()[1:4]
    for words, code, said in (
        (("min_SRN=4",), 1, "Did you mean 'min_SNR'?"),
        (("gSig=4",), 1, "evaluation does not use"),
        (("rval_thr=2",), 1, "rval_thr"),
        (("min_SNR",), 2, "NAME=VALUE"),
    ):
        refused = run("evaluate", folder, sample.name, *words)
        assert refused.exit_code == code, refused.output
        assert said in refused.output


def test_drawn_rois_are_not_judged_by_scores_that_they_lack(folder: Path, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "drawn.json").write_text("[[[3, 5], [9, 5], [9, 8], [3, 8]]]")
    run("add-rois", folder, sample.name, tmp_path / "drawn.json")
    (tmp_path / "strict.json").write_text('{"quality": {"min_SNR": 1000, "rval_thr": 1}}')
    assert run("evaluate", folder, sample.name, "--params", tmp_path / "strict.json").exit_code == 0
    assert read_rois(sample)["is_accepted"].tolist() == [False] * 5 + [True]


def test_other_results_replace_the_segmentation(folder: Path, sample: Path, rois: list[str], tmp_path: Path) -> None:
    write_results(tmp_path / "other.hdf5", sample)
    run("tag", folder, sample.name, rois[0], "quality=good")
    done = run("import", tmp_path / "other.hdf5", "--into", sample.name, "--project", folder, "--json")
    assert done.exit_code == 0, done.output
    table = read_rois(sample)
    assert table["roi_uuid"].tolist()[:4] == rois[:4]
    assert table["quality"].tolist()[0] == "good"
    assert "4 ROIs matched, 0 new" in json.loads(done.stdout)["edits"][0]["what"]
    assert run("undo", folder, sample.name).exit_code == 0
    assert read_rois(sample)["roi_uuid"].tolist() == rois
    refused = run("import", tmp_path / "other.hdf5", "--into", sample.name, "--project", folder, "--subject", "m2")
    assert refused.exit_code == 2


def write_results(path: Path, sample: Path) -> None:
    """A results file with the first four of the sample's ROIs."""
    footprints = read_footprints(sample)[:4].toarray().reshape(4, 24, 40)
    columns = sparse.csc_array(footprints.transpose(0, 2, 1).reshape(4, -1).T)  # CaImAn numbers pixels in F order
    with h5py.File(path, "w") as file:
        for name in ("data", "indices", "indptr"):
            file[f"estimates/A/{name}"] = getattr(columns, name)
        file["estimates/A/shape"] = np.array(columns.shape)
        for name in ("C", "YrA", "S"):
            file[f"estimates/{name}"] = read_traces(sample, "denoised")[:4].astype(float)
        file["estimates/idx_components"] = np.arange(4)
        file["params/data/dims"], file["params/data/fr"] = np.array([24, 40]), 7.5
        file["dims"] = np.array([24, 40])


def test_an_unknown_sample_is_said(folder: Path, rois: list[str]) -> None:
    result = run("accept", folder, "nobody", rois[0])
    assert result.exit_code == 1
    assert "no such sample" in result.output


def test_python_can_do_the_same(folder: Path, sample: Path, rois: list[str]) -> None:
    project = fluorite.open_project(folder)
    fluorite.reject(project, sample.name, [rois[0][:8]], reason="dim")
    fluorite.accept(project, sample.name, rois[1])
    fluorite.tag(project, sample.name, rois[:2], "quality", "good")
    fluorite.delete(project, sample.name, rois[2:4])
    fluorite.restore(project, sample.name, rois[2:3])
    fluorite.set_field(project, sample.name, "subject.strain", "Wistar")
    fluorite.undo(project, sample.name)
    fluorite.redo(project, sample.name)

    table = fluorite.rois(project)
    assert table["is_accepted"].tolist() == [False, True, True, False, True]
    assert table["deleted"].tolist() == [False, False, False, True, False]
    assert [tags.get("quality") for tags in table["tags"]] == ["good", "good", "untagged", "untagged", "untagged"]
    history = fluorite.edits(project, sample.name)
    kinds = ["reject", "accept", "tag", "delete", "restore", "field", "undo", "redo"]
    assert history["kind"].tolist() == kinds
    assert history["reason"][0] == "dim"
    with pytest.raises(EditError, match="no such column"):
        fluorite.tag(project, sample.name, rois, "nothing", "good")


@pytest.mark.parametrize("name", ["deleted", "curated", "is_accepted"])
def test_a_tag_column_never_takes_the_place_of_ours(folder: Path, name: str) -> None:
    with pytest.raises(ConfigurationError):
        add_column(Project.open(folder), ColumnDefinition(name, ColumnKind.ROI_TAG))


_LOOP = """
import sys
from pathlib import Path
import numpy as np
from scipy import sparse
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.edits import EditKind, NewRois, RoiArrays, Tag, commit
from nwb_schema.project import Project
mask = sparse.csr_array((np.ones(30, np.float32), (np.zeros(30, int), np.arange(100, 130))), shape=(1, 960))
project, sample, roi, first = Project.open(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
grade = ColumnDefinition("grade", ColumnKind.ROI_TAG, ColumnType.INTEGER, 0)
print("ready", flush=True)
for number in range(first, first + 1000):
    edits = [Tag((roi,), grade, number)]
    if number % 7 == 0:
        edits.append(NewRois(EditKind.ADD, RoiArrays((24, 40), mask, {"raw": np.full((1, 50), number, np.float32)})))
    commit(project, sample, edits, actor="loop")
    print(number, flush=True)
"""


@pytest.mark.parametrize("kills", rounds(8, 200))
def test_kill_9_at_any_moment_loses_no_edit_and_makes_none_twice(
    folder: Path, sample: Path, rois: list[str], kills: int
) -> None:
    project, last = Project.open(folder), 0
    for attempt in range(kills):
        running = subprocess.Popen(
            [sys.executable, "-c", _LOOP, str(folder), str(sample), rois[1], str(last + 1)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        running.stdout.readline()
        delay = random.Random(attempt).uniform(0, 0.4)
        threading.Timer(delay, running.send_signal, (signal.SIGKILL,)).start()
        said = [int(line) for line in running.stdout.read().split()]
        running.wait()
        last_said = said[-1] if said else last

        edits = edits_of(project, sample)
        grades = [edit.changes[-1].after for edit in edits if edit.kind is EditKind.TAG]
        assert grades == list(range(1, len(grades) + 1)), "an edit is missing or was made twice"
        # What was said to be done is done; at most the one that was being made is done besides.
        assert len(grades) in (last_said, last_said + 1)
        last = len(grades)
        table = read_rois(sample)
        assert table.get("grade", [0] * 5)[1] == last
        assert len(table) == 5 + last // 7, "a row was lost, or added twice"
        assert read_traces(sample, "raw", list(range(5, len(table))))[:, 0].tolist() == list(range(7, last + 1, 7))
    done = run("tag", folder, sample.name, rois[0], "quality=good")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in sample.parent.iterdir()) == [sample.name]
    assert schema_problems(sample) == []
    with pynwb.NWBHDF5IO(sample, "r") as io:
        assert len(io.read().processing["fluorite"]["edits"]) == last + last // 7 + 1
    assert Catalogue(project).rois({"roi_uuid": rois[1]})[0]["tags"]["grade"] == last


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_and_a_read_only_one_change_nothing_and_say_so(
    folder: Path, sample: Path, rois: list[str], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size + 600_000}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        shutil.copytree(folder, disk / "project")
        there = disk / "project" / "samples" / sample.name
        run("samples", disk / "project")
        free = os.statvfs(disk)
        (disk / "filler").write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - 100_000))
        content = there.read_bytes()

        result = run("reject", disk / "project", sample.name, rois[0])
        assert result.exit_code == 1
        assert "No space left" in result.output or "full" in result.output
        assert there.read_bytes() == content
        assert [path.name for path in there.parent.iterdir()] == [there.name]
        (disk / "filler").unlink()
        assert run("reject", disk / "project", sample.name, rois[0]).exit_code == 0
        assert not read_rois(there)["is_accepted"][0]

        project = Project.open(disk / "project")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        content = there.read_bytes()
        with pytest.raises(EditError, match="Read-only"):
            commit(project, there, Reject(rois), actor="Ada")
        refused = run("reject", disk / "project", sample.name, rois[1])
        assert refused.exit_code == 1
        assert "cannot be written" in refused.output
        assert there.read_bytes() == content
    finally:
        subprocess.run(["umount", str(disk)], check=True)
