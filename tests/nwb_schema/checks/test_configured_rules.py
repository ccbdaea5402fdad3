"""What a project configures is checked in its samples, and findings say which command repairs them."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import h5py
import pytest
from click.testing import CliRunner

from fluorite.cli import main
from nwb_schema import configure
from nwb_schema.checks import check_sample
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.edits import SetCustom, Tag, commit
from nwb_schema.project import Project
from nwb_schema.reader import read_rois

REGION = ColumnDefinition("region", ColumnKind.ROI_TAG)
STAGE = ColumnDefinition("stage", ColumnKind.CUSTOM)


@pytest.fixture
def tagged(filled: Project, good: Path) -> Path:
    """Two ROIs are tagged V7, one V1, and the stage is late; the vocabularies come later and have neither."""
    for column in (REGION, STAGE):
        configure.add_column(filled, column)
    rois = list(read_rois(good)["roi_uuid"])
    commit(
        filled,
        good,
        [Tag(tuple(rois[:2]), REGION, "V7"), Tag((rois[2],), REGION, "V1"), SetCustom(STAGE, "late")],
        actor="x",
    )
    assert check_sample(good).findings == ()
    configure.set_vocabulary(filled, "region", ["V1", "V2"])
    configure.set_vocabulary(filled, "stage", ["early"])
    return good


def completed(command: str, value: str) -> list[str]:
    """The words after ``fluorite``, with a value in place of VALUE."""
    return shlex.split(command.replace("VALUE", value))[1:]


def test_values_outside_the_vocabulary_are_named_with_what_repairs_them(filled: Project, tagged: Path) -> None:
    tags, custom = check_sample(tagged).findings
    assert (tags.check, tags.severity.value) == ("tag-vocabulary", "warning")
    assert tags.message == "2 ROIs have 'V7' (outside the vocabulary) in the tag column 'region'"
    assert custom.message == "the sample has 'late' (outside the vocabulary) in the custom column 'stage'"
    for finding, value in ((tags, "V2"), (custom, "early")):
        done = CliRunner().invoke(main, completed(finding.command, value))
        assert done.exit_code == 0, done.output
    assert check_sample(tagged).findings == ()
    assert list(read_rois(tagged)["region"]) == ["V2", "V2", "V1", "untagged", "untagged"]


def test_values_of_another_type_are_named(filled: Project, tagged: Path) -> None:
    text = filled.config_path.read_text().replace('vocabulary = ["early"]', "")
    head, stage = text.split('name = "stage"')
    stage = stage.replace('type = "text"', 'type = "integer"').replace('"untagged"', "0")
    filled.config_path.write_text(f'{head}name = "stage"{stage}')
    assert "has 'late' (no integer)" in [f.message for f in check_sample(tagged).findings][1]


def test_a_file_elsewhere_is_not_held_to_any_configuration(tagged: Path, tmp_path: Path) -> None:
    movies = tagged.parents[1] / "movies"
    shutil.copytree(movies, tmp_path / "movies")
    (tmp_path / "samples").mkdir()
    alone = Path(shutil.copy(tagged, tmp_path / "samples"))
    assert check_sample(alone).findings == ()


def test_metadata_that_is_missing_is_set_by_the_command(filled: Project, good: Path) -> None:
    plane = "general/optophysiology/ImagingPlane"
    with h5py.File(good, "r+") as file:
        file[f"{plane}/indicator"][()] = "unknown"
        file[f"{plane}/excitation_lambda"][()] = float("nan")
        file["general/subject/sex"][()] = "male"
    values = {"indicator": "GCaMP8m", "excitation-wavelength": "940", "subject-sex": "M"}
    findings = check_sample(good).findings
    assert {finding.check for finding in findings} == set(values)
    for finding in findings:
        assert CliRunner().invoke(main, completed(finding.command, "VALUE")).exit_code in (0, 1)
        assert finding.check in {one.check for one in check_sample(good).findings}, "nobody said anything yet"
        assert CliRunner().invoke(main, completed(finding.command, values[finding.check])).exit_code == 0
    assert check_sample(good).findings == ()


def test_set_says_what_there_is(filled: Project, sample: Path) -> None:
    configure.add_column(filled, ColumnDefinition("dose", ColumnKind.CUSTOM, ColumnType.DECIMAL))
    run = CliRunner().invoke
    assert run(main, ["set", str(filled.folder), sample.name, "dose=2.5", "subject.strain=C57"]).exit_code == 0
    assert "Did you mean subject.age" in run(main, ["set", str(filled.folder), sample.name, "subject.aeg=P1D"]).stderr
    assert "Did you mean dose" in run(main, ["set", str(filled.folder), sample.name, "dos=1"]).stderr
    assert run(main, ["set", str(filled.folder), sample.name, "dose"]).exit_code == 2
