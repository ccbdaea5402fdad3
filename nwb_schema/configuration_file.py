"""``project.toml``: the configuration as a person reads and edits it.

A change keeps the person's comments and everything that is not ours. It is made under a lock, checked by reading the
new text back, and appears whole: who reads the file meanwhile sees the old configuration or the new one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Item, Table

from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType, UnfitValue
from nwb_schema.configuration import Configuration
from nwb_schema.errors import ConfigurationError
from nwb_schema.file_lock import file_lock
from nwb_schema.lab_defaults import DEFAULT_FIELDS, check_default
from nwb_schema.publishing import partial_path, publish_over, sweep_partials

_OURS = ("configuration", "defaults", "columns")
_COLUMN_FIELDS = (
    "name",
    "kind",
    "type",
    "replacement",
    "vocabulary",
    "hidden",
    "description",
    "key",
    "former_replacements",
)
_NEW_COLUMN_COMMENT = "The key is the column's permanent name in every sample: change the name, never the key."

TEMPLATE = """\
[configuration]
# Rises by one whenever Fluorite changes the columns or the lab defaults below.
version = 0

[defaults]
# What the recordings of this lab have in common: used where nobody says otherwise and the movie does not know better.
institution = ""
lab = ""
experimenter = []  # ["Doe, Jane"]
device = ""
indicator = ""  # GCaMP6f
location = ""  # V1
excitation_lambda_nm = ""  # 920.0
emission_lambda_nm = ""  # 510.0
imaging_rate_hz = ""  # 15.0
"""
"""What a new project's file says of its configuration: everything empty, ready to be filled in by hand."""


def read_configuration(path: Path) -> Configuration:
    """The configuration in the file `path`.

    Raises
    ------
    ConfigurationError
        When the file cannot be read, or something in it is not what it should be.
    """
    return parse_configuration(_parsed(_read_text(path), path), path)


def parse_configuration(table: Mapping[str, Any], path: Path) -> Configuration:
    """The configuration in the parsed content of the file `path`; see `read_configuration`."""
    section = _table(table, "configuration", path)
    version = section.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int) or version < 0:
        raise ConfigurationError(path, f"configuration.version is {version!r}", "Write a whole number.")
    defaults = {}
    for name, value in _table(table, "defaults", path).items():
        checked = check_default(name, value, str(path))
        if checked is not None:
            defaults[name] = checked
    entries = table.get("columns", [])
    if not isinstance(entries, list):
        raise ConfigurationError(path, "columns is not a list of tables", "Start each column with [[columns]].")
    columns = tuple(_column(entry, number, path) for number, entry in enumerate(entries, start=1))
    for attribute in ("key", "name"):
        seen = set()
        for column in columns:
            identity = (column.kind, getattr(column, attribute))
            if identity in seen:
                raise ConfigurationError(
                    path, f"two columns have the {attribute} {identity[1]!r}", "Give one of them another."
                )
            seen.add(identity)
    return Configuration(version=version, columns=columns, defaults=defaults, source=str(path))


