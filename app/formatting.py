"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

ABSENT = "\u2013"  # an en dash


def duration(seconds: float | None) -> str:
    """``45 s``, ``1:20 min`` or ``2:05:10 h``."""
    if seconds is None:
        return ABSENT
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.3g} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"


def number(value: float | None, digits: int = 4) -> str:
    """A number with at most `digits` significant digits."""
    return ABSENT if value is None else f"{value:.{digits}g}"


def frame_size(height: int, width: int) -> str:
    """``320 x 160 px``, height first as everywhere here, with a proper multiplication sign."""
    return f"{height} \u00d7 {width} px"


def moment(when: datetime | str | None) -> str:
    """A date and time to the minute, in the time zone that it was recorded in."""
    if when is None:
        return ABSENT
    try:
        parsed = datetime.fromisoformat(when) if isinstance(when, str) else when
    except ValueError:
        return str(when)
    return parsed.strftime("%Y-%m-%d %H:%M")


def clock_time(seconds_since_epoch: float | None) -> str:
    """A moment of the job ledger, in this computer's time zone."""
    if seconds_since_epoch is None:
        return ABSENT
    return datetime.fromtimestamp(seconds_since_epoch, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def count(value: int, noun: str) -> str:
    """``1 cell``, ``2 cells``."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def local_moment(utc: str) -> str:
    """A moment in ISO 8601, in this computer's time zone: when somebody here did something."""
    try:
        return datetime.fromisoformat(utc).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return utc
