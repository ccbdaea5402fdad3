from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nwb_schema.edits.fields import SESSION_START, check_field
from nwb_schema.moments import date_text, moment_text, parse_moment

# NWB and Python have zones to the minute.
_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=_ZONES))
def test_what_is_shown_can_be_typed_again_and_means_the_same_second(moment: datetime) -> None:
    assert parse_moment(moment_text(moment)) == moment.replace(microsecond=0)


@given(st.datetimes(timezones=_ZONES))
def test_iso_8601_stays_readable(moment: datetime) -> None:
    assert parse_moment(moment.isoformat()) == moment


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2026-03-01", "2026-03-01T00:00:00"),
        ("2026-03-01 14:30", "2026-03-01T14:30:00"),
        (" 2026-03-01 14:30Z ", "2026-03-01T14:30:00+00:00"),
        ("2026-03-01 14:30 utc", "2026-03-01T14:30:00+00:00"),
        ("2026-03-01 14:30:05 +0100", "2026-03-01T14:30:05+01:00"),
        ("2026-03-01 14:30 GMT-05:30", "2026-03-01T14:30:00-05:30"),
    ],
)
def test_people_write_zones_in_several_ways(written: str, iso: str) -> None:
    assert parse_moment(written).isoformat() == iso


@pytest.mark.parametrize("written", ["", "yesterday", "2026-03-01 14:30 CET", "2026-13-01", "14:30 UTC"])
def test_what_is_no_date_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ValueError, match="is written as 2026-03-01 14:30"):
        parse_moment(written)


def test_only_what_is_known_is_shown() -> None:
    assert moment_text(datetime(2026, 3, 1, 14, 30, 0, 826852)) == "2026-03-01 14:30"
    assert moment_text(parse_moment("2026-11-21T18:16:27.826852+00:00")) == "2026-11-21 18:16:27 UTC"
    assert date_text(parse_moment("2026-01-15T00:00:00+01:00")) == "2026-01-15"
    assert date_text(parse_moment("2026-01-15T08:00:00+01:00")) == "2026-01-15 08:00 UTC+01:00"


def test_start_of_a_session_takes_what_a_page_shows() -> None:
    assert check_field(SESSION_START, "2026-03-01 14:30 UTC+01:00") == "2026-03-01T14:30:00+01:00"