def change_configuration(path: Path, change: Callable[[Configuration], Configuration]) -> Configuration:
    """Change the configuration in the file `path`, and return what it is now.

    Parameters
    ----------
    change
        A pure function, such as one of `nwb_schema.configuration`. It sees the configuration that it replaces: nobody
        else can change it in between.

    Raises
    ------
    ConfigurationError
        What `change` raises; when the file cannot be read or written; when somebody edits it by hand at that moment.
    """
    with file_lock(path, ConfigurationError):
        stamp = _stamp(path)
        text = _read_text(path)
        old = parse_configuration(_parsed(text, path), path)
        new = change(old)
        if (new.columns, dict(new.defaults)) == (old.columns, dict(old.defaults)):
            return old
        new = replace(new, version=old.version + 1)
        rendered = _rendered(text, new, path)
        sweep_partials(path.parent)
        temporary = partial_path(path.parent)
        try:
            temporary.write_bytes(rendered.encode("utf-8"))
            temporary.chmod(path.stat().st_mode)
            if _stamp(path) != stamp:
                raise ConfigurationError(path, "was changed by another program at this moment", "Try again.")
            publish_over(temporary, path)
        except OSError as error:
            raise ConfigurationError(
                path, f"cannot be written ({error.strerror or error})", "Check permissions and free space."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
    return new


def _rendered(text: str, new: Configuration, path: Path) -> str:
    """`text` with the configuration `new` in it; read back and compared, because nothing may get lost on the way."""
    try:
        document = tomlkit.parse(text)
        section = document.setdefault("configuration", tomlkit.table())
        section["version"] = new.version
        _put_defaults(document.setdefault("defaults", tomlkit.table()), new.defaults)
        _put_columns(document, new.columns)
        rendered = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ConfigurationError(path, f"cannot be changed ({error})", "Correct the file.") from error
    before, after = _parsed(text, path), _parsed(rendered, path)
    others = [{name: value for name, value in table.items() if name not in _OURS} for table in (before, after)]
    if parse_configuration(after, path) != new or others[0] != others[1]:
        raise ConfigurationError(
            path,
            "cannot be changed without damaging it",
            "Write [[columns]] and [defaults] as in a new project's file.",
        )
    return rendered


def _put_defaults(table: Any, defaults: Mapping[str, Any]) -> None:
    for name in DEFAULT_FIELDS:
        if name in defaults:
            table[name] = defaults[name]
        elif table.get(name):
            table[name] = [] if isinstance(table[name], list) else ""  # the line stays, ready to be filled in again


def _put_columns(document: Any, columns: tuple[ColumnDefinition, ...]) -> None:
    there = document.get("columns")
    tables = list(there) if isinstance(there, AoT) else []
    # What a person wrote without a key is known by the key that its name gives.
    known = {_identity(table): table for table in tables}
    ordered = []
    for column in columns:
        table = known.get((column.kind.value, column.key))
        ordered.append(_new_table() if table is None else table)
        _put_column(ordered[-1], column)
    if [id(table) for table in ordered] == [id(table) for table in tables]:
        return
    if isinstance(there, AoT) and [id(table) for table in ordered[: len(tables)]] == [id(table) for table in tables]:
        for table in ordered[len(tables) :]:
            there.append(table)
        return
    if there is not None:
        del document["columns"]
    if ordered:
        array = tomlkit.aot()
        for table in ordered:
            array.append(table)
        document["columns"] = array


def _new_table() -> Table:
    table = tomlkit.table()
    table.add(tomlkit.comment(_NEW_COLUMN_COMMENT))
    return table


def _identity(table: Mapping[str, Any]) -> tuple[str, str]:
    kind = str(table.get("kind"))
    return kind, str(table.get("key") or ColumnDefinition(str(table.get("name")), ColumnKind(kind)).key)


def _put_column(table: Any, column: ColumnDefinition) -> None:
    values: dict[str, Any] = {
        "name": column.name,
        "key": column.key,
        "kind": column.kind.value,
        "type": column.type.value,
        "replacement": column.replacement,
        "vocabulary": list(column.vocabulary),
        "hidden": column.hidden,
        "description": column.description,
    }
    if column.former_replacements:
        values["former_replacements"] = list(column.former_replacements)
    for name, value in values.items():
        # What is the same already keeps the way in which a person wrote it.
        if name not in table or repr(_plain(table[name])) != repr(value):
            table[name] = value


def _plain(item: Any) -> Any:
    return item.unwrap() if isinstance(item, Item) else item


def _column(entry: Any, number: int, path: Path) -> ColumnDefinition:
    """One [[columns]] entry, whether Fluorite wrote it or a person did."""
    where = f"[[columns]] number {number}"
    if not isinstance(entry, dict):
        raise ConfigurationError(path, f"{where} is not a table", "Start each column with [[columns]].")
    unknown = [name for name in entry if name not in _COLUMN_FIELDS]
    if unknown:
        raise ConfigurationError(
            path, f"{where} has an unknown field {unknown[0]!r}", f"Known: {', '.join(_COLUMN_FIELDS)}."
        )
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(path, f"{where} has no name", "Give it one: name = ...")
    try:
        kind = ColumnKind(entry.get("kind", ""))
        column_type = ColumnType(entry.get("type", "text"))
    except ValueError as error:
        raise ConfigurationError(
            path,
            f"{where} ({name!r}): {error}",
            f"kind is one of {', '.join(ColumnKind)}; type one of {', '.join(ColumnType)}.",
        ) from error
    for field, expected in (("key", str), ("description", str), ("hidden", bool)):
        if field in entry and not isinstance(entry[field], expected):
            raise ConfigurationError(path, f"{where} ({name!r}): {field} is {entry[field]!r}", "Correct it.")
    texts = {}
    for field in ("vocabulary", "former_replacements"):
        texts[field] = entry.get(field, [])
        if not isinstance(texts[field], list) or not all(isinstance(word, str) for word in texts[field]):
            raise ConfigurationError(path, f"{where} ({name!r}): {field} is not a list of texts", "Correct it.")
    try:
        replacement = column_type.convert(entry.get("replacement", column_type.replacement))
    except UnfitValue as error:
        raise ConfigurationError(path, f"{where} ({name!r}): the replacement cannot be used", f"{error}.") from error
    return ColumnDefinition(
        name=name,
        kind=kind,
        type=column_type,
        replacement=replacement,
        vocabulary=tuple(texts["vocabulary"]),
        hidden=entry.get("hidden", False),
        description=entry.get("description", ""),
        key=entry.get("key", ""),
        former_replacements=tuple(texts["former_replacements"]),
    )


def _table(table: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise ConfigurationError(path, f"{name} is not a section", f"Write it as [{name}].")
    return section


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(path, f"cannot be read ({error})", "It is TOML in UTF-8.") from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(path, f"cannot be read ({error})", "Correct the line named above.") from error


def _stamp(path: Path) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ino
