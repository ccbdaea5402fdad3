"""Pickles are read as data: the same values come out, and nothing of the file is ever run."""

from __future__ import annotations

import os
import pickle
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nwb_schema.errors import ResultsError
from pipeline.foreign.pickled_values import NotData, Unread, read_pickle_as_data, read_pickled_npy

PROTOCOLS = range(2, 6)
LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
TREE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner, inner, inner),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(tree=TREE, protocol=st.sampled_from(PROTOCOLS))
def test_whatever_is_built_of_plain_values_comes_back_equal(tree: Any, protocol: int) -> None:
    assert read_pickle_as_data(pickle.dumps(tree, protocol)) == tree


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int32).reshape(2, 3),
        np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
        np.arange(5, dtype=">i2"),
        np.array([True, False]),
        np.array(["a", "\u00e4bc"]),
        np.zeros((0, 4), np.float64),
        np.float32(0.25),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_come_back_with_their_type_and_order(array: Any, protocol: int) -> None:
    twice = read_pickle_as_data(pickle.dumps({"a": array, "b": [array]}, protocol))

    for found in (twice["a"], twice["b"][0]):
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


class _Runs:
    """What an attacker puts into a file."""

    def __init__(self, path: Path) -> None:
        self._command = f"touch {path}"

    def __reduce__(self) -> Any:
        return os.system, (self._command,)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_of_the_file_is_run(tmp_path: Path, protocol: int) -> None:
    content = pickle.dumps({"before": 1, "evil": _Runs(tmp_path / "pwned"), "after": [2]}, protocol)

    found = read_pickle_as_data(content)

    assert not (tmp_path / "pwned").exists()
    assert isinstance(found["evil"], Unread)
    assert "system" in found["evil"].name
    assert (found["before"], found["after"]) == (1, [2])


def test_objects_of_other_classes_are_left_out_and_their_neighbours_read() -> None:
    found = read_pickle_as_data(pickle.dumps({"path": PurePosixPath("/a"), "day": date(2026, 1, 2), "n": 3}))

    assert found["n"] == 3
    assert isinstance(found["path"], Unread)
    assert found["day"] == Unread("datetime date")


def test_an_object_array_comes_as_a_list_and_one_without_axes_as_its_item(tmp_path: Path) -> None:
    np.save(tmp_path / "list.npy", np.array([{"a": 1}, {"b": np.arange(3)}], dtype=object))
    np.save(tmp_path / "one.npy", np.array({"fs": 7.5}, dtype=object))

    first, second = read_pickled_npy(tmp_path / "list.npy")
    assert first == {"a": 1}
    np.testing.assert_array_equal(second["b"], [0, 1, 2])
    assert read_pickled_npy(tmp_path / "one.npy") == {"fs": 7.5}


def test_a_file_that_was_cut_off_or_is_of_something_else_is_named(tmp_path: Path) -> None:
    whole = tmp_path / "whole.npy"
    np.save(whole, np.array([{"a": np.arange(100)}], dtype=object))
    for name, content in {"cut.npy": whole.read_bytes()[:-20], "text.npy": b"hello", "none.npy": b""}.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ResultsError, match=name):
            read_pickled_npy(path)
    np.save(tmp_path / "numbers.npy", np.arange(3))
    with pytest.raises(ResultsError, match="not the objects"):
        read_pickled_npy(tmp_path / "numbers.npy")


@pytest.mark.parametrize(
    "content",
    [
        b".",
        b"Vtext\nQ.",  # a reference that only a program could resolve
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00h\x05.",
        b"(lp0\nI1\n",
    ],
)
def test_pickles_that_break_their_own_rules_are_refused(content: bytes) -> None:
    with pytest.raises(NotData):
        read_pickle_as_data(content)
