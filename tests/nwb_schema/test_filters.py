"""Filters mean what Mesmerize's manual says, and nothing in them is ever executed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nwb_schema.column_values import ColumnValues
from nwb_schema.errors import FilterError
from nwb_schema.filters import Column, parse_filters

COLUMNS = {
    "cell": Column("cell", "text"),
    "snr": Column("snr", "number"),
    "index": Column("index", "number"),
    "accepted": Column("accepted", "flag"),
}
ROWS = [
    (1, "pr1", 1.5, True),
    (2, "palp", 2.0, False),
    (3, "Aten", 3.1415927410125732, True),
    (4, "100%_x", -4.0, None),
    (5, None, None, False),
    (6, "MÜLLER", 2.5e3, True),
]


KINDS = {name: column.kind for name, column in COLUMNS.items()}
TABLE = {
    name: ColumnValues.of(KINDS[name], [row[place] for row in ROWS])
    for place, name in enumerate(("index", "cell", "snr", "accepted"))
}


def matching(*filters: tuple[str, str]) -> list[int]:
    kept = np.ones(len(ROWS), bool)
    for condition in parse_filters(filters, COLUMNS):
        kept &= condition.mask(TABLE[condition.column.name])
    return [row[0] for row, keep in zip(ROWS, kept, strict=True) if keep]


@pytest.mark.parametrize(
    ("column", "expression", "expected"),
    [
        ("cell", "aten", [3]),
        ("cell", "p", [1, 2]),
        ("cell", "pr|alp", [1, 2]),
        ("cell", "", [1, 2, 3, 4, 5, 6]),
        ("cell", "p.*", []),
        ("cell", "%", [4]),
        ("cell", "_", [4]),
        ("cell", "müll", [6]),
        ("cell", "$NOT:p", [3, 4, 5, 6]),
        ("cell", "$NOT:pr|aten", [2, 4, 5, 6]),
        ("cell", "$STR:PALP", [2]),
        ("cell", "$STR=:palp", [2]),
        ("cell", "$STR=:Palp", []),
        ("cell", "$STR=:palp|pr1", [1, 2]),
        ("cell", "$STR!=:palp", [1, 3, 4, 5, 6]),
        ("cell", "$STR=:", [5]),
        ("snr", "2", [2]),
        ("snr", "2.0|1.5", [1, 2]),
        ("snr", "3.141593", [3]),
        ("snr", "2.5e3", [6]),
        ("snr", "$NOT:2", [1, 3, 4, 5, 6]),
        ("snr", "$>:2", [3, 6]),
        ("snr", "$>=:2", [2, 3, 6]),
        ("snr", "$<:2", [1, 4]),
        ("snr", "$<=:2", [1, 2, 4]),
        ("snr", "$STR:3.14", [3]),
        ("snr", "$STR=:2", [2]),
        ("snr", "$STR!=:2", [1, 3, 4, 5, 6]),
        ("index", "$>:4", [5, 6]),
        ("accepted", "yes", [1, 3, 6]),
        ("accepted", "No", [2, 5]),
        ("accepted", "$NOT:yes", [2, 4, 5]),
        ("accepted", "yes|no", [1, 2, 3, 5, 6]),
    ],
)
def test_an_expression_keeps_these_rows(column: str, expression: str, expected: list[int]) -> None:
    assert matching((column, expression)) == expected


def test_several_filters_have_to_hold_together() -> None:
    assert matching(("snr", "$>:1"), ("snr", "$<:3"), ("accepted", "yes")) == [1]
    assert parse_filters(None, COLUMNS) == parse_filters({"cell": " "}, COLUMNS) == []


@pytest.mark.parametrize(
    ("column", "expression", "cause"),
    [
        ("snr", "high", "is not a number"),
        ("snr", "$>:1|2", "takes one number"),
        ("snr", "nan", "is not a number"),
        ("snr", "$>:inf", "is not a number"),
        ("snr", "1e999", "is not a number"),
        ("cell", "$>:3", "compares numbers"),
        ("accepted", "maybe", "neither yes nor no"),
        ("cell", "$NOTE:x", "unknown modifier"),
        ("snrr", "1", "no such column"),
        ("cell", "x\0y", "control characters"),
        ("cell", "\ud800", "control characters"),
    ],
)
def test_what_a_column_cannot_take_is_refused(column: str, expression: str, cause: str) -> None:
    with pytest.raises(FilterError, match=cause):
        parse_filters({column: expression}, COLUMNS)


def test_a_misspelt_column_is_recognised() -> None:
    with pytest.raises(FilterError, match="Did you mean accepted"):
        parse_filters({"acepted": "yes"}, COLUMNS)


@pytest.mark.parametrize(
    "attack",
    [
        "@pd.io.common.os.system('touch hacked')",
        "'; DROP TABLE t; --",
        '" OR 1=1 --',
        "x' OR 'a'='a",
        "\\",
        "%' ESCAPE 'x",
    ],
)
def test_attacks_are_only_text(attack: str) -> None:
    for modifier in ("", "$NOT:", "$STR=:", "$STR!=:"):
        kept = matching(("cell", modifier + attack))
        assert kept in ([], [1, 2, 3, 4, 5, 6])
    with pytest.raises(FilterError):
        parse_filters({attack: "x"}, COLUMNS)
    assert len(matching()) == len(ROWS)


@given(expression=st.text(), column=st.sampled_from(sorted(COLUMNS)))
def test_any_text_is_a_filter_or_a_clear_error(expression: str, column: str) -> None:
    try:
        parse_filters({column: expression}, COLUMNS)
    except FilterError:
        return
    assert set(matching((column, expression))) <= {1, 2, 3, 4, 5, 6}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="|"), min_size=1))
def test_a_text_contains_itself(text: str) -> None:
    (condition,) = parse_filters({"cell": f"$STR:{text}"}, COLUMNS)
    assert condition.mask(ColumnValues.texts([text, "", None])).tolist() == [True, False, False]
