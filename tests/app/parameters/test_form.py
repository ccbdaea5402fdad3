"""The form of parameters: what is typed, what it means, and what is said of what cannot be."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import tifffile

from app.components.parameter_view import loaded, parameters_of, start_options, uploaded
from app.parameters.form import (
    ROWS,
    TWINS,
    choices_of,
    read_form,
    rows_by_group,
    setting,
    text_of,
    texts_of,
    value_of,
)
from app.parameters.runs import RunTarget, requests_of, start_runs
from app.workspace import Workspace
from nwb_schema.errors import FluoriteError, ParameterError
from nwb_schema.project import Project
from pipeline.parameter_sets import save_parameter_set
from pipeline.parameters import Parameters, parameter_table
from pipeline.request import parse_request
from pipeline.simulate import simulate_movie
from pipeline.sweeps import sweep_requests
from tests.app.small_project import MadeSample


@pytest.mark.parametrize("preset", ["2p", "1p", "3d"])
def test_what_the_form_shows_reads_back_as_the_same_parameters(preset: str) -> None:
    reading = read_form(preset, texts_of(Parameters.preset(preset)))
    assert reading.parameters == Parameters.preset(preset)
    assert (reading.differences, reading.errors, reading.n_runs) == ({}, {}, 1)


def test_every_parameter_has_a_field_that_takes_what_it_shows() -> None:
    rows = [row for rows in rows_by_group().values() for row in rows]
    shown = {f"{row.group}.{row.name}" for row in rows}
    assert shown | set(TWINS.values()) == {f"{row.group}.{row.name}" for row in parameter_table()}
    for preset in ("2p", "1p", "3d"):
        texts = texts_of(Parameters.preset(preset))
        values = Parameters.preset(preset).to_dict()
        for key, row in ROWS.items():
            choices = choices_of(row)
            assert choices is None or texts[key] in choices, key
            meant = Parameters.preset(preset).updated({key: value_of(texts[key], row)} if key not in TWINS else {})
            assert meant.to_dict()[row.group][row.name] == values[row.group][row.name], key


def test_typed_values_mean_what_they_say() -> None:
    typed = {
        "init.gSig": "5, 6", "init.K": "auto", "data.decay_time": ".7", "motion.border_nan": "yes",
        "quality.gSig_range": "3, [4, 5]", "extra.caiman_args": '{"spatial": {"dist": 3}}',
        "patch.low_rank_background": "auto", "init.gSiz": "13",
    }  # fmt: skip
    reading = read_form("2p", typed)
    assert reading.errors == {}
    init, quality = reading.parameters.init, reading.parameters.quality
    assert (init.gSig, init.K, init.gSiz) == ((5, 6), None, (13, 13))
    assert reading.parameters.data.decay_time == 0.7
    assert reading.parameters.motion.border_nan is True
    assert reading.parameters.patch.low_rank_background is None
    assert quality.gSig_range == ((3, 3), (4, 5))
    assert text_of([[3, 3], [4, 5]], ROWS["quality.gSig_range"]) == "3, [4, 5]"
    assert reading.overrides()["extra.caiman_args"] == {"spatial": {"dist": 3}}
    assert reading.differences["init.gSig"] == ("5, 6", "4, 4")


def test_the_order_of_the_model_is_set_once_for_both_groups() -> None:
    reading = read_form("2p", {"temporal.p": "2"})
    assert (reading.parameters.preprocess.p, reading.parameters.temporal.p) == (2, 2)
    swept = read_form("2p", {"temporal.p": "0; 2"})
    assert (swept.axes, swept.errors, swept.overrides()) == ({"temporal.p": [0, 2]}, {}, {})
    request = parse_request({"movies": ["a.tif"]})
    assert [one.parameters for one in sweep_requests(request, swept.axes, TWINS)] == [
        {"temporal.p": 0, "preprocess.p": 0},
        {"temporal.p": 2, "preprocess.p": 2},
    ]


def test_all_that_is_wrong_is_told_where_it_is_and_the_rest_counts() -> None:
    reading = read_form("2p", {"init.gSig": "wide", "init.K": "-2", "patch.rf": "2", "quality.min_SNR": "3"})
    assert set(reading.errors) == {"init.gSig", "init.K", "patch.rf"}
    assert "no number" in reading.errors["init.gSig"]
    assert "outside the allowed range >= 0" in reading.errors["init.K"]
    assert reading.parameters.quality.min_SNR == 3
    assert reading.parameters.init.gSig == (4, 4)


def test_values_that_exclude_each_other_are_told() -> None:
    reading = read_form("2p", {"init.gSig": "6", "init.gSiz": "3"})
    assert list(reading.errors) == ["init.gSiz"]
    assert "smaller than gSig" in reading.errors["init.gSiz"]


def test_several_values_make_a_sweep() -> None:
    reading = read_form("2p", {"init.gSig": "3; 4; 5, 6", "quality.use_cnn": "yes; no", "init.K": "9; 9"})
    assert reading.axes == {"init.gSig": [3, 4, [5, 6]], "quality.use_cnn": [True, False]}
    assert reading.n_runs == 6
    assert reading.overrides() == {"init.K": 9}
    assert reading.differences["init.gSig"][0] == "3; 4; 5, 6"


def test_a_sweep_of_which_one_run_cannot_work_is_refused_before_any() -> None:
    reading = read_form("2p", {"init.gSig": "3; 9", "init.gSiz": "7"})
    assert "smaller than gSig (9, 9)" in " ".join(reading.errors.values())
    many = read_form("2p", {"init.K": "; ".join(map(str, range(1, 21))), "init.nb": "1; 2; 3; 4; 5; 6"})
    assert "120 runs" in " ".join(many.errors.values())


def content(values: object) -> str:
    return "data:application/json;base64," + base64.b64encode(json.dumps(values).encode()).decode()


def test_a_file_fills_the_form_and_what_was_changed_can_count_more() -> None:
    reading = read_form("2p", {"init.gSig": "6", "patch.rf": "25"})
    preset, parameters = loaded(reading, content({"init": {"gSig": [3, 3]}}), "a.json", keep=False)
    assert (preset, parameters.init.gSig, parameters.patch.rf) == ("2p", (3, 3), None)
    _, kept = loaded(reading, content({"init": {"gSig": [3, 3]}, "K": 7}), "a.json", keep=True)
    assert (kept.init.gSig, kept.patch.rf, kept.init.K) == ((6, 6), 25, 7)
    preset, parameters = loaded(reading, content({"method_init": "corr_pnr", "nb": 0}), "one.json", keep=False)
    assert preset == "1p"
    assert parameters == Parameters.preset("1p"), "what the file leaves out fits its kind of recording"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data:;base64,!!", "is not JSON"),
        (content([1]), "no JSON object"),
        (content({"gSigg": 3}), "Did you mean 'gSig'"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(text: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        loaded(read_form("2p", {}), text, "theirs.json", keep=False)
    if "gSigg" not in said:
        assert said


def test_an_uploaded_object_is_returned_as_it_is() -> None:
    assert uploaded(content({"K": 3})) == {"K": 3}


def test_the_form_starts_from_presets_ideas_and_sets(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", "Form")
    save_parameter_set(project, "mine", Parameters.preset("1p").updated({"gSig": 5}))
    (project.folder / "parameters" / "bad.json").write_text("{")
    options = {option["value"]: option for option in start_options(project)}
    assert list(options)[:5] == ["preset:2p", "preset:1p", "preset:3d", "ideas:2p", "ideas:1p"]
    assert options["set:bad"]["disabled"]
    preset, parameters = parameters_of(project, "set:mine")
    assert (preset, parameters.init.gSig) == ("1p", (5, 5))
    with pytest.raises(FluoriteError):
        parameters_of(project, "set:../../etc/passwd")
    with pytest.raises(ParameterError, match="there is no 'nonsense'"):
        parameters_of(project, "nonsense")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.of(Project.create(tmp_path / "project", "Runs"))


def test_a_movie_is_asked_for_once_for_every_combination(workspace: Workspace, tmp_path: Path) -> None:
    movie = tmp_path / "day1.tif"
    simulation = simulate_movie("2p", n_frames=120, height=40, width=56, n_cells=3, seed=1)
    tifffile.imwrite(movie, simulation.frames, photometric="minisblack", metadata={"axes": "TYX"})
    reading = read_form("2p", {"init.gSig": "3; 4", "init.nb": "1"})
    target = RunTarget(movie=str(movie), subject="m1", rate="12,5", engine="builtin", crop="2:40,0:50", resize=1.0)

    requests = requests_of(workspace, target, reading)

    assert [one.parameters for one in requests] == [
        {"init.nb": 1, "init.gSig": 3},
        {"init.nb": 1, "init.gSig": 4},
    ]
    assert [one.session for one in requests] == ["day1-gSig-3", "day1-gSig-4"]
    assert {(one.subject, one.movie.frame_rate_hz, one.movie.crop, one.movie.resize) for one in requests} == {
        ("m1", 12.5, "2:40,0:50", None)
    }
    opened, parameters = requests[1].open_movie()
    assert (opened.shape, parameters.init.gSig, parameters.data.fr) == ((120, 38, 50), (4, 4), 12.5)
    opened.close()


def test_the_movie_of_a_sample_gets_variants(project: Project, sample: MadeSample) -> None:
    workspace = Workspace.of(project)
    target = RunTarget(sample=sample.identifier, engine="builtin")
    requests = requests_of(workspace, target, read_form("2p", {"init.gSig": "3; 5, 6", "temporal.p": "0"}))

    assert [(one.variant_of, one.label) for one in requests] == [
        (sample.identifier, "gSig 3"),
        (sample.identifier, "gSig 5, 6"),
    ]
    assert requests[1].parameters["init.gSig"] == [5, 6]
    assert requests[1].parameters["preprocess.p"] == 0
    assert requests[1].movies == (project.movie_path(sample.identifier),), "no motion is corrected twice"
    with pytest.raises(FluoriteError, match=r"recording\.tif, which is gone"):
        requests_of(workspace, target, read_form("2p", {"motion.max_shifts": "3; 9"}))
    with pytest.raises(FluoriteError, match=r"recording\.tif, which is gone"):
        requests_of(workspace, RunTarget(sample=sample.identifier, crop="0:40,0:50"), read_form("2p", {}))


def test_nothing_starts_when_one_of_the_runs_cannot(workspace: Workspace, tmp_path: Path) -> None:
    movie = tmp_path / "day1.tif"
    tifffile.imwrite(movie, simulate_movie("2p", n_frames=120, height=40, width=56, n_cells=3, seed=1).frames)
    target = RunTarget(movie=str(movie), rate="10", engine="builtin")
    with pytest.raises(ParameterError, match=r"init.gSig: is \(22, 22\), too large"):
        start_runs(workspace, target, read_form("2p", {"init.gSig": "3; 22"}))
    assert list(workspace.project.batch_dir.iterdir()) == []


def test_runs_carry_the_name_of_who_started_them(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = tmp_path / "day1.tif"
    tifffile.imwrite(movie, simulate_movie("2p", n_frames=120, height=40, width=56, n_cells=3, seed=1).frames)
    names: list[str | None] = []
    monkeypatch.setattr("pipeline.process.submit_recording", lambda *_, actor=None: names.append(actor))
    start_runs(
        workspace,
        RunTarget(movie=str(movie), rate="10", engine="builtin"),
        read_form("2p", {"init.gSig": "3; 4"}),
        actor="Ada",
    )
    assert names == ["Ada", "Ada"]


@pytest.mark.parametrize(
    ("key", "stored", "said"),
    [
        ("quality.min_SNR", 4.0, ("min_SNR", "4")),
        ("online.min_SNR", 2.5, ("min_SNR (online mode)", "2.5")),
        ("motion.motion_correct", 0, ("motion_correct", "no")),
        ("motion.max_shifts", [6, 6], ("max_shifts", "6, 6")),
        ("init.K", None, ("K", "auto")),
        ("suite2p.tau", 1.0, ("suite2p.tau", "1")),
    ],
)
def test_a_stored_parameter_is_said_in_the_words_of_its_field(key: str, stored: object, said: tuple[str, str]) -> None:
    assert setting(key, stored) == said
    assert key not in ROWS or said[1] == text_of(value_of(said[1], ROWS[key]), ROWS[key])
