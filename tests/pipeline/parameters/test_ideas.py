"""Whoever comes from Inscopix's IDEAS workflow finds its table, and both of its sample files, again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nwb_schema.errors import ParameterError
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.caiman.task import caiman_task
from pipeline.parameters import Parameters, load_parameters, parameter_table
from pipeline.parameters.ideas import FLAWS, IDEAS_DEFAULTS, ideas_parameters
from tests.pipeline.array_movie import ArrayMovie

HERE = Path(__file__).parent
PAGE = HERE.parents[2].parent / "shared" / "seeds" / "ideas-caiman-workflow.txt"


def movie(rate_hz: float) -> ArrayMovie:
    return ArrayMovie(np.broadcast_to(np.uint16(3), (150, 160, 190)), rate_hz=rate_hz)


def test_every_row_of_the_table_is_a_parameter_and_its_default_is_allowed() -> None:
    rows = {row.name: row for row in parameter_table() if row.group != "online"}
    assert set(IDEAS_DEFAULTS) <= set(rows)
    for name, default in IDEAS_DEFAULTS.items():
        base = Parameters.preset("1p" if IDEAS_DEFAULTS["method_init"] == "corr_pnr" else "2p")
        changed = base.updated({f"{rows[name].group}.{name}" if name != "p" else name: default})
        assert getattr(changed, rows[name].group) is not None
        assert rows[name].is_ideas
        assert rows[name].ideas == default
    assert set(FLAWS) <= set(IDEAS_DEFAULTS)


@pytest.mark.skipif(not PAGE.is_file(), reason="../shared is not there")
def test_no_row_of_the_page_is_missing() -> None:
    lines = PAGE.read_text(encoding="utf-8").split("Parameter Required? Default Description")[1].splitlines()
    table = [line.split(maxsplit=3) for line in lines]
    rows = {words[0]: words[2] for words in table if len(words) == 4 and words[1] in ("True", "False")}
    assert set(rows) - {"Movie(s)"} == set(IDEAS_DEFAULTS)
    for name, default in IDEAS_DEFAULTS.items():
        assert rows[name] == ("N/A" if default is None else str(default)) or float(rows[name]) == default, name


@pytest.mark.parametrize(("column", "rate_hz"), [("1p", 10.0), ("2p", 30.0)])
def test_both_sample_files_load_and_both_engines_take_them(column: str, rate_hz: float) -> None:
    parameters = load_parameters(HERE / f"ideas_{column}.json", preset=column)

    assert parameters.nearest_preset() == column
    assert parameters.data.fr == rate_hz
    BuiltinEngine().check(parameters, movie(rate_hz))
    task, _ = caiman_task(parameters, (150, 160, 190), rate_hz)
    assert task["parameters"]["init"]["method_init"] == parameters.init.method_init
    assert task["parameters"]["data"]["fr"] == rate_hz


@pytest.mark.parametrize("column", ["1p", "2p"])
def test_the_columns_of_the_page_run_as_they_are(column: str) -> None:
    parameters = ideas_parameters(column)
    BuiltinEngine().check(parameters, movie(15.0))
    assert parameters.init.gSig == (3, 3)
    assert parameters.nearest_preset() == column


def test_volumes_have_no_column() -> None:
    with pytest.raises(ParameterError, match="no values for 3d"):
        ideas_parameters("3d")


def test_automatic_values_are_those_of_the_page() -> None:
    auto = Parameters.preset("2p").updated({"fr": "auto", "K": "auto", "n_processes": "auto", "gSig_range": "auto"})
    assert (auto.data.fr, auto.init.K, auto.patch.n_processes, auto.quality.gSig_range) == (None, None, None, None)


def test_the_spelling_of_the_page_is_understood() -> None:
    assert Parameters.preset("2p").updated({"method_init": "sparse_NMF"}).init.method_init == "sparse_nmf"
    sizes = Parameters.preset("2p").updated({"gSig_range": [3, [4, 5]]}).quality.gSig_range
    assert sizes == ((3, 3), (4, 5))
