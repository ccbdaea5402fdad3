"""Dates and times as people write and read them; files hold them in ISO 8601."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

_ZONE = re.compile(r"\s*(?:UTC|GMT)?\s*(?P<offset>[+-]\d{2}:?\d{2})$|\s*(?:UTC|GMT|Z)$", re.IGNORECASE)


def parse_moment(text: str) -> datetime:
    """A date and time in ISO 8601, or as `moment_text` writes them; without a zone where none was written.

    Examples
    --------
    >>> parse_moment("2026-03-01 14:30 UTC+01:00").isoformat()
    '2026-03-01T14:30:00+01:00'

    Raises
    ------
    ValueError
        When it is neither.
    """
    written = text.strip()
    # A date has a sign of its own, so a zone is looked for only behind a time.
    zone = _ZONE.search(written) if ":" in written else None
    iso = written if zone is None else f"{written[: zone.start()]}{zone['offset'] or '+00:00'}"
    try:
        return datetime.fromisoformat(iso)
    except ValueError:
        raise ValueError("a date and time is written as 2026-03-01 14:30, or with its zone: UTC+01:00") from None


def moment_text(moment: datetime) -> str:
    """``2026-03-01 14:30 UTC+01:00``: to the second where it is not a full minute, and never finer."""
    local = moment.replace(tzinfo=None)
    written = local.isoformat(sep=" ", timespec="seconds" if local.second else "minutes")
    offset = moment.utcoffset()
    if offset is None:
        return written
    if not offset:
        return f"{written} UTC"
    sign, rest = ("-", -offset) if offset < timedelta(0) else ("+", offset)
    minutes = round(rest / timedelta(minutes=1))
    return f"{written} UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def date_text(moment: datetime) -> str:
    """A date alone where it is one, as of a birth: ``2026-01-15``."""
    return date.isoformat(moment.date()) if moment.time() == time() else moment_text(moment)
