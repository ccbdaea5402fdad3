"""``fluorite config DIR ...``: columns, lab defaults and subjects of a project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ends_cleanly, print_json

_KINDS = ("roi_tag", "stimulus", "custom")
_TYPES = ("text", "integer", "decimal", "yes/no")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_kind = click.option("--kind", type=click.Choice(_KINDS), help="What NAME is, where a stimulus type has the same name.")
_name = click.argument("name", metavar="NAME")


@click.group("config")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def config(context: click.Context, folder: Path) -> None:
    """Configure the project in DIR: ROI tag columns, stimulus types, custom columns, lab defaults, subjects."""
    context.obj = folder


@config.command("show")
@_json
@click.pass_obj
@ends_cleanly
def show(folder: Path, as_json: bool) -> None:
    """Print the configuration."""
    configuration = _project(folder).configuration()
    if as_json:
        print_json(_as_json(configuration))
        return
    click.echo(f"configuration version {configuration.version}")
    for column in configuration.columns:
        details = [column.kind.value, column.type.value, f"replacement: {_shown(column.replacement)}"]
        details += [f"vocabulary: {', '.join(column.vocabulary)}"] if column.vocabulary else []
        details += [f"key: {column.key}"] if column.key != column.name else []
        details += ["hidden"] if column.hidden else []
        click.echo(f"{column.name}: {' | '.join(details)}")
        if column.description:
            click.echo(f"    {column.description}")
    for name, value in configuration.defaults.items():
        click.echo(f"default {name} = {_shown(value)}")


@config.command("add-column")
@_name
@click.option("--kind", type=click.Choice(_KINDS), required=True, help="Per ROI, per time period, or per sample.")
@click.option("--type", "type_name", type=click.Choice(_TYPES), default="text", show_default=True)
@click.option(
    "--replacement", metavar="VALUE", help="Value in samples that lack it; untagged, 0, 0.0 or no when not given."
)
@click.option("--word", "words", metavar="TEXT", multiple=True, help="A word of its vocabulary. May be repeated.")
@click.option("--description", metavar="TEXT", default="", help="One line for people.")
@click.option("--hidden", is_flag=True, help="Do not show it yet.")
@click.pass_obj
@ends_cleanly
def add_column(
    folder: Path,
    name: str,
    kind: str,
    type_name: str,
    replacement: str | None,
    words: tuple[str, ...],
    description: str,
    hidden: bool,
) -> None:
    """Add the column NAME."""
    from nwb_schema import configure
    from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType

    column = ColumnDefinition(
        name=name,
        kind=ColumnKind(kind),
        type=ColumnType(type_name),
        replacement=replacement,
        vocabulary=words,
        hidden=hidden,
        description=description,
    )
    _done(configure.add_column(_project(folder), column))


@config.command("rename")
@_name
@click.argument("new_name", metavar="NEW-NAME")
@_kind
@click.pass_obj
@ends_cleanly
def rename(folder: Path, name: str, new_name: str, kind: str | None) -> None:
    """Rename the column NAME; every sample keeps its values."""
    from nwb_schema import configure

    _done(configure.rename_column(_project(folder), name, new_name, _column_kind(kind)))


@config.command("hide")
@_name
@_kind
@click.pass_obj
@ends_cleanly
def hide(folder: Path, name: str, kind: str | None) -> None:
    """Take the column NAME out of sight; every sample keeps its values."""
    from nwb_schema import configure

    _done(configure.hide_column(_project(folder), name, _column_kind(kind)))


@config.command("show-column")
@_name
@_kind
@click.pass_obj
@ends_cleanly
def show_column(folder: Path, name: str, kind: str | None) -> None:
    """Show the hidden column NAME again."""
    from nwb_schema import configure

    _done(configure.show_column(_project(folder), name, _column_kind(kind)))


@config.command("reorder")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_kind
@click.pass_obj
@ends_cleanly
def reorder(folder: Path, names: tuple[str, ...], kind: str | None) -> None:
    """Show the columns NAME... first, in this order."""
    from nwb_schema import configure

    _done(configure.reorder(_project(folder), names, _column_kind(kind)))


@config.command("set-type")
@_name
@click.argument("type_name", metavar="TYPE", type=click.Choice(_TYPES))
@click.option("--replacement", metavar="VALUE", help="New value for samples that lack it.")
@_kind
@click.pass_obj
@ends_cleanly
def set_type(folder: Path, name: str, type_name: str, replacement: str | None, kind: str | None) -> None:
    """Give the column NAME another type, unless a value in a sample would be lost."""
    from nwb_schema import configure
    from nwb_schema.columns import ColumnType

    changed = configure.change_type(
        _project(folder), name, ColumnType(type_name), replacement=replacement, kind=_column_kind(kind)
    )
    _done(changed)


@config.command("vocabulary")
@_name
@click.argument("words", metavar="[TEXT]...", nargs=-1)
@click.option("--clear", is_flag=True, help="Allow any value again.")
@_kind
@click.pass_obj
@ends_cleanly
def vocabulary(folder: Path, name: str, words: tuple[str, ...], clear: bool, kind: str | None) -> None:
    """Allow only the values TEXT... in the column NAME."""
    from nwb_schema import configure

    if clear == bool(words):
        raise click.UsageError("Give the words of the vocabulary, or --clear.")
    project = _project(folder)
    _done(configure.set_vocabulary(project, name, words, _column_kind(kind)))
    for sample, values in configure.outside_vocabulary(project, name, _column_kind(kind)).items():
        click.echo(f"{sample} has values outside the vocabulary, which stay: {', '.join(values)}", err=True)


@config.command("replacement")
@_name
@click.argument("value", metavar="VALUE")
@_kind
@click.pass_obj
@ends_cleanly
def replacement(folder: Path, name: str, value: str, kind: str | None) -> None:
    """Give samples that lack the column NAME another value."""
    from nwb_schema import configure

    _done(configure.set_replacement(_project(folder), name, value, _column_kind(kind)))


@config.command("describe")
@_name
@click.argument("text", metavar="TEXT")
@_kind
@click.pass_obj
@ends_cleanly
def describe(folder: Path, name: str, text: str, kind: str | None) -> None:
    """Describe the column NAME in one line."""
    from nwb_schema import configure

    _done(configure.set_description(_project(folder), name, text, _column_kind(kind)))


@config.command("defaults")
@click.argument("values", metavar="[NAME=VALUE]...", nargs=-1)
@_json
@click.pass_obj
@ends_cleanly
def defaults(folder: Path, values: tuple[str, ...], as_json: bool) -> None:
    """Set lab defaults, such as indicator=GCaMP6f; an empty value removes one. Without any, print them."""
    from nwb_schema import configure
    from nwb_schema.lab_defaults import DEFAULT_FIELDS

    given: dict[str, Any] = {}
    for text in values:
        name, separator, value = text.partition("=")
        if not separator:
            raise click.UsageError(f"{text!r} is not NAME=VALUE, such as indicator=GCaMP6f")
        # A name has a comma of its own ("Doe, Jane"), so several people are separated by semicolons.
        given[name] = [part.strip() for part in value.split(";") if part.strip()] if name == "experimenter" else value
    project = _project(folder)
    configuration = configure.set_lab_defaults(project, given) if given else project.configuration()
    if as_json:
        print_json({"version": configuration.version, "defaults": dict(configuration.defaults)})
        return
    for name, field in DEFAULT_FIELDS.items():
        click.echo(f"{name} = {_shown(configuration.defaults.get(name, '-'))}    ({field.help})")


@config.command("subjects")
@click.option(
    "--import", "source", metavar="FILE.csv", type=click.Path(path_type=Path), help="Take in the subjects of a table."
)
@click.option(
    "--export", "target", metavar="FILE.csv", type=click.Path(path_type=Path), help="Write the table to a file."
)
@_json
@click.pass_obj
@ends_cleanly
def subjects(folder: Path, source: Path | None, target: Path | None, as_json: bool) -> None:
    """Print the table of subjects, after taking in one, or write it to a file."""
    from nwb_schema.subjects import import_subjects, read_subjects, write_subjects

    path = _project(folder).subjects_path
    known = import_subjects(path, source) if source is not None else read_subjects(path)
    if target is not None:
        if target.exists():
            raise click.UsageError(f"{target} exists already; give the name of a new file.")
        write_subjects(target, known.values())
    if as_json:
        print_json({"subjects": list(known.values())})
        return
    for subject_id, values in known.items():
        details = [f"{name}: {value}" for name, value in values.items() if name != "subject_id"]
        click.echo(f"{subject_id}  {' | '.join(details)}".rstrip())


def _project(folder: Path) -> Any:
    from nwb_schema.project import Project

    return Project.open(folder)


def _column_kind(kind: str | None) -> Any:
    from nwb_schema.columns import ColumnKind

    return None if kind is None else ColumnKind(kind)


def _done(configuration: Any) -> None:
    click.echo(f"configuration version {configuration.version}", err=True)


def _as_json(configuration: Any) -> dict[str, Any]:
    fields: tuple[tuple[str, Callable[[Any], Any]], ...] = (
        ("name", lambda column: column.name),
        ("key", lambda column: column.key),
        ("kind", lambda column: column.kind.value),
        ("type", lambda column: column.type.value),
        ("replacement", lambda column: column.replacement),
        ("vocabulary", lambda column: list(column.vocabulary)),
        ("hidden", lambda column: column.hidden),
        ("description", lambda column: column.description),
    )
    return {
        "version": configuration.version,
        "columns": [{name: get(column) for name, get in fields} for column in configuration.columns],
        "defaults": dict(configuration.defaults),
    }


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
