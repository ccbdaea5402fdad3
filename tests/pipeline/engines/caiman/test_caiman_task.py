"""Every parameter of CaImAn's arrives in the file that its worker reads; no CaImAn is needed for that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.engines.caiman.task import caiman_task
from pipeline.engines.caiman.worker import OURS
from pipeline.parameters import ParameterRow, Parameters, parameter_table

SHAPE = (300, 120, 150)
# Values that follow from nothing; all others are made from type and range.
OTHERS: dict[str, Any] = {
    "gSig_range": [[3, 3], [5, 6]],
    "gSiz": [11, 13],
    "max_shifts": [4, 9],
    "strides": [40, 44],
    "overlaps": [20, 22],
    "thresh_fitness_raw": -50.0,
    "init_batch": 150,
    "gSig_filt": [3, 4],
    "rval_lowest": -0.5,
}
# What a value needs beside it.
WITH: dict[str, dict[str, Any]] = {"is3D": {}, "stride": {"rf": 30}, "init_method": {}}


def another(row: ParameterRow) -> Any:
    if row.name in OTHERS:
        return OTHERS[row.name]
    if row.choices:
        return next(choice for choice in row.choices if choice != row.default)
    if isinstance(row.default, bool):
        return not row.default
    if isinstance(row.default, list):
        return [value + 1 for value in row.default]
    if isinstance(row.default, float):
        return row.default - 0.05
    return 17 if row.default is None else row.default + 1


ROWS = [row for row in parameter_table() if "caiman" in row.honoured_by and row.name not in ("is3D", "caiman_args")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.group}.{row.name}")
def test_a_parameter_arrives(row: ParameterRow) -> None:
    value = another(row)
    assert value != row.default
    # Both groups have p, and they must agree; min_SNR and rval_thr are in two that need not.
    name = row.name if row.name == "p" else f"{row.group}.{row.name}"
    parameters = Parameters.preset("2p").updated({**WITH.get(row.name, {}), name: value})

    task, _ = caiman_task(parameters, SHAPE, 17.0)
    read = json.loads(json.dumps(task))  # as the worker reads it

    if row.name in OURS.get(row.group, ()):
        assert read[row.name] == value
    else:
        assert read["parameters"][row.group][row.name] == value


def test_volumes_and_arguments_without_a_name_arrive() -> None:
    given = {"spatial": {"dist": 3}, "ring_CNN": {"width": 5}}
    task, _ = caiman_task(Parameters.preset("3d").updated({"caiman_args": given}), (300, 60, 70, 8), 5.0)
    read = json.loads(json.dumps(task))

    assert read["is3D"] is True
    assert read["parameters"]["motion"]["is3D"] is True
    assert read["parameters"]["spatial"]["dist"] == 3
    assert read["parameters"]["spatial"]["nrgthr"] == 0.9999
    assert read["parameters"]["ring_CNN"] == {"width": 5}
    assert "extra" not in read["parameters"]
