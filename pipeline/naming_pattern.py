"""Patterns that read subject, session and more from the names of files: ``{subject}_{session}_{date}.tif``.

A pattern is text with fields in braces. It is no regular expression: how many ways there are to read a name is counted,
position by position, in a time that grows with the square of the name's length at worst, and a name that can be read in
two ways is refused instead of being read in the one or the other.

>>> NamingPattern.parse("{subject}_{session}_{date}").read("m1_day2_20260301.tif").texts
{'subject': 'm1', 'session': 'day2', 'date': '20260301'}
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nwb_schema.errors import MetadataError, MovieError
from pipeline.movies import SUPPORTED_EXTENSIONS

IGNORED = "*"
"""The field whose text is of no interest; the only one that may be there more than once."""

REST = "rest"
"""The last field, of no interest either: with it, the fields before it end as early as they can."""

_OWN = ("subject", "session", "date", "time", IGNORED, REST)
_WITHOUT_MEANING = (IGNORED, REST)
_DATES = ("yyyymmdd", "yyyy-mm-dd", "yyyy_mm_dd", "yyyy.mm.dd")
_TIMES = ("hhmmss", "hh-mm-ss", "hh.mm.ss", "hhmm", "hh-mm", "hh.mm")
_LONGEST_PATTERN = 200
_MOST_FIELDS = 12
_LONGEST_NAME = 300
_SHOWN_READINGS = 2


@dataclass(frozen=True)
class _Part:
    """One part of a pattern: literal text, or a field (then `formats` are the only forms that it takes, if any)."""

    text: str
    is_field: bool
    formats: tuple[str, ...] = ()

    def starts(self, name: str, end: int) -> Iterable[int]:
        """Where a text of this part that ends at `end` can start in `name`."""
        if not self.is_field:
            return (end - len(self.text),) if name[:end].endswith(self.text) else ()
        if not self.formats:
            return range(name.rfind("/", 0, end) + 1, end)
        found = [(end - len(form), form) for form in self.formats if len(form) <= end]
        return [start for start, form in found if _fits(name[start:end], form)]


@dataclass(frozen=True)
class Reading:
    """What a pattern read from a name.

    Attributes
    ----------
    texts
        Text of every field by its name.
    start
        Date and time, where the pattern has a date.
    """

    texts: dict[str, str]
    start: datetime | None = None


@dataclass(frozen=True)
class NamingPattern:
    """A pattern, parsed and checked; make one with `parse`."""

    text: str
    parts: tuple[_Part, ...]

    @classmethod
    def parse(cls, text: str, columns: Collection[str] = ()) -> NamingPattern:
        """The pattern that somebody typed.

        Parameters
        ----------
        columns
            Names of the project's custom columns, which may be fields as well.

        Raises
        ------
        MetadataError
            When a brace has no partner, a field is unknown or there twice, or two fields touch each other.
        """
        typed = text.strip().replace("\\", "/").strip("/")
        if not typed or len(typed) > _LONGEST_PATTERN:
            raise _wrong(text, f"it has to have 1 to {_LONGEST_PATTERN} characters")
        parts = tuple(_parts(typed, columns))
        fields = [part.text for part in parts if part.is_field]
        if not fields:
            raise _wrong(text, "it has no field")
        if len(fields) > _MOST_FIELDS:
            raise _wrong(text, f"it has more than {_MOST_FIELDS} fields")
        for name in fields:
            if name != IGNORED and fields.count(name) > 1:
                raise _wrong(text, f"{{{name}}} is there twice")
        if "time" in fields and "date" not in fields:
            raise _wrong(text, "it has a {time} without a {date}")
        if REST in fields[:-1]:
            raise _wrong(text, "{rest} is not the last field")
        for one, other in itertools.pairwise(parts):
            if one.is_field and other.is_field:
                raise _wrong(text, f"nothing stands between {{{one.text}}} and {{{other.text}}}")
        return cls(typed, parts)

    @property
    def depth(self) -> int:
        """How many folders the pattern goes down."""
        return self.text.count("/")

    @property
    def fields(self) -> tuple[str, ...]:
        """Its fields, in order, without what is ignored."""
        return tuple(part.text for part in self.parts if part.is_field and part.text not in _WITHOUT_MEANING)

    @property
    def names_ending(self) -> bool:
        """Whether it says how the files' names end."""
        return self.text.lower().endswith(SUPPORTED_EXTENSIONS)

    def read(self, name: str) -> Reading:
        """What the pattern reads from a name, which may have folders in front of it (``m1/day2.tif``).

        Raises
        ------
        MovieError
            When the name does not fit, can be read in several ways, or its date does not exist.
        """
        plain = name if self.names_ending else name[: -len(Path(name).suffix)] if Path(name).suffix else name
        if len(plain) > _LONGEST_NAME:
            raise MovieError(name, f"has a name of more than {_LONGEST_NAME} characters", "Shorten it.")
        readings = self._readings(plain)
        if not readings:
            raise MovieError(name, f"does not fit the pattern {self.text}", "Rename it, or change the pattern.")
        if len(readings) > 1 and REST not in (part.text for part in self.parts if part.is_field):
            ways = " or ".join(_in_words(self.parts, reading) for reading in readings[:_SHOWN_READINGS])
            raise MovieError(
                name,
                f"can be read in several ways: {ways}",
                "Rename it, write more of it into the pattern, or end it in {rest}.",
            )
        texts = readings[0]
        found = {
            part.text: text
            for part, text in zip((part for part in self.parts if part.is_field), texts, strict=True)
            if part.text not in _WITHOUT_MEANING
        }
        return Reading(found, self._start(name, found))

    def _readings(self, name: str) -> list[tuple[str, ...]]:
        """Up to two ways to read `name`: the texts of the fields in order, those first that end early.

        ``possible[i]`` are the places from which the parts from number i on can be read to the end. Known from the
        back, they leave no dead end for the walk from the front, so that takes no longer than what it finds.
        """
        possible: list[set[int]] = [set() for _ in self.parts] + [{len(name)}]
        for number in range(len(self.parts) - 1, -1, -1):
            for end in possible[number + 1]:
                possible[number].update(self.parts[number].starts(name, end))
        if 0 not in possible[0]:
            return []
        found: list[tuple[str, ...]] = []
        self._walk(name, 0, 0, (), possible, found)
        return found

    def _walk(
        self,
        name: str,
        number: int,
        place: int,
        texts: tuple[str, ...],
        possible: list[set[int]],
        found: list[tuple[str, ...]],
    ) -> None:
        if len(found) >= _SHOWN_READINGS:
            return
        if number == len(self.parts):
            found.append(texts)
            return
        part = self.parts[number]
        for end in sorted(possible[number + 1]):
            if place in part.starts(name, end):
                read = (*texts, name[place:end]) if part.is_field else texts
                self._walk(name, number + 1, end, read, possible, found)

    def _start(self, name: str, found: dict[str, str]) -> datetime | None:
        if "date" not in found:
            return None
        formats = {part.text: part.formats for part in self.parts if part.is_field}
        numbers = _numbers(found["date"], formats["date"])
        clock = _numbers(found["time"], formats["time"]) if "time" in found else {}
        year = numbers["y"] + (2000 if numbers["y"] < 100 else 0)
        try:
            return datetime(year, numbers["m"], numbers["d"], clock.get("h", 0), clock.get("m", 0), clock.get("s", 0))
        except ValueError:
            shown = " ".join(found[field] for field in ("date", "time") if field in found)
            raise MovieError(
                name, f"its date {shown} does not exist", "Rename it, or say its order, as in {date:ddmmyyyy}."
            ) from None


