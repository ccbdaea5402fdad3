"""The configuration of a project in memory: its columns and lab defaults, and every way in which they may change.

A change is a pure function from one `Configuration` to the next; `nwb_schema.configuration_file` reads and writes them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nwb_schema.catalogue_columns import TAKEN_NAMES
from nwb_schema.columns import PYNWB_NAMES, ColumnDefinition, ColumnKind, ColumnType, UnfitValue, column_key
from nwb_schema.errors import ConfigurationError
from nwb_schema.lab_defaults import check_default
from nwb_schema.names import clean_text

_MAX_NAME_LENGTH = 100
KIND_WORDS = {
    ColumnKind.ROI_TAG: "ROI tag column",
    ColumnKind.STIMULUS: "stimulus type",
    ColumnKind.CUSTOM: "custom column",
}


@dataclass(frozen=True)
class Configuration:
    """What ``project.toml`` configures.

    Attributes
    ----------
    version
        Rises by one with every change.
    columns
        All columns, hidden ones too, in the order in which they are shown.
    defaults
        Lab defaults by name (`nwb_schema.lab_defaults.DEFAULT_FIELDS`); what is not given is absent.
    source
        The file, for messages.
    """

    version: int = 0
    columns: tuple[ColumnDefinition, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    source: str = "project.toml"

    def of_kind(self, kind: ColumnKind, *, hidden: bool = True) -> tuple[ColumnDefinition, ...]:
        """The columns of one kind, in order; without the hidden ones on demand."""
        return tuple(column for column in self.columns if column.kind is kind and (hidden or not column.hidden))

    def find(self, name: str, kind: ColumnKind | None = None) -> ColumnDefinition:
        """The column called `name` (or, when no name fits, with that key).

        Raises
        ------
        ConfigurationError
            When there is none, with the most similar name, or when two kinds have one.
        """
        candidates = [column for column in self.columns if kind in (None, column.kind)]
        for attribute in ("name", "key"):
            found = [column for column in candidates if getattr(column, attribute) == name]
            if len(found) == 1:
                return found[0]
            if found:
                kinds = " and ".join(column.kind.value for column in found)
                raise ConfigurationError(self.source, f"{name!r} is the name of a {kinds}", "Say which with --kind.")
        what = "column" if kind is None else KIND_WORDS[kind]
        close = difflib.get_close_matches(name, [column.name for column in candidates], n=1, cutoff=0.5)
        if close:
            hint = f"Did you mean {close[0]!r}?"
        else:
            hint = f"Add it: fluorite config DIR add-column NAME --kind {(kind or ColumnKind.CUSTOM).value}"
        raise ConfigurationError(self.source, f"the project has no {what} {_short(name)}", hint)


def add_column(configuration: Configuration, column: ColumnDefinition) -> Configuration:
    """With one more column, at the end; its key is made new, and differs from all others.

    Raises
    ------
    ConfigurationError
        When the name is taken or cannot be a name, or replacement and vocabulary do not fit the type.
    """
    name = _checked_name(configuration, column.name, column.kind)
    taken = {other.key for other in configuration.of_kind(column.kind)}
    if column.kind is not ColumnKind.STIMULUS:
        taken |= PYNWB_NAMES
    new = replace(
        column,
        name=name,
        key=column_key(name, taken),
        vocabulary=_checked_vocabulary(configuration, column, column.vocabulary),
        replacement=_checked_replacement(configuration, column, column.replacement),
        description=clean_text(column.description),
    )
    return replace(configuration, columns=(*configuration.columns, new))


def rename_column(
    configuration: Configuration, name: str, new_name: str, kind: ColumnKind | None = None
) -> Configuration:
    """With another name for a column. Its key stays, so every sample keeps its values."""
    column = configuration.find(name, kind)
    if new_name == column.name:
        return configuration
    checked = _checked_name(configuration, new_name, column.kind, except_key=column.key)
    return _with(configuration, column, replace(column, name=checked))


def set_hidden(configuration: Configuration, name: str, hidden: bool, kind: ColumnKind | None = None) -> Configuration:
    """With a column hidden or shown. Samples keep its values either way."""
    column = configuration.find(name, kind)
    return _with(configuration, column, replace(column, hidden=hidden))


def reorder(configuration: Configuration, names: Sequence[str], kind: ColumnKind | None = None) -> Configuration:
    """With these columns first, in this order, and the others after them as they were."""
    first = [configuration.find(name, kind) for name in names]
    if len({(column.kind, column.key) for column in first}) < len(first):
        raise ConfigurationError(configuration.source, "a column is named twice", "Name each column once.")
    rest = [column for column in configuration.columns if column not in first]
    return replace(configuration, columns=(*first, *rest))


def set_vocabulary(
    configuration: Configuration, name: str, values: Iterable[str], kind: ColumnKind | None = None
) -> Configuration:
    """With another vocabulary (empty: any value). Values that samples hold already stay, also those outside it."""
    column = configuration.find(name, kind)
    return _with(
        configuration, column, replace(column, vocabulary=_checked_vocabulary(configuration, column, tuple(values)))
    )


def set_replacement(
    configuration: Configuration, name: str, value: Any, kind: ColumnKind | None = None
) -> Configuration:
    """With another value for samples that lack the column. No sample is rewritten."""
    column = configuration.find(name, kind)
    return _with(configuration, column, replace(column, replacement=_checked_replacement(configuration, column, value)))


def set_description(
    configuration: Configuration, name: str, text: str, kind: ColumnKind | None = None
) -> Configuration:
    """With another description of a column."""
    column = configuration.find(name, kind)
    return _with(configuration, column, replace(column, description=clean_text(text)))


def change_type(
    configuration: Configuration,
    name: str,
    new: ColumnType,
    *,
    replacement: Any = None,
    kind: ColumnKind | None = None,
    stored: Callable[[ColumnDefinition], Iterable[tuple[str, Any]]],
) -> Configuration:
    """With values of another type, refused where a value that a sample holds would be lost.

    Parameters
    ----------
    replacement
        The new replacement value; None keeps the old one where it converts, else takes the type's own.
    stored
        Gives every ``(sample, value)`` that samples store of a column.

    Raises
    ------
    ConfigurationError
        When a stored value does not convert; it names the samples.
    """
    column = configuration.find(name, kind)
    if column.kind is ColumnKind.STIMULUS:
        raise ConfigurationError(
            configuration.source, f"{name!r} is a stimulus type, whose names are texts", "Leave its type as it is."
        )
    if column.vocabulary and new is not ColumnType.TEXT:
        raise ConfigurationError(
            configuration.source,
            f"the column {name!r} has a vocabulary of texts",
            "Remove it first: fluorite config DIR vocabulary NAME --clear",
        )
    if replacement is None:
        try:
            replacement = new.convert(column.replacement)
        except UnfitValue:
            replacement = new.replacement
    changed = column.retyped(new, _checked_replacement(configuration, replace(column, type=new), replacement))
    unfit: dict[str, Any] = {}
    for sample, value in stored(column):
        try:
            changed.read(value)
        except UnfitValue:
            unfit.setdefault(sample, value)
    if unfit:
        samples = [f"{sample} ({_short(str(value))})" for sample, value in unfit.items()]
        more = f" and {len(samples) - 10} more" if len(samples) > 10 else ""
        raise ConfigurationError(
            configuration.source,
            f"the column {column.name!r} cannot become {new.value}: values do not convert in "
            f"{', '.join(samples[:10])}{more}",
            "Change these values first, or add a new column.",
        )
    return _with(configuration, column, changed)


def set_defaults(configuration: Configuration, values: Mapping[str, Any]) -> Configuration:
    """With other lab defaults; None or an empty text removes one, and what is not named stays."""
    defaults = dict(configuration.defaults)
    for name, value in values.items():
        checked = check_default(name, value, configuration.source)
        if checked is None:
            defaults.pop(name, None)
        else:
            defaults[name] = checked
    return replace(configuration, defaults=defaults)


def _with(configuration: Configuration, old: ColumnDefinition, new: ColumnDefinition) -> Configuration:
    return replace(configuration, columns=tuple(new if column is old else column for column in configuration.columns))


def _checked_name(configuration: Configuration, name: str, kind: ColumnKind, except_key: str | None = None) -> str:
    cleaned = " ".join(clean_text(name).split())
    source = configuration.source
    if not cleaned or len(cleaned) > _MAX_NAME_LENGTH or cleaned != name:
        raise ConfigurationError(
            source,
            f"a column cannot be called {_short(name)}",
            f"Give it a name of 1 to {_MAX_NAME_LENGTH} characters.",
        )
    if kind is not ColumnKind.STIMULUS and cleaned.casefold() in TAKEN_NAMES:
        raise ConfigurationError(source, f"every sample or ROI has a column {name!r} already", "Choose another name.")
    for column in configuration.columns:
        if column.key == except_key and column.kind is kind:
            continue
        # Stimulus types are listed by themselves; ROI tags and custom columns stand side by side in one table.
        together = (column.kind is ColumnKind.STIMULUS) == (kind is ColumnKind.STIMULUS)
        if together and column.name.casefold() == cleaned.casefold():
            state = f"a hidden {KIND_WORDS[column.kind]}" if column.hidden else f"a {KIND_WORDS[column.kind]}"
            remedy = "Show it again: fluorite config DIR show-column NAME" if column.hidden else "Choose another name."
            raise ConfigurationError(source, f"{column.name!r} is {state} already", remedy)
    return cleaned


def _checked_vocabulary(
    configuration: Configuration, column: ColumnDefinition, values: tuple[str, ...]
) -> tuple[str, ...]:
    if values and column.type is not ColumnType.TEXT:
        raise ConfigurationError(
            configuration.source,
            f"the column {column.name!r} holds {column.type.value}, but a vocabulary is a list of texts",
            "Leave the vocabulary out, or make it a text column.",
        )
    cleaned = tuple(dict.fromkeys(clean_text(value).strip() for value in values))
    if not all(cleaned):
        raise ConfigurationError(configuration.source, "the vocabulary has an empty word", "Leave it out.")
    return cleaned


def _checked_replacement(configuration: Configuration, column: ColumnDefinition, value: Any) -> Any:
    try:
        return column.type.convert(clean_text(value) if isinstance(value, str) else value)
    except UnfitValue as error:
        raise ConfigurationError(
            configuration.source,
            f"the replacement value of {column.name!r} cannot be {_short(str(value))} ({error})",
            f"Give a value of the type {column.type.value}.",
        ) from error


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
