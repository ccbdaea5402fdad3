"""One column of a table in memory: as many values as rows, all of one kind, any of them unknown.

Texts are kept once each, with a number per row that says which: a condition is then tested on each text once, however
many rows have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["text", "number", "flag"]


@dataclass(frozen=True)
class ColumnValues:
    """The values of one column.

    Attributes
    ----------
    kind
        What they are.
    data
        ``(n_rows,)``: int64 or float64 numbers, booleans, or for texts the place in `words`.
    known
        ``(n_rows,)`` booleans: whether there is a value. `data` means nothing where there is none.
    words
        The texts. One may be there twice.
    """

    kind: Kind
    data: NDArray[Any]
    known: NDArray[np.bool_]
    words: Sequence[str] = ()

    @classmethod
    def numbers(cls, values: NDArray[Any]) -> ColumnValues:
        """Of whole or decimal numbers; a NaN or an infinity is an unknown one."""
        if values.dtype.kind in "iub":
            return cls("number", values.astype(np.int64), np.ones(len(values), bool))
        data = values.astype(np.float64)
        return cls("number", data, np.isfinite(data))

    @classmethod
    def flags(cls, values: NDArray[Any]) -> ColumnValues:
        """Of booleans."""
        return cls("flag", values.astype(bool), np.ones(len(values), bool))

    @classmethod
    def texts(cls, values: Iterable[str | None]) -> ColumnValues:
        """Of texts, None where unknown."""
        places: dict[str | None, int] = {}
        data = np.array([places.setdefault(value, len(places)) for value in values], np.int32)
        known = np.ones(len(data), bool)
        if None in places:
            known = data != places[None]
        return cls("text", data, known, ["" if word is None else word for word in places])

    @classmethod
    def of(cls, kind: Kind, values: Sequence[Any]) -> ColumnValues:
        """Of plain values of a kind, None where unknown."""
        if kind == "text":
            return cls.texts(values)
        known = np.array([value is not None for value in values], bool)
        filled = [0 if value is None else value for value in values]
        if kind == "flag":
            return cls("flag", np.array(filled, bool), known)
        whole = all(isinstance(value, int) for value in filled)
        data = np.array(filled, np.int64 if whole else np.float64)
        return cls("number", data, known & np.isfinite(data))

    @classmethod
    def unknown(cls, kind: Kind, n_rows: int) -> ColumnValues:
        """Nothing but unknown values."""
        return cls(kind, np.zeros(n_rows, np.int32), np.zeros(n_rows, bool), [""] if kind == "text" else ())

    @classmethod
    def joined(cls, kind: Kind, parts: Sequence[ColumnValues]) -> ColumnValues:
        """One column of several, below each other."""
        if not parts:
            return cls.unknown(kind, 0)
        known = np.concatenate([part.known for part in parts])
        if kind != "text":
            # Whole numbers stay whole, to the last digit, unless some part of the column is decimal.
            used = [part.data for part in parts if part.known.any()] or [np.zeros(0, np.int64)]
            dtype = np.result_type(*used)
            return cls(
                kind, np.concatenate([np.where(part.known, part.data, 0).astype(dtype) for part in parts]), known
            )
        words: list[str] = []
        places: dict[str, int] = {}
        data = []
        for part in parts:
            if len(part.words) == len(part.data) > 1:
                # Every row has a text of its own, such as a UUID: looking for equal ones would take all the time.
                place = np.arange(len(words), len(words) + len(part.words), dtype=np.int32)
                words.extend(part.words)
            else:
                found = []
                for word in part.words:
                    if word not in places:
                        places[word] = len(words)
                        words.append(word)
                    found.append(places[word])
                place = np.array(found, np.int32)
            data.append(place[part.data] if len(place) else part.data)
        return cls("text", np.concatenate(data), known, words)

    @cached_property
    def folded(self) -> list[str]:
        """`words` without regard to case."""
        return [word.casefold() for word in self.words]

    @cached_property
    def number_texts(self) -> list[str]:
        """Every number as people see it, with 10 digits at most."""
        return [f"{value:.10g}" for value in self.data.tolist()]

    def __len__(self) -> int:
        return len(self.data)

    def take(self, rows: NDArray[np.intp] | slice) -> ColumnValues:
        """The values of some rows, in that order."""
        return ColumnValues(self.kind, self.data[rows], self.known[rows], self.words)

    def repeated(self, counts: NDArray[np.int64]) -> ColumnValues:
        """Each value as often as `counts` says."""
        return ColumnValues(self.kind, np.repeat(self.data, counts), np.repeat(self.known, counts), self.words)

    def to_list(self) -> list[Any]:
        """Plain values, None where unknown."""
        data = [self.words[place] for place in self.data] if self.kind == "text" else self.data.tolist()
        if self.known.all():
            return data
        return [value if known else None for value, known in zip(data, self.known.tolist(), strict=True)]

    def ranks(self) -> NDArray[Any]:
        """Numbers that sort as the values do, texts whatever their case; unknown values are NaN, which sorts last."""
        if self.kind == "text":
            keys = [(word.casefold(), word) for word in self.words]
            order = sorted(range(len(keys)), key=keys.__getitem__)
            of_word = np.zeros(len(keys), np.float64)
            rank = -1
            for position, place in enumerate(order):
                rank += position == 0 or keys[place] != keys[order[position - 1]]
                of_word[place] = rank
            ranks = of_word[self.data] if len(of_word) else np.zeros(len(self.data))
        else:
            ranks = self.data.astype(np.float64)
        return np.where(self.known, ranks, np.nan)

    def counts(self, rows: NDArray[np.intp] | None = None) -> list[tuple[Any, int]]:
        """How many rows (of all, or of these) have each value: ``(value, count)``, sorted by value, unknown last."""
        part = self if rows is None else self.take(rows)
        n_unknown = int(len(part) - np.count_nonzero(part.known))
        data = part.data if n_unknown == 0 else part.data[part.known]
        found: list[tuple[Any, int]]
        if self.kind == "text":
            number = np.bincount(data, minlength=len(self.words))
            sums: dict[str, int] = {}
            for place in np.flatnonzero(number).tolist():
                word = self.words[place]
                sums[word] = sums.get(word, 0) + int(number[place])
            found = sorted(sums.items(), key=lambda item: (item[0].casefold(), item[0]))
        else:
            values, numbers = np.unique(data, return_counts=True)
            found = list(zip(values.tolist(), numbers.tolist(), strict=True))
        return [*found, (None, n_unknown)] if n_unknown else found
