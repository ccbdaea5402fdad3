"""``fluorite behaviour``: what was measured beside the movie, from a table."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import FrameRate, ends_cleanly, print_json
from pipeline.commands.editing import open_sample, reason_option


@click.command("behaviour")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("sample", metavar="SAMPLE")
@click.argument("table", metavar="TABLE", type=click.Path(path_type=Path))
@click.option(
    "--column",
    "columns",
    metavar="NAME=COLUMN",
    multiple=True,
    help="Store COLUMN as the series NAME; every column of numbers when not given. May be repeated.",
)
@click.option("--unit", "units", metavar="NAME=UNIT", multiple=True, help="Unit of a series. May be repeated.")
@click.option("--time", "time_column", metavar="COLUMN", help="The column of times, in seconds.")
@click.option("--rate", "rate_hz", metavar="HZ", type=FrameRate(), help="Rows per second, for a table without times.")
@click.option("--start", "start_s", metavar="SECONDS", type=float, default=0.0, show_default=True, help="First row.")
@click.option("--replace", is_flag=True, help="Replace the series of these names that SAMPLE has.")
@reason_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@ends_cleanly
def behaviour(
    folder: Path,
    sample: str,
    table: Path,
    columns: tuple[str, ...],
    units: tuple[str, ...],
    time_column: str | None,
    rate_hz: float | None,
    start_s: float,
    replace: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Put the measurements in TABLE (CSV, TSV or Excel) into SAMPLE, a sample's name or identifier."""
    from nwb_schema.behaviour import load_behaviour
    from pipeline.jobs.submission import current_actor

    project, path = open_sample(folder, sample)
    loaded = load_behaviour(
        project,
        path.name,
        table,
        columns=_split("--column", columns),
        units=_split("--unit", units),
        rate_hz=rate_hz,
        start_s=start_s,
        time_column=time_column,
        existing="replace" if replace else "refuse",
        actor=current_actor(),
        reason=reason,
    )
    if as_json:
        series = [
            {"name": name, "unit": one.unit, "rate_hz": one.rate_hz, "n": len(one.values)}
            for name, one in loaded.series.items()
        ]
        print_json({"sample": str(loaded.sample), "series": series, "notes": list(loaded.notes)})
        return
    for name, one in loaded.series.items():
        rate = "irregular times" if one.rate_hz is None else f"{one.rate_hz:g} Hz"
        click.echo(f"{loaded.sample}: {name}, {len(one.values)} values in {one.unit}, {rate}")
    for note in loaded.notes:
        click.echo(note, err=True)


def _split(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name or not value:
            raise click.UsageError(f"{option} {text!r} is not NAME=VALUE")
        pairs[name] = value
    return pairs
