"""What was found in a sample is kept until something that the rules look at changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nwb_schema import configure
from nwb_schema.checks import check_sample
from nwb_schema.checks.kept import KeptChecks
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits import SetField, commit
from nwb_schema.project import Project
from tests.nwb_schema.made_samples import made_sample


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.fixture
def sample(project: Project) -> Path:
    return made_sample(project)


def test_what_was_found_is_known_to_every_process_until_the_sample_changes(project: Project, sample: Path) -> None:
    checks, others = KeptChecks(project, "1"), KeptChecks(project, "1")
    assert checks.known([sample]) == {}

    found = checks.check(sample)

    assert found.findings == check_sample(sample).findings
    assert found.errors == check_sample(sample).count(found.findings[0].severity.ERROR)
    assert others.known([sample]) == {sample: found}
    commit(project, sample, SetField("imaging.indicator", "GCaMP8m"), actor="ada")
    assert checks.known([sample]) == others.known([sample]) == {}
    again = others.check(sample)
    assert checks.known([sample]) == {sample: again}


def test_other_rules_other_columns_and_another_movie_are_looked_at_anew(project: Project, sample: Path) -> None:
    checks = KeptChecks(project, "1")
    checks.check(sample)
    assert KeptChecks(project, "2").known([sample]) == {}

    configure.add_column(project, ColumnDefinition("kind", ColumnKind.ROI_TAG))
    assert checks.known([sample]) == {}
    assert "movie" not in checks.check(sample).first
    (movie,) = project.movies_dir.iterdir()
    movie.rename(movie.with_suffix(".away"))
    assert checks.known([sample]) == {}
    lost = checks.check(sample)
    assert any(one.check == "movie" for one in lost.findings)
    movie.with_suffix(".away").rename(movie)
    assert checks.known([sample]) == {}


def test_a_damaged_file_costs_time_and_nothing_else(project: Project, sample: Path) -> None:
    KeptChecks(project, "1").check(sample)
    project.catalogue_path.with_name("checks.sqlite").write_bytes(b"this is no database" * 100)
    checks = KeptChecks(project, "1")

    assert checks.known([sample]) == {}
    found = checks.check(sample)
    assert KeptChecks(project, "1").known([sample]) == {sample: found}
    # Begun anew by another process, it is read from its beginning again.
    project.catalogue_path.with_name("checks.sqlite").unlink()
    commit(project, sample, SetField("imaging.indicator", "GCaMP8m"), actor="ada")
    again = KeptChecks(project, "1").check(sample)
    assert checks.known([sample]) == {sample: again}


def test_a_file_that_is_no_sample_is_kept_too(project: Project) -> None:
    broken = project.samples_dir / "sub-x_ses-1_ophys.nwb"
    broken.write_bytes(b"broken")
    checks = KeptChecks(project, "1")

    assert checks.check(broken).errors == 1
    assert list(checks.known([broken])) == [broken]
