from __future__ import annotations

import csv
import io

import numpy as np

from pipeline.figures.trace_table import trace_csv


def rows(*args: object, **kwargs: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(trace_csv(*args, **kwargs)))))  # type: ignore[arg-type]


def test_table_has_the_time_in_seconds_and_a_column_a_trace() -> None:
    found = rows({"a": np.array([1.5, -2.0, np.nan]), "b": np.array([0.0, 1e-9, 3.0])}, 4.0)

    assert found == [
        ["time_s", "a", "b"],
        ["0.000000", "1.5", "0"],
        ["0.250000", "-2", "1e-09"],
        ["0.500000", "", "3"],
    ]


def test_only_the_frames_in_view_are_written() -> None:
    trace = np.arange(5_000, dtype=np.float32)

    found = rows({"a": trace}, 10.0, (100.05, 250.0))

    assert (found[1], found[-1], len(found)) == (["100.100000", "1001"], ["250.000000", "2500"], 1501)
    assert rows({"a": trace}, 10.0, (900.0, 901.0)) == [["time_s", "a"]]


def test_titles_are_no_formulas_and_shorter_traces_end_earlier() -> None:
    found = rows({'=1+1,"x"': np.array([1.0, 2.0]), "b": np.array([5.0])}, 1.0)

    assert found == [["time_s", '\'=1+1,"x"', "b"], ["0.000000", "1", "5"], ["1.000000", "2", ""]]
