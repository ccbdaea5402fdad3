"""What is asked of the catalogue: lists, filters, distinct values, counts.

It is disposable: everything in it comes from the NWB files, and deleting it loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from nwb_schema.catalogue import scan
from nwb_schema.catalogue.columns import CatalogueColumn, Level
from nwb_schema.catalogue.scan import Progress, Refreshed
from nwb_schema.catalogue.store import CatalogueStore
from nwb_schema.catalogue.tables import OrderBy, Outdated, Rows, Tables
from nwb_schema.catalogue_columns import ROI_LIST_COLUMNS
from nwb_schema.errors import ProjectError
from nwb_schema.file_lock import file_lock
from nwb_schema.filter_history import filter_code, filter_text
from nwb_schema.filters import Filters, filter_pairs
from nwb_schema.project import Project

Result = TypeVar("Result")

# A scan of tens of thousands of files on a slow disk takes minutes.
_SCAN_TIMEOUT_S = 900.0


class _BeingScanned(ProjectError):
    """Somebody else looks at the files at this moment."""


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and how many the whole list has."""

    rows: list[dict[str, Any]]
    total: int


class Catalogue:
    """The catalogue of one project. Any number of processes and threads may use it at once.

    Lists and filters are of two levels, ``samples`` and ``rois``. Where `order_by` is given, it names columns, each as
    a name or as ``(name, descending)``; what is unknown comes last.

    Lists are of the catalogue as it is: `refresh` first, or have a `Watcher` do so. One that was never made is made
    when it is first asked, but while somebody else makes it, lists have what is there already (`complete`).
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._store = CatalogueStore(project.catalogue_path)
        self._tables: Tables | None = None
        self._lock = Lock()

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """Bring the catalogue up to date with the files. A file that cannot be read is listed with its reason.

        Waits while another process or thread does so; what that found is then not reported again.

        Parameters
        ----------
        progress
            Called with the number of files read, and of those to read.
        """
        with self._scanning():
            return self._store.recovering(lambda: scan.scan(self.project, self._store, progress))

    def refresh_file(self, path: Path) -> None:
        """Read one sample again, whose file was just replaced."""
        self._store.recovering(lambda: scan.put_file(self.project, self._store, path))

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """Forget everything and read all files again."""
        with self._scanning():
            self._store.discard()
            return scan.scan(self.project, self._store, progress)

    def token(self) -> str:
        """What is another after every change of the catalogue; cheap to ask for."""
        self._require_there()
        return self._store.recovering(self._store.state)[0]

    def complete(self) -> bool:
        """Whether all files were looked at since the catalogue was made."""
        self._require_there()
        return self._store.recovering(self._store.state)[1]

    def twins(self, name: str, identifier: str) -> list[str]:
        """File names of the other samples that have this identifier."""
        names = self._store.recovering(lambda: self._store.with_identifier(identifier))
        if name not in names:
            self.refresh()
            names = self._store.with_identifier(identifier)
        return [other for other in names if other != name and (self.project.samples_dir / other).is_file()]

    def columns(self, level: Level = "samples") -> list[CatalogueColumn]:
        """What this level can be listed, filtered and sorted by, hidden columns too, in the order of lists."""
        return self._ask(lambda tables: list(tables.columns.of(level).values()))

    def samples(
        self, filters: Filters = None, *, order_by: OrderBy = (), limit: int | None = None, offset: int = 0
    ) -> list[dict[str, Any]]:
        """The samples that match all `filters`, by name: one dictionary of plain values each.

        Besides the listed columns each has its ``path``. What a file does not say is None.

        Raises
        ------
        FilterError
            See `nwb_schema.filters`.
        """
        return self.page("samples", filters, order_by=order_by, limit=limit, offset=offset).rows

    def rois(
        self, filters: Filters = None, *, order_by: OrderBy = (), limit: int | None = None, offset: int = 0
    ) -> list[dict[str, Any]]:
        """The ROIs that match all `filters`, by sample and row: one dictionary of plain values each.

        They can be filtered by their own columns and by those of their sample (``evaluated`` is the ROI's own).
        ``tags`` is a dictionary: what the sample's own table says beyond our columns, as it is stored there.
        """
        return self.page("rois", filters, order_by=order_by, limit=limit, offset=offset).rows

    def page(
        self,
        level: Level,
        filters: Filters = None,
        *,
        order_by: OrderBy = (),
        limit: int | None = None,
        offset: int = 0,
        columns: Sequence[str] | None = None,
    ) -> Page:
        """Some rows of the list of a level, from `offset` on, and how many match.

        Parameters
        ----------
        columns
            Which columns; by default those that lists show.
        """

        def found(tables: Tables) -> Page:
            rows = _numbers(tables, level, filters, order_by)
            part = rows[offset : None if limit is None else offset + limit]
            names = _listed(tables, level) if columns is None else list(columns)
            values = [tables.taken(tables.columns.find(name, level), level, part).to_list() for name in names]
            listed = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
            if columns is None and level == "samples":
                for row in listed:
                    row["path"] = str(self.project.samples_dir / row["name"])
            elif columns is None:
                for row, tags in zip(listed, tables.tags(part), strict=True):
                    row["tags"] = tags
            return Page(listed, len(rows))

        return self._ask(found)

    def frame(
        self,
        level: Level,
        filters: Filters = None,
        *,
        columns: Sequence[str] | None = None,
        also: Sequence[str] = (),
        order_by: OrderBy = (),
    ) -> pd.DataFrame:
        """The rows of a level that match as a DataFrame, one column each; what is unknown is None or NaN.

        Parameters
        ----------
        columns
            Which columns; by default those that lists show.
        also
            Further ones.
        """

        def found(tables: Tables) -> pd.DataFrame:
            rows = _numbers(tables, level, filters, order_by)
            names = list(dict.fromkeys([*(_listed(tables, level) if columns is None else columns), *also]))
            values = {name: tables.values(tables.columns.find(name, level), level).take(rows) for name in names}
            frame = pd.DataFrame({name: pd.Series(part.to_list(), dtype=_dtype(part)) for name, part in values.items()})
            if columns is None and level == "samples":
                frame["path"] = [str(self.project.samples_dir / name) for name in frame["name"]]
            elif columns is None:
                frame["tags"] = pd.Series(tables.tags(rows), dtype=object)
            return frame

        return self._ask(found)

    def count(self, level: Level, filters: Filters = None) -> int:
        """How many samples or ROIs match."""
        return self._ask(lambda tables: len(_numbers(tables, level, filters)))

    def values(self, column: str, filters: Filters = None, *, level: Level = "samples") -> list[tuple[Any, int]]:
        """The distinct values of a column among the rows that match, with how many have each, sorted; None last."""

        def found(tables: Tables) -> list[tuple[Any, int]]:
            values = tables.values(tables.columns.find(column, level), level)
            return values.counts(tables.matching(filters, level))

        return self._ask(found)

    def history(self, level: Level, filters: Filters) -> str:
        """What was filtered, in order, as text: one line a step, with how many rows it left."""

        def found(tables: Tables) -> str:
            steps = [(name, text) for name, text in filter_pairs(filters) if text.strip()]
            left = [len(_numbers(tables, level, steps[:number])) for number in range(len(steps) + 1)]
            return filter_text(level, steps, left)

        return self._ask(found)

    def code(self, level: Level, filters: Filters) -> str:
        """A Python program that filters the same with pandas. It is for people; nothing here runs it."""

        def found(tables: Tables) -> str:
            conditions = tables.conditions(filters, level)
            listed = _listed(tables, level)
            also = [name for name in dict.fromkeys(one.column.name for one in conditions) if name not in listed]
            return filter_code(self.project.folder, level, conditions, also)

        return self._ask(found)

    def _ask(self, question: Callable[[Tables], Result]) -> Result:
        """Ask a question of the catalogue as it is now, which may change while it is answered."""
        while True:
            try:
                return self._store.recovering(lambda: question(self._current()))
            except Outdated:
                continue

    def _require_there(self) -> None:
        # A share that is away for a moment: its folders must not be made anew in the place where it is mounted.
        if not self.project.folder.is_dir():
            raise ProjectError(self.project.folder, "is not there any more", "Mount or restore it.")

    def _current(self) -> Tables:
        self._require_there()
        token, complete = self._store.state()
        if not complete:
            # Nobody has made it yet, somebody deleted it, or whoever made it was killed. While somebody else is at it,
            # what is there already is better than waiting.
            with suppress(_BeingScanned), self._scanning(_BeingScanned, 0.0):
                scan.scan(self.project, self._store)
            token, _ = self._store.state()
        configuration = self.project.configuration()
        with self._lock:
            tables = self._tables
            if tables is None or tables.token != token or tables.configuration != configuration:
                now, files = self._store.files()
                tables = self._tables = Tables(self._store, configuration, now, files)
            return tables

    def _scanning(
        self, error: type[ProjectError] = ProjectError, timeout_s: float = _SCAN_TIMEOUT_S
    ) -> AbstractContextManager[None]:
        self._require_there()
        self._store.make_folder()
        return file_lock(self._store.path, error, timeout_s=timeout_s)


def _numbers(tables: Tables, level: Level, filters: Filters, order_by: OrderBy = ()) -> Rows:
    rows = tables.ordered(tables.matching(filters, level), order_by, level)
    return np.arange(tables.count(level)) if rows is None else rows


def _listed(tables: Tables, level: Level) -> list[str]:
    """Names of the columns that lists of a level show."""
    columns = tables.columns.of(level)
    if level == "samples":
        return [name for name, column in columns.items() if column.listed]
    tags = [name for name, column in columns.items() if column.place == "table" and column.listed]
    return [*ROI_LIST_COLUMNS, *tags]


def _dtype(values: Any) -> Any:
    """The dtype of a DataFrame's column: a plain one where every value is known."""
    if values.kind == "number":
        return np.float64 if not values.known.all() else values.data.dtype
    return np.bool_ if values.kind == "flag" and values.known.all() else object
