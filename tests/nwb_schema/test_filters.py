"""Filters mean what Mesmerize's manual says, and nothing in them is ever executed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nwb_schema.errors import FilterError
from nwb_schema.filters import Column, compile_filters

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


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.create_function("casefold", 1, str.casefold, deterministic=True)
    db.execute('CREATE TABLE t ("index", cell, snr, accepted)')
    db.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", ROWS)
    yield db
    db.close()


def matching(db: sqlite3.Connection, *filters: tuple[str, str]) -> list[int]:
    where, parameters = compile_filters(filters, COLUMNS)
    return [row[0] for row in db.execute(f'SELECT "index" FROM t WHERE {where} ORDER BY 1', parameters)]


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
def test_an_expression_keeps_these_rows(
    table: sqlite3.Connection, column: str, expression: str, expected: list[int]
) -> None:
    assert matching(table, (column, expression)) == expected


def test_several_filters_have_to_hold_together(table: sqlite3.Connection) -> None:
    assert matching(table, ("snr", "$>:1"), ("snr", "$<:3"), ("accepted", "yes")) == [1]
    assert compile_filters(None, COLUMNS) == ("1", [])
    assert compile_filters({"cell": "p"}, COLUMNS)[1] == ["%p%"]


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
        compile_filters({column: expression}, COLUMNS)


def test_a_misspelt_column_is_recognised() -> None:
    with pytest.raises(FilterError, match="Did you mean accepted"):
        compile_filters({"acepted": "yes"}, COLUMNS)


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
def test_attacks_are_only_text(table: sqlite3.Connection, attack: str) -> None:
    for modifier in ("", "$NOT:", "$STR=:", "$STR!=:"):
        kept = matching(table, ("cell", modifier + attack))
        assert kept in ([], [1, 2, 3, 4, 5, 6])
    with pytest.raises(FilterError):
        compile_filters({attack: "x"}, COLUMNS)
    assert len(matching(table)) == len(ROWS)


@given(expression=st.text(), column=st.sampled_from(sorted(COLUMNS)))
def test_any_text_is_a_filter_or_a_clear_error(table: sqlite3.Connection, expression: str, column: str) -> None:
    try:
        sql, parameters = compile_filters({column: expression}, COLUMNS)
    except FilterError:
        return
    assert sql.count("?") == len(parameters)
    assert set(matching(table, (column, expression))) <= {1, 2, 3, 4, 5, 6}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="|"), min_size=1))
def test_a_text_contains_itself(table: sqlite3.Connection, text: str) -> None:
    where, parameters = compile_filters({"cell": f"$STR:{text}"}, COLUMNS)
    row = table.execute(f"SELECT count(*) FROM (SELECT ? AS cell) WHERE {where}", [text, *parameters])
    assert row.fetchone()[0] == 1
