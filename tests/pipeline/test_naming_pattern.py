from __future__ import annotations

from datetime import datetime

import pytest

from nwb_schema.errors import MetadataError, MovieError
from pipeline.naming_pattern import NamingPattern


def read(pattern: str, name: str) -> dict[str, str]:
    return NamingPattern.parse(pattern, ["dose", "drug state"]).read(name).texts


@pytest.mark.parametrize(
    ("pattern", "name", "texts"),
    [
        ("{subject}_{session}", "m1_day2.tif", {"subject": "m1", "session": "day2"}),
        ("{subject}_{session}", "m1_day2.ome.tif", {"subject": "m1", "session": "day2.ome"}),
        ("{subject}_{session}.tif", "m1_day2.tif", {"subject": "m1", "session": "day2"}),
        ("{subject}/{session}", "m1/day 2.avi", {"subject": "m1", "session": "day 2"}),
        ("rec-{session}-{*}", "rec-day2-x.h5", {"session": "day2"}),
        ("{subject}_{session}_{rest}", "m1_day2_green_001.tif", {"subject": "m1", "session": "day2"}),
        ("{subject}_{dose}mg_{drug state}", "m1_2.5mg_ptz.tif", {"subject": "m1", "dose": "2.5", "drug state": "ptz"}),
        # The date's form settles what would otherwise be read in two ways.
        (
            "{subject}_{date}_{session}",
            "m_1_20260301_x_y.tif",
            {"subject": "m_1", "date": "20260301", "session": "x_y"},
        ),
    ],
)
def test_what_a_name_says(pattern: str, name: str, texts: dict[str, str]) -> None:
    assert read(pattern, name) == texts


@pytest.mark.parametrize(
    ("pattern", "name", "start"),
    [
        ("{subject}_{date}", "m1_20260301.tif", datetime(2026, 3, 1)),
        ("{subject}_{date}", "m1_2026-03-01.tif", datetime(2026, 3, 1)),
        ("{date:ddmmyy}_{subject}", "010326_m1.tif", datetime(2026, 3, 1)),
        ("{subject}_{date}T{time}", "m1_20260301T143005.tif", datetime(2026, 3, 1, 14, 30, 5)),
        ("{subject}_{date}_{time:hh.mm}", "m1_20260301_14.30.tif", datetime(2026, 3, 1, 14, 30)),
    ],
)
def test_dates_and_times(pattern: str, name: str, start: datetime) -> None:
    assert NamingPattern.parse(pattern).read(name).start == start


@pytest.mark.parametrize(
    ("pattern", "name", "why"),
    [
        ("{subject}_{session}", "m1.tif", "does not fit the pattern"),
        ("{subject}_{session}", "_day1.tif", "does not fit"),
        ("{subject}_{session}.tif", "m1_day1.avi", "does not fit"),
        ("{subject}", "m1/day1.tif", "does not fit"),
        ("{subject}_{session}", "m1_left_day1.tif", r"subject 'm1', session 'left_day1' or subject 'm1_left'"),
        ("{subject}_{date}", "m1_20260231.tif", "20260231 does not exist"),
        ("{subject}_{date}", "m1_2026\u0660301.tif", "does not fit"),
    ],
)
def test_a_name_that_says_nothing_or_several_things_is_refused(pattern: str, name: str, why: str) -> None:
    with pytest.raises(MovieError, match=why):
        read(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "1 to 200 characters"),
        ("day1.tif", "has no field"),
        ("{subject", "not closed"),
        ("{sub{ject}}", "not closed"),
        ("subject}", "without a {"),
        ("{subject}{session}", "nothing stands between"),
        ("{subject}_{subject}", "is there twice"),
        ("{subject}_{sesion}", r"Did you mean \{session\}"),
        ("{subject}_{time}", "without a {date}"),
        ("{rest}_{subject}", "not the last field"),
        ("{subject}_{date:mmdd}", "no order of date"),
        ("{subject}_{date:(a+)+}", "no order of date"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern: str, why: str) -> None:
    with pytest.raises(MetadataError, match=why):
        NamingPattern.parse(pattern)


def test_no_name_takes_long_however_often_it_could_be_read() -> None:
    # A regular expression of the same shape would try some 10^13 ways on the first name.
    pattern = NamingPattern.parse("{subject}a{session}a" + "{*}a" * 8 + "{*}b.tif")
    with pytest.raises(MovieError, match="does not fit"):
        pattern.read("a" * 250 + "c.tif")
    with pytest.raises(MovieError, match="several ways"):
        pattern.read("a" * 250 + "b.tif")
