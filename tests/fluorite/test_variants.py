"""Variants: other results for the movie of a sample, which stay beside it until somebody chooses one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner, Result

from fluorite.cli import main
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.errors import ParameterError
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance, read_rois
from pipeline.variants.listing import list_variants
from pipeline.variants.requesting import variant_request
from tests.fluorite.command import Processed

SAMPLE = "sub-m1_ses-s1_ophys"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def _with_variant(processed: Processed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the project with a second, stricter result, and that one's id."""
    folder = Path(shutil.copytree(processed.project, tmp_path_factory.mktemp("variants") / "project"))
    strict = folder.with_name("strict.json")
    strict.write_text('{"min_SNR": 9, "SNR_lowest": 5, "gSig": 3}')
    before = (folder / "samples" / f"{SAMPLE}.nwb").read_bytes()
    done = run("process", "--variant-of", SAMPLE, "--params", strict, "--project", folder, "--json")
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)["samples"]
    assert (folder / "samples" / f"{SAMPLE}.nwb").read_bytes() == before
    return folder, report["variant"]


@pytest.fixture
def folder(_with_variant: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(_with_variant[0], tmp_path / "project"))


@pytest.fixture
def variant(_with_variant: tuple[Path, str]) -> str:
    return _with_variant[1]


def listed(folder: Path) -> list[dict]:
    done = run("variants", folder, SAMPLE, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["variants"]


def test_a_variant_makes_no_sample_and_no_movie(folder: Path, variant: str, processed: Processed) -> None:
    own, other = listed(folder)

    assert len(list((folder / "samples").iterdir())) == len(list((folder / "movies").iterdir())) == 1
    assert [path.name for path in sorted((folder / "batch" / variant).iterdir())] == ["1", "results.hdf5"]
    assert (own["id"], own["is_chosen"]) == (processed.report["job"], True)
    assert (other["id"], other["is_chosen"]) == (variant, False)
    assert other["title"] == "min_SNR 9, SNR_lowest 5, gSig 3"
    assert other["parameters"]["quality"]["min_SNR"] == 9
    assert other["parameters"]["motion"]["motion_correct"] == 0, "the registered movie is taken as it is"
    assert own["parameters"]["motion"]["motion_correct"] == 1
    assert other["n_accepted"] <= own["n_accepted"]
    assert all(one["seconds"]["total"] > 0 and one["peak_rss_mb"] > 50 for one in (own, other))


def test_the_list_needs_neither_ledger_nor_catalogue(folder: Path) -> None:
    before = listed(folder)
    for path in folder.glob("jobs.sqlite*"):
        path.unlink()
    shutil.rmtree(folder / ".fluorite")

    assert listed(folder) == before


def test_the_chosen_one_keeps_identities_and_tags_and_the_others_stay(folder: Path, variant: str) -> None:
    project = Project.open(folder)
    add_column(project, ColumnDefinition("quality", ColumnKind.ROI_TAG))
    path = folder / "samples" / f"{SAMPLE}.nwb"
    before = read_rois(path)
    best = before["roi_uuid"][before["snr"].argmax()]
    assert run("tag", folder, SAMPLE, best, "quality=nice").exit_code == 0
    assert run("accept", folder, SAMPLE, best).exit_code == 0

    done = run("variants", folder, SAMPLE, "--choose", "2", "--reason", "try")

    assert done.exit_code == 0, done.output
    assert [one["is_chosen"] for one in listed(folder)] == [False, True]
    assert read_provenance(path)["parameters"]["quality"]["min_SNR"] == 9
    now = read_rois(path).set_index("roi_uuid")
    assert now["quality"][best] == "nice"
    assert now["curated"][best]
    assert len(set(now.index) & set(before["roi_uuid"])) >= 2

    assert run("undo", folder, SAMPLE).exit_code == 0
    assert [one["is_chosen"] for one in listed(folder)] == [True, False]
    assert set(read_rois(path)["roi_uuid"]) == set(before["roi_uuid"])
    # Again by its id: it is still there.
    assert run("variants", folder, SAMPLE, "--choose", variant[:8]).exit_code == 0


def test_a_recording_of_the_same_size_is_not_taken_for_the_sample_s(
    folder: Path, processed: Processed, tmp_path: Path
) -> None:
    frames = tifffile.imread(processed.movie)
    twin, shorter = tmp_path / "twin.tif", tmp_path / "shorter.tif"
    for path, content in ((twin, frames[::-1]), (shorter, frames[:100])):
        tifffile.imwrite(path, np.ascontiguousarray(content))
        shutil.copyfile(processed.movie.with_suffix(".json"), path.with_suffix(".json"))
    for path, reason in ((twin, "its content differs"), (shorter, "has 100 x 60 x 80")):
        done = run("process", path, "--variant-of", SAMPLE, "--project", folder)
        assert done.exit_code == 1
        assert reason in done.output
    assert len(listed(folder)) == 2
    done = run("process", processed.movie, "--variant-of", SAMPLE, "--label", "again", "--project", folder)
    assert done.exit_code == 0, done.output
    assert listed(folder)[-1]["title"] == "again"


def test_results_of_elsewhere_become_a_variant(folder: Path, processed: Processed, tmp_path: Path) -> None:
    theirs = Path(shutil.copyfile(processed.report["results"], tmp_path / "theirs.hdf5"))
    before = theirs.read_bytes()
    done = run("import", theirs, "--variant-of", SAMPLE, "--project", folder, "--json")

    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)["samples"]
    assert theirs.read_bytes() == before
    last = listed(folder)[-1]
    assert (last["id"], last["title"], last["seconds"]) == (report["variant"], "theirs.hdf5", {})
    assert last["n_rois"] == processed.report["n_rois"]


def test_a_request_starts_from_the_sample_s_own_parameters(folder: Path, variant: str) -> None:
    project = Project.open(folder)
    path = project.find_sample(SAMPLE)
    assert run("variants", folder, SAMPLE, "--choose", variant).exit_code == 0

    request = variant_request(project, path.stem, {"rval_thr": 0.7})

    assert request.parameters["quality.min_SNR"] == 9
    assert request.parameters["quality.rval_thr"] == 0.7
    assert request.parameters["init.gSig"] == [3, 3]
    assert "quality.min_SNR" not in variant_request(project, path.stem, {"rval_thr": 0.7}, preset="2p").parameters
    assert request.movies == (project.movie_path(list_variants(project, path)[0].id),)
    with pytest.raises(ParameterError, match="min_SNR"):
        variant_request(project, path.stem, {"min_SNRR": 1})


@pytest.mark.parametrize(
    "words",
    [
        ("process", "--project", "DIR"),
        ("process", "--variant-of", SAMPLE, "--session", "s2", "--project", "DIR"),
        ("process", "--variant-of", SAMPLE, "--frame-rate", "3", "--project", "DIR"),
        ("process", "a.tif", "--label", "x", "--project", "DIR"),
        ("variants", "DIR", SAMPLE, "--reason", "x"),
    ],
)
def test_words_that_do_not_go_together_are_wrong_usage(words: tuple[str, ...], processed: Processed) -> None:
    assert run(*(processed.project if word == "DIR" else word for word in words)).exit_code == 2


def test_a_result_that_is_not_there_is_named(folder: Path) -> None:
    done = run("variants", folder, SAMPLE, "--choose", "17")

    assert done.exit_code == 1
    assert "has no result that is called so" in done.output
