"""Pages look at some samples and leave the rest for another time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.checks import check_in_turn, check_some, checks_of
from nwb_schema.project import Project


def test_of_many_new_files_only_some_are_looked_at_at_a_time(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    files = [project.samples_dir / f"sub-a_ses-{number}_ophys.nwb" for number in range(5)]
    for file in files:
        file.write_bytes(b"broken")
    checks = checks_of(project)

    def looks(n: int) -> Callable[[], float]:
        """A clock on which the time is over after so many files."""
        return iter([0.0, *[0.0] * n, *[1e6] * 10]).__next__

    def seen(n: int) -> tuple[int, int]:
        done, left = check_some(checks, files, clock=looks(n))
        return len(done), len(left)

    assert seen(2) == (2, 3)
    assert seen(2) == (4, 1)
    assert seen(2) == (5, 0)
    files[0].write_bytes(b"broken otherwise")
    assert seen(0) == (4, 1)
    assert len(checks.known(files)) == 4


def test_the_newest_page_goes_first_and_the_others_see_what_it_found(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    files = [project.samples_dir / f"sub-a_ses-{number}_ophys.nwb" for number in range(4)]
    for file in files:
        file.write_bytes(b"broken")
    checks, steps, pauses = checks_of(project), [], []

    def newer_comes(done: int, _total: int) -> None:
        """While the second file is looked at, somebody asks for the last one alone."""
        steps.append(done)
        if steps == [0, 0, 1]:
            (checks.folder / "checks.turn").write_text("newer")

    def meanwhile(_seconds: float) -> None:
        """The newer one works while the older one waits."""
        pauses.append(len(checks.known(files)))
        check_in_turn(checks, files[3:], "newer", lambda *_: None)

    check_in_turn(checks, files, "older", newer_comes, pause=meanwhile)

    assert pauses == [2], "it left off after the sample that it was at, and once"
    assert steps[-1] == 4
    assert len(checks.known(files)) == 4
    assert (checks.folder / "checks.turn").read_text() == ""
