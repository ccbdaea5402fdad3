from __future__ import annotations

from pathlib import Path

import pytest

from app.components.jobs_panel import job_list
from app.job_view import follow, job_state, log_tail, overall_fraction, recording_name
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


def test_a_variant_leads_to_its_comparison(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    ledger = Ledger(project)
    job = ledger.add("process", {"variant_of": "0123456789-ab"}, title="min_SNR 4", actor="somebody")
    ledger.end(job.id, JobState.OK, result={"identifier": "0123456789-ab", "variant": job.id})

    [entry] = job_list([job_state(ledger.job(job.id))])

    assert f"/compare/0123456789-ab?b={job.id}" in str(entry)
    assert "another result for the sample 01234567" in str(entry)
    named = {**job.spec, "variant_of_name": "sub-m1_ses-day1_ophys"}
    assert recording_name(named) == "another result for sub-m1_ses-day1"


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


PROCESS_STAGES = (
    "",
    "checking the movie",
    "motion correction",
    "summary images",
    "initialisation",
    "refinement",
    "evaluation",
    "results",
    "writing the sample",
)
IMPORT_STAGES = ("", "reading the results", "copying the movie", "summary images", "writing the sample")


@pytest.mark.parametrize(("kind", "stages"), [("process", PROCESS_STAGES), ("import", IMPORT_STAGES)])
def test_whole_job_never_runs_backwards_and_ends_at_one(kind: str, stages: tuple[str, ...]) -> None:
    shown = [overall_fraction(kind, stage, part / 10) for stage in stages for part in range(11)]

    assert None not in shown
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (0.0, 1.0)
    assert len(set(shown)) > len(stages)


def test_fraction_of_a_stage_counts_by_its_share() -> None:
    assert overall_fraction("process", "motion correction", 0.5) == pytest.approx(0.02 + 0.35 / 2)
    assert overall_fraction("process", "motion correction", 7.0) == pytest.approx(0.37)


def test_unknown_stage_has_a_percentage_of_its_own_and_no_bar(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    state = job_state(Ledger(project).add("process", {}, title="movie.tif", actor="somebody"))
    running = {**state, "state": "running", "stage": "polishing", "fraction": 0.58, "overall": None}

    assert overall_fraction("process", "polishing", 0.58) is None
    [entry] = job_list([running])
    assert "polishing 58 %" in str(entry)
    assert "Progress(" not in str(entry)
    [known] = job_list([{**running, "stage": "refinement", "overall": 0.76}])
    assert "76 % of all" in str(known)
    assert "Progress(" in str(known)


def test_jobs_with_movies_of_one_name_can_be_told_apart() -> None:
    movies = ["/data/mouse1/cortex.tif"]
    assert recording_name({"movies": movies, "subject": "m1", "session": "day2"}) == "subject m1 · session day2"
    assert recording_name({"movies": movies, "subject": None, "session": "day2"}) == "session day2"
    assert recording_name({"movies": movies, "subject": None}) == str(Path("/data/mouse1"))
    assert recording_name({}) == ""


def test_error_is_said_in_the_words_of_the_page(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    ledger = Ledger(project)
    job = ledger.add("process", {}, title="movie.tif", actor="somebody")
    ledger.end(job.id, JobState.FAILED, error="a.nwb: is there. Give another session: --session NAME.")

    [entry] = job_list([job_state(ledger.job(job.id))])

    assert "Type another name into the field Session." in str(entry)
