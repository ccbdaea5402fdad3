"""Parameters: CaImAn's names, in groups or flat, with errors that name the parameter and the way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nwb_schema.errors import ParameterError
from pipeline.engines.builtin.checks import NEEDS
from pipeline.parameters import Parameters, load_parameters, parameter_table
from pipeline.parameters.document import parameters_markdown
from pipeline.parameters.parameters import layered


def test_flat_dotted_and_grouped_names_mean_the_same() -> None:
    base = Parameters.preset("2p")
    flat = base.updated({"gSig": 5})
    assert flat.init.gSig == (5, 5)
    assert flat == base.updated({"init": {"gSig": [5, 5]}}) == base.updated({"init.gSig": 5})


def test_a_flat_name_that_is_in_two_groups_sets_both() -> None:
    changed = Parameters.preset("2p").updated({"p": 0})
    assert (changed.preprocess.p, changed.temporal.p) == (0, 0)


def test_auto_means_automatic() -> None:
    assert Parameters.preset("2p").updated({"K": 12}).updated({"K": "auto"}).init.K is None


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"gSigg": 3}, "'gSigg' is not a parameter. Did you mean 'gSig'?"),
        ({"init": {"gsig": 3}}, "'init.gsig' is not a parameter. Did you mean 'gSig'?"),
        ({"init": 3}, "'init' is a group of parameters"),
        ({"K": -1}, "init.K is -1, outside the allowed range >= 0"),
        ({"K": True}, "init.K is True"),
        ({"K": 2.5}, "init.K is 2.5"),
        ({"gSig": [3, 0]}, "init.gSig is (3, 0), outside the allowed range 1 to 100"),
        ({"gSig": "wide"}, "init.gSig is 'wide'"),
        ({"decay_time": 0}, "data.decay_time is 0.0, outside the allowed range > 0"),
        ({"min_SNR": float("nan")}, "quality.min_SNR is nan"),
        ({"border_nan": "mirror"}, "motion.border_nan is 'mirror'"),
        ({"rf": 10, "stride": 20}, "patch.stride is 20, but patches are only 20 pixels wide"),
        ({"rf": 5, "gSig": 7}, "init.gSig is (7, 7), larger than a patch"),
        ({"gSig": 6, "gSiz": 3}, "init.gSiz is (3, 3), smaller than gSig"),
        ({"preprocess": {"p": 0}}, "temporal.p is 1, but preprocess.p is 0"),
        ({"gSig_range": [3, 0]}, "quality.gSig_range is ((3, 3), (0, 0)), outside the allowed range 1 to 100"),
        ({"caiman_args": {"spatal": {"dist": 3}}}, "names 'spatal', which is no group of CaImAn's"),
        ({"caiman_args": {"init": {"K": 3}}}, "extra.caiman_args names init.K, which is a parameter of its own"),
        ({"caiman_args": {"data": {"fnames": ["a"]}}}, "names data.fnames, which says what movie is worked on"),
        ({"caiman_args": "print(1)"}, "extra.caiman_args is 'print(1)'"),
        ({"ring_CNN": {"width": 5}}, "what only CaImAn knows goes into caiman_args"),
    ],
)
def test_what_cannot_work_is_refused_by_name(overrides: dict[str, object], expected: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        Parameters.preset("2p").updated(overrides)
    assert expected in str(refusal.value)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ParameterError, match="'4p' is not a preset"):
        Parameters.preset("4p")


@pytest.mark.parametrize("preset", ["2p", "1p", "3d"])
def test_a_preset_survives_json_and_keeps_its_digest(preset: str, tmp_path: Path) -> None:
    parameters = Parameters.preset(preset)
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(parameters.to_dict()), encoding="utf-8")
    again = load_parameters(path)
    assert again == parameters
    assert again.sha256() == parameters.sha256()
    assert parameters.updated({"min_SNR": 2.25}).sha256() != parameters.sha256()


def test_presets_follow_the_field() -> None:
    one, two, three = (Parameters.preset(name) for name in ("1p", "2p", "3d"))
    assert (one.init.method_init, one.init.nb, one.motion.gSig_filt) == ("corr_pnr", 0, (3, 3))
    assert (two.init.method_init, two.init.K, two.init.gSig) == ("greedy_roi", None, (4, 4))
    assert three.motion.is3D
    assert not two.motion.is3D


@pytest.mark.parametrize(
    ("content", "cause"), [("{", "is not JSON"), ("[1]", "holds no JSON object"), (None, "cannot be read as text")]
)
def test_a_bad_file_is_named(content: str | None, cause: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ParameterError, match=cause) as refusal:
        load_parameters(path)
    assert refusal.value.file == str(path)


def test_arguments_that_only_caiman_knows_are_kept_as_json() -> None:
    given = {"spatial": {"method_exp": "dilate", "dist": 3}, "ring_CNN": {"width": 5}}
    parameters = Parameters.preset("2p").updated({"caiman_args": given})
    assert parameters.to_dict()["extra"] == {"caiman_args": given}
    assert parameters.sha256() != Parameters.preset("2p").sha256()


def test_a_file_wins_over_what_a_person_set_only_where_told_to() -> None:
    file = {"init": {"gSig": [3, 3], "K": 12}, "min_corr": 0.9}
    said = {"gSig": 6, "rf": 20}
    kept = layered(said, file, file_wins=False)
    assert kept == {"init.gSig": 6, "init.K": 12, "init.min_corr": 0.9, "patch.rf": 20}
    assert layered(said, file, file_wins=True) == {**kept, "init.gSig": [3, 3]}
    with pytest.raises(ParameterError, match="'gsig' is not a parameter"):
        layered({}, {"gsig": 3}, file_wins=True, source="theirs.json")


def test_differences_are_told_by_name_and_value() -> None:
    preset = Parameters.preset("1p")
    changed = preset.updated({"gSig": 4, "min_pnr": 8})
    assert changed.differences(preset) == {"init.gSig": ([4, 4], [3, 3]), "init.min_pnr": (8.0, 6.0)}
    assert [Parameters.preset(name).nearest_preset() for name in ("2p", "1p", "3d")] == ["2p", "1p", "3d"]


def test_the_table_documents_every_parameter() -> None:
    rows = parameter_table("1p")
    dumped = Parameters.preset("1p").to_dict()
    assert {(row.group, row.name) for row in rows} == {(group, name) for group in dumped for name in dumped[group]}
    for row in rows:
        assert row.help.endswith(".")
        assert row.type
        assert set(row.honoured_by) <= {"caiman", "builtin", "online"}
        assert row.honoured_by
        assert row.modes
        assert set(row.modes) <= {"2p", "1p", "3d", "online"}
        assert row.source in ("CaImAn", "Fluorite")
        assert row.default == dumped[row.group][row.name]
    by_name = {row.name: row for row in rows}
    assert (by_name["gSig"].unit, by_name["gSig"].range, by_name["gSig"].type) == (
        "px",
        "1 to 100",
        "pair of integers (three for volumes)",
    )
    assert by_name["K"].type == "integer or automatic"
    assert by_name["method_init"].range == "greedy_roi, corr_pnr, sparse_nmf"
    assert (by_name["min_pnr"].modes, by_name["rolling_sum"].modes) == (("1p",), ("2p", "3d", "online"))
    assert (by_name["refit"].source, by_name["gSig_range"].type) == (
        "Fluorite",
        "list of pairs of integers or automatic",
    )
    assert by_name["caiman_args"].type == "JSON object"


def test_what_needs_a_method_is_listed_for_its_recordings_alone() -> None:
    rows = {f"{row.group}.{row.name}": row for row in parameter_table()}
    for name, needs, _ in NEEDS:
        if needs == "corr_pnr":
            assert rows[name].modes == ("1p",), name
        if needs == "greedy_roi":
            assert "1p" not in rows[name].modes or name == "init.ssub", name


def test_the_reference_is_the_model() -> None:
    page = (Path(__file__).parents[3] / "docs" / "parameters.md").read_text(encoding="utf-8")
    generated = page.split("<!-- generated: fluorite params --markdown -->\n", 1)[1]
    assert generated.strip() == parameters_markdown().strip()
