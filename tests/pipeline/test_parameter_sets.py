"""Parameters under a name, several values at once, and what was used before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import ParameterError
from nwb_schema.project import Project
from pipeline.jobs import Ledger
from pipeline.jobs.job import JobState
from pipeline.parameter_history import used_parameters
from pipeline.parameter_sets import checked_name, parameter_sets, read_parameter_set, save_parameter_set
from pipeline.parameters import Parameters, load_parameters
from pipeline.request import parse_request
from pipeline.sweeps import combinations, n_runs, request_of_sample, sweep_requests, variant_name
from tests.app.small_project import add_sample, simulate


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project", "Sets")


def test_a_set_is_a_file_in_the_layout_of_caiman(project: Project) -> None:
    chosen = Parameters.preset("1p").updated({"gSig": [5, 6], "caiman_args": {"spatial": {"dist": 3}}})
    saved = save_parameter_set(project, "  miniscope   CA1 ", chosen)

    assert saved.path == project.folder / "parameters" / "miniscope CA1.json"
    content = json.loads(saved.path.read_text())
    assert content["init"]["gSig"] == [5, 6]
    assert load_parameters(saved.path) == chosen
    assert read_parameter_set(project, "miniscope CA1").preset == "1p"
    assert [(one.name, one.preset) for one in parameter_sets(project)] == [("miniscope CA1", "1p")]


def test_a_set_is_replaced_only_on_purpose(project: Project) -> None:
    save_parameter_set(project, "a", Parameters.preset("2p"))
    with pytest.raises(ParameterError, match="is there already"):
        save_parameter_set(project, "a", Parameters.preset("1p"))
    assert read_parameter_set(project, "a").preset == "2p"
    save_parameter_set(project, "a", Parameters.preset("1p"), replace=True)
    assert read_parameter_set(project, "a").preset == "1p"
    assert [path.name for path in (project.folder / "parameters").iterdir()] == ["a.json"]


def test_a_file_that_somebody_spoilt_is_listed_with_the_reason(project: Project) -> None:
    save_parameter_set(project, "good", Parameters.preset("2p"))
    (project.folder / "parameters" / "bad.json").write_text('{"gSigg": 4}')
    bad, good = parameter_sets(project)
    assert bad.parameters is None
    assert "Did you mean 'gSig'?" in (bad.problem or "")
    assert good.parameters is not None


@pytest.mark.parametrize("name", ["", "../other", "a/b", ".hidden", "x" * 90, "a\0b", "a."])
def test_what_cannot_be_a_files_name_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match=r"cannot be a file's name|no name was given"):
        checked_name(name)


def test_a_sweep_is_every_combination(tmp_path: Path) -> None:
    axes = {"init.gSig": [3, [4, 5]], "quality.min_SNR": [2.0, 2.5, 3.0]}
    assert n_runs(axes) == 6 == len(combinations(axes))
    request = parse_request({"movies": [tmp_path / "day 1.tif"], "preset": "1p", "parameters": {"init.K": 9}})
    requests = sweep_requests(request, axes)
    assert requests[4].parameters == {"init.K": 9, "init.gSig": [4, 5], "quality.min_SNR": 2.5}
    assert requests[4].session == "day-1-gSig-4x5-min-SNR-2p5"
    assert len({one.session for one in requests}) == 6
    assert sweep_requests(request, {}) == [request]
    with pytest.raises(ParameterError, match="make 125 runs, more than 100"):
        combinations({name: list(range(5)) for name in "abc"})


def test_variants_are_named_after_what_differs() -> None:
    assert variant_name({"init.K": None, "quality.use_cnn": False, "quality.rval_lowest": -0.5}) == (
        "K-auto-use_cnn-no-rval_lowest-m0p5"
    )


def test_what_was_used_before_is_known_from_samples_and_failed_jobs(project: Project) -> None:
    sample = add_sample(project, simulate(), session="a")
    ledger = Ledger(project)
    spec = {"movies": ["x.tif"], "preset": "1p", "parameters": {"gSig": 7}}
    for _ in range(2):
        job = ledger.add("process", spec, title="x.tif", actor="me")
        ledger.end(job.id, JobState.FAILED, error="no")
    variant = ledger.add("process", {"variant_of": sample.identifier, "parameters": {"K": 3}}, title="K 3", actor="me")
    ledger.claim(variant.id, host="here", pid=1, process_started_at=1.0)
    ledger.end(variant.id, JobState.OK)
    catalogue = Catalogue(project)
    catalogue.refresh()

    used = used_parameters(project, catalogue)

    assert len(used) == 3
    failed = next(one for one in used if one.preset == "1p")
    assert failed.uses == [("x.tif (failed)", None)] * 2
    assert failed.differences == {"init.gSig": ([7, 7], [3, 3])}
    assert any(one.uses == [("K 3 (variant)", sample.identifier)] for one in used)
    made = next(one for one in used if one.preset == "2p" and "variant" not in one.uses[0][0])
    assert made.uses == [("sub-m1_ses-a_ophys", sample.identifier)]
    # Its rate is the movie's, not a choice; a value that this version does not know is left out.
    assert made.differences == {"init.K": (9, None)}
    with pytest.raises(ParameterError, match=r"was made from recording\.tif, which is gone"):
        request_of_sample(project, sample.path)
