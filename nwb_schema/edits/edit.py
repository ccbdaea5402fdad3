"""What a person can do to a sample: each edit says which values it changes.

>>> Accept(["0b9c..."]).kind.value
'accept'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from nwb_schema.columns import ColumnDefinition, ColumnKind, UnfitValue
from nwb_schema.edits.change import Change, Target
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.fields import (
    NOT_GIVEN,
    PIXEL_SIZE,
    REFERENCE_TIME,
    SESSION_START,
    START_SOURCE,
    check_field,
    field_words,
    find_field,
)
from nwb_schema.edits.flags import cells, differing, flags
from nwb_schema.edits.record import EditKind
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.errors import EditError
from nwb_schema.layout import CURATED, DELETED, FLAGS, TRACED

_SHOWN = 60


@dataclass(frozen=True)
class Decide:
    """A person says whether ROIs count as cells.

    Attributes
    ----------
    rois
        ``roi_uuid`` of each.
    accepted
        Whether they do.
    """

    rois: tuple[str, ...]
    accepted: bool

    @property
    def kind(self) -> EditKind:
        """Accept or reject."""
        return EditKind.ACCEPT if self.accepted else EditKind.REJECT

    def describe(self) -> str:
        """One line on what is done."""
        return f"{self.kind.value}ed {_count(self.rois)}"

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        yield from flags(state, self.rois, "is_accepted", self.accepted)
        yield from flags(state, self.rois, CURATED, True)


def Accept(rois: Iterable[str]) -> Decide:
    """ROIs count as cells."""
    return Decide(tuple(rois), True)


def Reject(rois: Iterable[str]) -> Decide:
    """ROIs do not count as cells."""
    return Decide(tuple(rois), False)


@dataclass(frozen=True)
class Delete:
    """ROIs are marked deleted; they and their traces stay in the file.

    Attributes
    ----------
    rois
        ``roi_uuid`` of each.
    deleted
        False brings them back.
    """

    rois: tuple[str, ...]
    deleted: bool = True

    @property
    def kind(self) -> EditKind:
        """Delete or restore."""
        return EditKind.DELETE if self.deleted else EditKind.RESTORE

    def describe(self) -> str:
        """One line on what is done."""
        return f"{'deleted' if self.deleted else 'restored'} {_count(self.rois)}"

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        yield from flags(state, self.rois, DELETED, self.deleted)


@dataclass(frozen=True)
class Tag:
    """ROIs get a value in a tag column.

    Attributes
    ----------
    rois
        ``roi_uuid`` of each.
    column
        The tag column as the project configures it.
    value
        As a person gave it; it has to be of the column's type and vocabulary.
    """

    rois: tuple[str, ...]
    column: ColumnDefinition
    value: Any

    @property
    def kind(self) -> EditKind:
        """Tag."""
        return EditKind.TAG

    def describe(self) -> str:
        """One line on what is done."""
        return f"tagged {_count(self.rois)}: {self.column.name} = {_shown(_checked(self.column, self.value))}"

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        if self.column.kind is not ColumnKind.ROI_TAG:
            raise EditError(self.column.name, "is not an ROI tag column", "Choose one; see: fluorite config DIR show")
        if self.column.key in (*FLAGS, *TRACED, "evaluated"):
            raise EditError(
                self.column.name, "is a column of Fluorite's own", "Use accept, reject, delete or restore instead."
            )
        value = _checked(self.column, self.value)
        column = self.column
        yield from cells(state, self.rois, column.key, value, column.type, column.replacement, column.description)


@dataclass(frozen=True)
class SetField:
    """Metadata of the subject, the session or the imaging.

    Attributes
    ----------
    name
        See `nwb_schema.edits.fields.FIELDS`.
    value
        None or a blank text empties it.
    """

    name: str
    value: Any

    @property
    def kind(self) -> EditKind:
        """Field."""
        return EditKind.FIELD

    def describe(self) -> str:
        """One line on what is done."""
        return f"set {self.name} = {_shown(field_words(self.name, check_field(self.name, self.value)))}"

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        value = check_field(self.name, self.value)
        if self.name == PIXEL_SIZE:
            _check_axes(state, value)
        target = Target("field", self.name)
        yield from differing(Change(target, state.value(target), value))
        not_given = Target("field", NOT_GIVEN.name)
        names = state.value(not_given) or []
        placeholder = find_field(self.name).placeholder_name
        if value is not None and placeholder in names:
            yield Change(not_given, names, [name for name in names if name != placeholder] or None)
        if self.name == SESSION_START:
            yield from _start_given(state, state.value(target), value)


@dataclass(frozen=True)
class SetCustom:
    """A custom column of the sample gets a value.

    Attributes
    ----------
    column
        The custom column as the project configures it.
    value
        As a person gave it; None takes the value away.
    """

    column: ColumnDefinition
    value: Any

    @property
    def kind(self) -> EditKind:
        """Custom."""
        return EditKind.CUSTOM

    def describe(self) -> str:
        """One line on what is done."""
        return f"set {self.column.name} = {_shown(_checked(self.column, self.value))}"

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        if self.column.kind is not ColumnKind.CUSTOM:
            raise EditError(self.column.name, "is not a custom column", "Choose one; see: fluorite config DIR show")
        target = Target("custom", self.column.key)
        yield from differing(Change(target, state.value(target), _checked(self.column, self.value)))


class Edit(Protocol):
    """What can be done to a sample."""

    @property
    def kind(self) -> EditKind:
        """What was done, in a word."""
        ...

    def describe(self) -> str:
        """One line on what is done."""
        ...

    def changes(self, state: SampleState) -> Iterable[Change]:
        """What it changes in `state`."""
        ...


@runtime_checkable
class EditWithContent(Edit, Protocol):
    """An edit that brings arrays, which the journal does not hold."""

    @property
    def content(self) -> str:
        """Name under which they are kept."""
        ...

    def keep(self, contents: Contents) -> None:
        """Put the arrays where the journal's entry will look for them."""
        ...


def _check_axes(state: SampleState, spacing: list[Any]) -> None:
    """A volume's pixel size has three numbers, a plane's two; the last of `spacing` is the unit."""
    if len(spacing) - 1 == (3 if state.volume else 2):
        return
    if state.volume:
        cause, remedy = "a volume needs three numbers", "Give x, y and the distance of planes, such as 1.2, 1.2, 5"
    else:
        cause, remedy = "a plane has no third number", "Give one number, or x and y, such as 1.2, 1.1"
    raise EditError(PIXEL_SIZE, cause, f"{remedy} (micrometres).")


def _start_given(state: SampleState, before: Any, after: Any) -> Iterator[Change]:
    """What changes together with the session's start, once a person gives it."""
    source, reference = Target("field", START_SOURCE.name), Target("field", REFERENCE_TIME.name)
    yield from differing(Change(source, state.value(source), "metadata"))
    if state.value(reference) == before:
        yield from differing(Change(reference, before, after))


def _checked(column: ColumnDefinition, value: Any) -> Any:
    if value is None and column.kind is ColumnKind.CUSTOM:
        return None
    try:
        return column.check(value)
    except UnfitValue as error:
        raise EditError(column.name, f"{_shown(value)} cannot be used ({error})", "Give another value.") from error


def _count(rois: tuple[str, ...]) -> str:
    return f"ROI {rois[0][:8]}" if len(rois) == 1 else f"{len(set(rois))} ROIs"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    # nwbinspector takes braces for a table that somebody forgot to unpack.
    text = " ".join(str(value).split()).replace("{", "(").replace("}", ")")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
