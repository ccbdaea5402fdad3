from __future__ import annotations

from pathlib import Path

from app.components.jobs_panel import job_list
from app.job_view import follow, job_state, log_tail
from nwb_schema.project import Project
from pipeline.jobs import JobState, Ledger


def states(*fractions: float | None) -> list[list[dict[str, object]]]:
    return [[{"active": fraction is not None, "fraction": fraction}] for fraction in fractions]


def test_changes_are_reported_once_until_all_jobs_have_ended() -> None:
    seen = iter(states(0.1, 0.1, 0.5, None, 0.9))
    reported: list[object] = []

    still = follow(lambda: next(seen), reported.append, for_s=100, every_s=1, clock=lambda: 0.0, pause=lambda _: None)

    assert not still
    assert reported == states(0.1, 0.5, None)


def test_watching_ends_after_its_time_with_the_job_still_running() -> None:
    now = iter(range(100))

    still = follow(
        lambda: states(0.1)[0],
        lambda _: None,
        for_s=5,
        every_s=1,
        clock=lambda: float(next(now)),
        pause=lambda _: None,
    )

    assert still
    assert next(now) <= 7


def test_job_s_state_is_plain_and_its_entry_shows_it(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    ledger = Ledger(project)
    job = ledger.add("process", {}, title="<b>movie.tif</b>", actor="somebody")
    ledger.end(job.id, JobState.FAILED, error="movie.tif: has no frame. Record it again.")

    state = job_state(ledger.job(job.id))
    [entry] = job_list([state])

    assert state["state"] == "failed"
    assert not state["active"]
    assert "Record it again." in str(entry)
    assert "Cancel" not in str(entry)


def test_waiting_job_can_be_cancelled(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    job = Ledger(project).add("process", {}, title="movie.tif", actor="somebody")

    [entry] = job_list([job_state(job)])

    assert "Cancel" in str(entry)


def test_log_is_cut_at_its_start_and_a_missing_one_is_said(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    job = Ledger(project).add("process", {}, title="movie.tif", actor="somebody")
    assert "cannot be read" in log_tail(job)

    job.attempt_folder.mkdir(parents=True)
    job.log_path.write_text("".join(f"line {number}\n" for number in range(1_000)))

    assert log_tail(job).splitlines()[-1] == "line 999"
    assert "line 0\n" not in log_tail(job)
