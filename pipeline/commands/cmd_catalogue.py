"""``fluorite samples``, ``fluorite rois`` and ``fluorite index``: what is in a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ends_cleanly, print_json

_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
_filters = click.option(
    "--filter",
    "filters",
    metavar="COLUMN=EXPRESSION",
    multiple=True,
    help="Keep rows that match, e.g. subject_id=m1, 'n_rois=$>=:50', 'engine=$NOT:caiman'. May be repeated.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command("samples")
@_folder
@_filters
@_json
@ends_cleanly
def samples(folder: Path, filters: tuple[str, ...], as_json: bool) -> None:
    """List the samples of the project in DIR."""
    rows = _catalogue(folder).samples(_split(filters))
    if as_json:
        print_json({"samples": rows})
        return
    columns = ("subject_id", "session_id", "n_accepted", "n_rois", "rate_hz", "duration_s", "engine", "status", "name")
    _print_table(rows, columns)
    for row in rows:
        if row.get("reason"):
            click.echo(f"{row['name']}: {row['reason']}", err=True)


@click.command("rois")
@_folder
@_filters
@_json
@ends_cleanly
def rois(folder: Path, filters: tuple[str, ...], as_json: bool) -> None:
    """List the ROIs of all samples of the project in DIR."""
    rows = _catalogue(folder).rois(_split(filters))
    if as_json:
        print_json({"rois": rows})
        return
    _print_table(rows, ("roi_uuid", "index", "is_accepted", "snr", "r_values", "area_px", "name"))


@click.command("index")
@_folder
@_json
@ends_cleanly
def index(folder: Path, as_json: bool) -> None:
    """Rebuild the catalogue of the project in DIR from its NWB files."""
    from nwb_schema.catalogue import Catalogue
    from nwb_schema.project import Project

    catalogue = Catalogue(Project.open(folder))
    catalogue.rebuild()
    listed = catalogue.samples()
    bad = [row for row in listed if row.get("reason")]
    if as_json:
        print_json({"samples": len(listed), "rois": len(catalogue.rois()), "unreadable": bad})
        return
    click.echo(f"{len(listed)} samples, {len(catalogue.rois())} ROIs, {len(bad)} files that cannot be used")
    for row in bad:
        click.echo(f"{row['name']}: {row['reason']}", err=True)


def _catalogue(folder: Path) -> Any:
    from nwb_schema.catalogue import Catalogue
    from nwb_schema.edits import recover
    from nwb_schema.project import Project

    project = Project.open(folder)
    recover(project)
    catalogue = Catalogue(project)
    catalogue.refresh()
    return catalogue


def _split(filters: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in filters:
        column, separator, expression = text.partition("=")
        if not separator or not column:
            raise click.UsageError(f"--filter {text!r} is not COLUMN=EXPRESSION, such as subject_id=m1")
        pairs.append((column, expression))
    return pairs


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    cells = [[_shown(row.get(column)) for column in columns] for row in rows]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    for line in [list(columns), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
