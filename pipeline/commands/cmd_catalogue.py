"""``fluorite samples``, ``fluorite rois``, ``fluorite filters`` and ``fluorite index``: what is in a project."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from nwb_schema.errors import FilterError
from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.options import AnyCommand, json_option

Level = Literal["samples", "rois"]

_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
_COLUMNS: dict[Level, tuple[str, ...]] = {
    "samples": (
        *("subject_id", "session_id", "n_accepted", "n_rois", "rate_hz", "duration_s", "engine", "status", "name"),
    ),
    "rois": ("roi_uuid", "index", "is_accepted", "snr", "r_values", "area_px", "name"),
}


def _listing_options(command: AnyCommand) -> AnyCommand:
    """What samples and ROIs are chosen, in what order, and what is made of them."""
    for option in (
        json_option,
        click.option("--code", is_flag=True, help="Print Python code (pandas) that filters the same, instead."),
        click.option("--history", is_flag=True, help="Print each filter with how many rows it left, instead."),
        click.option("--replace", is_flag=True, help="--save may replace a filter of that name."),
        click.option("--save", metavar="NAME", help="Keep these filters in the project, under this name."),
        click.option("--saved", metavar="NAME", help="Use saved filters; --filter comes on top."),
        click.option("--csv", "csv_file", metavar="FILE", type=click.Path(path_type=Path), help="Write a table."),
        click.option("--values", metavar="COLUMN", help="Print the values of a column and how often each occurs."),
        click.option("--limit", type=click.IntRange(min=0), help="At most so many rows."),
        click.option("--offset", default=0, type=click.IntRange(min=0), help="Leave out the first rows."),
        click.option("--sort", "sort", metavar="COLUMN", multiple=True, help="Sort by it; -COLUMN: descending."),
        click.option(
            "--filter",
            "filters",
            metavar="COLUMN=EXPRESSION",
            multiple=True,
            help="Keep rows that match, e.g. subject_id=m1, 'n_rois=$>=:50', 'engine=$NOT:caiman'. May be repeated.",
        ),
    ):
        command = option(command)
    return command


@click.command("samples")
@_folder
@_listing_options
@ends_cleanly
def samples(folder: Path, **options: Any) -> None:
    """List the samples of the project in DIR."""
    _list(folder, "samples", **options)


@click.command("rois")
@_folder
@_listing_options
@ends_cleanly
def rois(folder: Path, **options: Any) -> None:
    """List the ROIs of all samples of the project in DIR."""
    _list(folder, "rois", **options)


@click.command("filters")
@_folder
@click.option("--remove", metavar="NAME", help="Forget a saved filter.")
@json_option
@ends_cleanly
def filters(folder: Path, remove: str | None, as_json: bool) -> None:
    """List the filters that were saved in the project in DIR, with what they leave."""
    from nwb_schema import saved_filters as stored

    catalogue = _catalogue(folder)
    project = catalogue.project
    if remove is not None:
        stored.remove_filter(project, remove)
    rows = []
    for saved in stored.saved_filters(project):
        row: dict[str, Any] = {
            "name": saved.name,
            "level": saved.level,
            "filters": [list(step) for step in saved.filters],
        }
        try:
            row |= {"count": catalogue.count(saved.level, saved.filters), "problem": None}
        except FilterError as error:
            # Its column may have been renamed since; the others are listed all the same.
            row |= {"count": None, "problem": str(error)}
        rows.append(row)
    if as_json:
        print_json({"filters": rows})
        return
    shown = [{**row, "filters": ", ".join("=".join(step) for step in row["filters"])} for row in rows]
    _print_table(shown, ("name", "level", "count", "filters"))
    for row in rows:
        if row["problem"]:
            click.echo(f"{row['name']}: {row['problem']}", err=True)


@click.command("index")
@_folder
@json_option
@ends_cleanly
def index(folder: Path, as_json: bool) -> None:
    """Rebuild the catalogue of the project in DIR from its NWB files."""
    from nwb_schema.catalogue import Catalogue
    from nwb_schema.project import Project

    catalogue = Catalogue(Project.open(folder))
    line = ProgressLine("index")
    try:
        catalogue.rebuild(lambda done, of: line("reading samples", done / of))
    finally:
        line.close()
    listed = catalogue.samples()
    n_rois = catalogue.count("rois")
    bad = [row for row in listed if row.get("reason")]
    if as_json:
        print_json({"samples": len(listed), "rois": n_rois, "unreadable": bad})
        return
    click.echo(f"{len(listed)} samples, {n_rois} ROIs, {len(bad)} files that cannot be used")
    for row in bad:
        click.echo(f"{row['name']}: {row['reason']}", err=True)


def _list(
    folder: Path,
    level: Level,
    *,
    filters: tuple[str, ...],
    sort: tuple[str, ...],
    offset: int,
    limit: int | None,
    values: str | None,
    csv_file: Path | None,
    saved: str | None,
    save: str | None,
    replace: bool,
    history: bool,
    code: bool,
    as_json: bool,
) -> None:
    from nwb_schema.saved_filters import SavedFilter, find_saved, save_filter

    catalogue = _catalogue(folder)
    steps = _split(filters)
    if saved is not None:
        steps = [*find_saved(catalogue.project, saved, level).filters, *steps]
    order = [(name.removeprefix("-"), name.startswith("-")) for name in sort]
    if save is not None:
        catalogue.count(level, steps)  # refuses what is no filter
        save_filter(catalogue.project, SavedFilter(save, level, tuple(steps)), existing=replace)
        click.echo(f"saved the filter {save!r}", err=True)
    if history or code:
        text = (catalogue.code if code else catalogue.history)(level, steps)
        print_json({"code" if code else "history": text}) if as_json else click.echo(text.rstrip())
        return
    if values is not None:
        counted = [{"value": value, "count": count} for value, count in catalogue.values(values, steps, level=level)]
        print_json({"values": counted}) if as_json else _print_table(counted, ("value", "count"))
        return
    page = catalogue.page(level, steps, order_by=order, limit=limit, offset=offset)
    if csv_file is not None:
        _write_csv(csv_file, page.rows)
    if as_json:
        print_json({level: page.rows, "total": page.total})
        return
    extra = [column.name for column in catalogue.columns(level) if column.definition is not None and column.listed]
    shown = [name for name in extra if page.rows and name in page.rows[0]]
    _print_table(page.rows, (*_COLUMNS[level][:-1], *shown, _COLUMNS[level][-1]))
    for row in page.rows:
        if row.get("reason"):
            click.echo(f"{row['name']}: {row['reason']}", err=True)


def _catalogue(folder: Path) -> Any:
    from nwb_schema.catalogue import Catalogue
    from nwb_schema.edits import recover
    from nwb_schema.project import Project

    project = Project.open(folder)
    recover(project)
    catalogue = Catalogue(project)
    line = ProgressLine("index")
    try:
        catalogue.refresh(lambda done, of: line("reading samples", done / of))
    finally:
        line.close()
    return catalogue


def _split(filters: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in filters:
        column, separator, expression = text.partition("=")
        if not separator or not column:
            raise click.UsageError(f"--filter {text!r} is not COLUMN=EXPRESSION, such as subject_id=m1")
        pairs.append((column, expression))
    return pairs


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    from nwb_schema.spreadsheet import inert_cell

    def cell(value: Any) -> Any:
        return inert_cell(value) if isinstance(value, str) else value

    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            names = [name for name in (rows[0] if rows else ()) if name != "tags"]
            writer.writerow([cell(name) for name in names])
            writer.writerows([cell(row[name]) for name in names] for row in rows)
    except OSError as error:
        raise FilterError(
            path, f"cannot be written ({error.strerror})", "Choose a folder where you may write."
        ) from error


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    cells = [[_shown(row.get(column)) for column in columns] for row in rows]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    for line in [list(columns), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        # One row stays one line of reasonable length, whatever people type into a tag.
        line = " ".join(value.split())
        return line if len(line) <= 100 else f"{line[:97]}..."
    return f"{value:.4g}" if isinstance(value, float) else str(value)
