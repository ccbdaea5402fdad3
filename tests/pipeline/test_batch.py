"""A folder of movies becomes samples: every file's fate is known before anything is started."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from nwb_schema import configure
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.errors import MovieError, SampleExistsError
from nwb_schema.process_identity import this_process
from nwb_schema.project import Project
from pipeline.batch import PlannedRecording, movies_of, plan_batch, submit_batch
from pipeline.jobs import Job, JobState, Ledger, cancel, queue, reconcile, submission
from pipeline.naming_pattern import NamingPattern

COMMON: dict[str, Any] = {"movie": {"frame_rate_hz": 10.0}, "custom": {"dose": "1"}}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project")
    configure.add_column(project, ColumnDefinition("dose", ColumnKind.CUSTOM, ColumnType.DECIMAL))
    return project


def movie(path: Path, n_frames: int = 120) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.zeros((n_frames, 20, 30), np.uint16)
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})
    return path


def plan(project: Project, folder: Path, pattern: str, common: dict[str, Any] | None = None) -> list[PlannedRecording]:
    parsed = NamingPattern.parse(pattern, ["dose"])
    return plan_batch(project, movies_of(folder, parsed), parsed, common or COMMON, folder=folder)


def test_each_file_gets_a_sample_or_a_reason(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "movies"
    movie(folder / "m1_day1_2.5mg.tif")
    movie(folder / "m1_day1_3mg.tif")  # becomes the same sample
    movie(folder / "m2_day1_lots_mg.tif")  # not a number
    movie(folder / "m3_day1_1mg.tif", n_frames=2)  # too short to find cells in
    movie(folder / "odd.tif")
    (folder / "m4_day1_1mg.tif").write_bytes(b"no TIFF")
    (folder / "notes.txt").write_text("no movie")
    movie(folder / ".hidden_day1_1mg.tif")

    planned = {one.name: one for one in plan(project, folder, "{subject}_{session}_{dose}mg")}

    good = planned["m1_day1_2.5mg.tif"]
    assert good.is_ready
    assert good.sample == "sub-m1_ses-day1_ophys.nwb"
    assert good.request is not None
    assert (good.request.subject, good.request.session, good.request.custom) == ("m1", "day1", {"dose": "2.5"})
    assert "m1_day1_2.5mg.tif will be the sample sub-m1_ses-day1_ophys. Rename" in planned["m1_day1_3mg.tif"].problem
    assert "dose cannot be 'lots_'" in planned["m2_day1_lots_mg.tif"].problem
    assert "at least 100 are needed" in planned["m3_day1_1mg.tif"].problem
    assert "Does not fit the pattern" in planned["odd.tif"].problem
    assert planned["m4_day1_1mg.tif"].problem
    assert set(planned) == {
        "m1_day1_2.5mg.tif", "m1_day1_3mg.tif", "m2_day1_lots_mg.tif", "m3_day1_1mg.tif", "m4_day1_1mg.tif", "odd.tif",
    }  # fmt: skip


def test_folders_and_dates_are_read_and_what_holds_for_all_stays(project: Project, tmp_path: Path) -> None:
    movie(tmp_path / "movies" / "m1" / "day1_20260301.tif")
    movie(tmp_path / "movies" / "stray_20260301.tif")  # in no folder of an animal
    common = {**COMMON, "metadata": {"NWBFile": {"lab": "Ours"}}}

    [one] = plan(project, tmp_path / "movies", "{subject}/{session}_{date}", common)

    assert one.name == "m1/day1_20260301.tif"
    assert one.request is not None
    assert one.request.custom == {"dose": "1"}
    assert one.request.metadata["NWBFile"] == {"lab": "Ours", "session_start_time": "2026-03-01T00:00:00"}


def test_what_waits_already_is_refused_and_nothing_is_started_by_halves(
    project: Project, tmp_path: Path, children: list[str]
) -> None:
    movie(tmp_path / "movies" / "m1_a.tif")
    movie(tmp_path / "movies" / "m1_b.tif")
    planned = plan(project, tmp_path / "movies", "{subject}_{session}")
    late = Ledger(project).add("process", {}, title="of a colleague", actor="bo", sample="sub-m1_ses-B_ophys.nwb")

    with pytest.raises(SampleExistsError, match="of a colleague"):
        submit_batch(project, planned, actor="ada")
    assert [job.state for job in Ledger(project).jobs()] == [JobState.CANCELLED, JobState.QUEUED]
    assert "of a colleague will be" in plan(project, tmp_path / "movies", "{subject}_{session}")[1].problem

    Ledger(project).end(late.id, JobState.FAILED)
    jobs = submit_batch(project, planned, actor="ada")
    assert [job.title for job in jobs] == ["m1_a.tif", "m1_b.tif"]
    assert children == ["queue"]


def test_sample_of_the_same_file_is_there_already(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = movie(tmp_path / "movies" / "m1_a.tif")
    sample = project.samples_dir / "sub-m1_ses-a_ophys.nwb"
    sample.touch()
    monkeypatch.setattr("pipeline.batch.read_provenance", lambda path: {"input_files": [str(file)]})
    [one] = plan(project, tmp_path / "movies", "{subject}_{session}")
    assert (one.is_there, one.is_ready, one.problem) == (True, False, "")

    monkeypatch.setattr("pipeline.batch.read_provenance", lambda path: {"input_files": ["/elsewhere/m1_a.tif"]})
    [one] = plan(project, tmp_path / "movies", "{subject}_{session}")
    assert not one.is_there
    assert "in this project already" in one.problem


def test_folder_that_is_none_or_too_full_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = NamingPattern.parse("{subject}")
    with pytest.raises(MovieError, match="no such folder"):
        movies_of(tmp_path / "gone", pattern)
    movie(tmp_path / "a.tif")
    movie(tmp_path / "b.tif")
    monkeypatch.setattr("pipeline.batch.MOST_FILES", 1)
    with pytest.raises(MovieError, match="holds 2 movies"):
        movies_of(tmp_path, pattern)


class Child:
    """Stands for the process of a job, which ends its job at once."""

    def __init__(self, project: Project, job: Job) -> None:
        self.project, self.job = project, job

    def wait(self) -> int:
        Ledger(self.project).end(self.job.id, JobState.OK)
        return 0


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The processes that `submit_all` would have started; none is."""
    started: list[str] = []

    class Process:
        def __init__(self, command: list[str], **_: Any) -> None:
            self.stdin = io.StringIO()
            started.append(command[2].rsplit(".", 1)[-1])

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(submission.subprocess, "Popen", Process)
    return started