def _parts(text: str, columns: Collection[str]) -> Iterator[_Part]:
    place = 0
    while place < len(text):
        opened = text.find("{", place)
        literal = text[place:] if opened < 0 else text[place:opened]
        if "}" in literal:
            raise _wrong(text, "a } stands without a {")
        if literal:
            yield _Part(literal, False)
        if opened < 0:
            return
        closed = text.find("}", opened)
        inner = text[opened + 1 : closed]
        if closed < 0 or "{" in inner:
            raise _wrong(text, "a { is not closed")
        yield _field(text, inner.strip(), columns)
        place = closed + 1


def _field(text: str, inner: str, columns: Collection[str]) -> _Part:
    name, colon, form = inner.partition(":")
    name, form = name.strip(), form.strip().lower()
    if name in ("date", "time"):
        letters = "ymd" if name == "date" else "hms"
        counts = [form.count(letter) for letter in letters]
        if colon and not (set(form) <= {*letters, *"-_."} and counts[0] in (2, 4) and set(counts[1:]) <= {0, 2}):
            raise _wrong(text, f"{{{inner}}} is no order of {name}")
        if colon and name == "date" and not all(letter in form for letter in letters):
            raise _wrong(text, f"{{{inner}}} does not have year, month and day")
        return _Part(name, True, (form,) if colon else _DATES if name == "date" else _TIMES)
    known = (*_OWN, *columns)
    if inner in known:
        return _Part(inner, True)
    close = difflib.get_close_matches(inner, known, n=1, cutoff=0.5)
    remedy = f"Did you mean {{{close[0]}}}?" if close else f"Known: {', '.join(f'{{{one}}}' for one in known)}."
    raise MetadataError("Pattern", f"there is no field {{{inner[:40]}}}", remedy)


def _fits(text: str, form: str) -> bool:
    """Whether a text has digits where a form of a date has letters, and its very characters elsewhere."""
    if len(text) != len(form):
        return False
    return all(
        one.isascii() and one.isdigit() if letter.isalpha() else one == letter
        for one, letter in zip(text, form, strict=True)
    )


def _numbers(text: str, formats: tuple[str, ...]) -> dict[str, int]:
    """``{letter: number}`` of a date or a time, by the form that it has."""
    form = next(form for form in formats if _fits(text, form))
    digits: dict[str, str] = {}
    for one, letter in zip(text, form, strict=True):
        if letter.isalpha():
            digits[letter] = digits.get(letter, "") + one
    return {letter: int(number) for letter, number in digits.items()}


def _in_words(parts: tuple[_Part, ...], texts: tuple[str, ...]) -> str:
    fields = [part.text for part in parts if part.is_field]
    return ", ".join(
        f"{name} '{text}'" for name, text in zip(fields, texts, strict=True) if name not in _WITHOUT_MEANING
    )


def _wrong(text: str, why: str) -> MetadataError:
    return MetadataError(
        "Pattern", f"{text[:60]!r} cannot be used ({why})", "Write it like {subject}_{session}_{date}.tif."
    )
