"""What killed jobs leave is there for the same work again, and for nothing else; and it goes when it is stale."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nwb_schema.process_identity import start_of
from nwb_schema.project import Project
from pipeline.jobs import JobState, Ledger, reconcile
from pipeline.jobs import unfinished as module
from pipeline.jobs.unfinished import reclaimable_bytes, unfinished_work


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.fixture
def dead() -> tuple[int, float]:
    """A process of this computer that has ended: its number and its start."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = start_of(child.pid)
    child.communicate(b"\n")
    return child.pid, started


def left_by_a_kill(project: Project, work: str, dead: tuple[int, float], *, age_s: float = 0.0) -> Path:
    """The folder that a job leaves whose process is killed inside `unfinished_work`."""
    with unfinished_work(project, work) as folder:
        assert folder is not None
        owner = json.loads((folder / "owner.json").read_text())
        kept = folder.with_name("kept")
        folder.rename(kept)
    owner.update(pid=dead[0], started=dead[1], at=time.time() - age_s)
    kept.rename(folder)
    (folder / "owner.json").write_text(json.dumps(owner))
    (folder / "stage.npz").write_bytes(b"x" * 5000)
    return folder


def test_it_is_there_for_the_same_work_and_gone_after_it(project: Project, dead: tuple[int, float]) -> None:
    left = left_by_a_kill(project, "work", dead)
    with unfinished_work(project, "other work") as folder:
        assert folder not in (None, left)
    assert left.exists()
    with unfinished_work(project, "work") as folder:
        assert folder == left
        assert (folder / "stage.npz").exists()
    assert not left.exists()


def test_it_goes_when_the_work_fails_or_is_cancelled(project: Project) -> None:
    with pytest.raises(KeyboardInterrupt), unfinished_work(project, "work") as folder:
        raise KeyboardInterrupt
    assert folder is not None
    assert not folder.exists()


def test_the_stale_goes_when_the_next_work_begins(
    project: Project, dead: tuple[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = left_by_a_kill(project, "old", dead, age_s=8 * 86400)
    new = left_by_a_kill(project, "new", dead, age_s=6 * 86400)
    with unfinished_work(project, "work"):
        assert (old.exists(), new.exists()) == (False, True)
    monkeypatch.setattr(module, "code_sha256", lambda: "another version")
    with unfinished_work(project, "work"):
        assert not new.exists()


def test_without_room_on_the_disk_only_the_own_stays(project: Project, dead: tuple[int, float]) -> None:
    own, other = left_by_a_kill(project, "own", dead), left_by_a_kill(project, "other", dead)
    assert reclaimable_bytes(project) > 10000
    with unfinished_work(project, "own", needed_bytes=2**62) as folder:
        assert folder == own
        assert (folder / "stage.npz").exists()
        assert not other.exists()


def test_what_a_living_process_works_on_is_left_alone(project: Project) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        left = left_by_a_kill(project, "work", (living.pid, start_of(living.pid)), age_s=30 * 86400)
        with unfinished_work(project, "work") as folder:
            assert folder is None
        with unfinished_work(project, "other", needed_bytes=2**62):
            assert (left / "stage.npz").exists()
        assert reclaimable_bytes(project) == 0
        living.communicate(b"\n")


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_killed_job_keeps_it_unless_somebody_had_cancelled_it(
    cancelled: bool, project: Project, dead: tuple[int, float]
) -> None:
    ledger = Ledger(project)
    job = ledger.add("process", {}, title="movie.tif", actor="me")
    job.attempt_folder.mkdir(parents=True)
    ledger.set_digest(job.id, "work")
    left = left_by_a_kill(project, "work", dead)
    assert ledger.claim(job.id, host=socket.gethostname(), pid=dead[0], process_started_at=dead[1])
    if cancelled:
        ledger.request_cancel(job.id)
    (ended,) = reconcile(project)
    assert ended.state is (JobState.CANCELLED if cancelled else JobState.LOST)
    assert left.exists() is not cancelled