def test_queue_runs_jobs_in_order_and_leaves_out_what_was_cancelled(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(project)
    jobs = [ledger.add("process", {}, title=name, actor="ada") for name in "abc"]
    ran: list[str] = []

    def start(project: Project, job: Job) -> Child:
        ran.append(job.title)
        # While the first one runs, the queue's own process stands for those that wait: nobody takes them for dead.
        assert "c" not in [one.title for one in reconcile(project, clock=job.created_at + 1000)]
        return Child(project, job)

    monkeypatch.setattr(queue, "start_child", start)
    ledger.request_cancel(jobs[1].id)

    queue.run_queue(project, [job.id for job in jobs])

    assert ran == ["a", "c"]
    assert [ledger.job(job.id).state for job in jobs] == [JobState.OK, JobState.CANCELLED, JobState.OK]


def test_cancelling_a_job_that_waits_leaves_its_queue_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    signals: list[Any] = []
    monkeypatch.setattr(submission.os, "kill", lambda *sent: signals.append(sent))
    ledger = Ledger(project)
    job = ledger.add("process", {}, title="waits", actor="ada")
    host, pid, started = this_process()
    ledger.waiting(job.id, host=host, pid=pid, process_started_at=started)

    cancel(project, job.id)

    assert signals == []
    assert [one.state for one in reconcile(project)] == [JobState.CANCELLED]


def test_no_two_jobs_make_one_sample(project: Project) -> None:
    ledger = Ledger(project)
    first = ledger.add("process", {}, title="a.tif", actor="ada", sample="sub-m1_ses-a_ophys.nwb")

    with pytest.raises(SampleExistsError, match=r"\(a\.tif\) makes this sample already"):
        ledger.add("process", {}, title="b.tif", actor="bo", sample="SUB-m1_ses-a_ophys.nwb")
    assert [job.title for job in ledger.jobs()] == ["a.tif"]
    assert ledger.samples_in_work() == {"sub-m1_ses-a_ophys.nwb": "a.tif"}

    ledger.end(first.id, JobState.FAILED)
    ledger.add("process", {}, title="b.tif", actor="bo", sample="sub-m1_ses-a_ophys.nwb")


def test_planned_recording_says_its_state() -> None:
    one = PlannedRecording(Path("/a.tif"), "a.tif", {})
    assert one.as_dict()["state"] == "refused"
    assert replace(one, is_there=True).as_dict()["state"] == "there"
