"""Whatever a person types becomes a name that is safe, short and stable."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nwb_schema.names import clean_id, clean_text, sample_file_name, sanitise


@given(st.text())
def test_a_name_is_always_safe_and_short(spelling: str) -> None:
    name = sanitise(spelling)

    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", name)
    assert len(sample_file_name(spelling, spelling)) < 160


@given(st.text())
def test_a_name_stays_what_it_is(spelling: str) -> None:
    assert sanitise(sanitise(spelling)) == sanitise(spelling)
    assert clean_text(clean_text(spelling)) == clean_text(spelling)
    assert not set("\0/\\") & set(clean_id(spelling))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("m1", "m1"),
        ("mouse 7/left", "mouse-7-left"),
        ("Müller_2", "Muller-2"),
        ("../../etc/passwd", "etc-passwd"),
        ("--a--b--", "a-b"),
    ],
)
def test_names_stay_readable(spelling: str, name: str) -> None:
    assert sanitise(spelling) == name


def test_names_without_a_usable_letter_differ() -> None:
    names = {sanitise(spelling) for spelling in ("", "???", "!!!", "\N{MOUSE FACE}", "小鼠", "a" * 100, "a" * 101)}
    assert len(names) == 7
