"""``fluorite stimuli``: stimulus and behaviour periods of a sample, from a table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from pipeline.commands.console import ends_cleanly, print_json
from pipeline.commands.editing import open_sample, reason_option

_SHOWN = 10


@click.command("stimuli")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("sample", metavar="SAMPLE")
@click.argument("table", metavar="TABLE", type=click.Path(path_type=Path))
@click.option("--type", "type_name", metavar="NAME", required=True, help="The stimulus type; see `fluorite config`.")
@click.option("--frames", "unit", flag_value="frames", help="The times of TABLE are frames, counted from 0.")
@click.option("--seconds", "unit", flag_value="seconds", help="The times of TABLE are seconds.")
@click.option(
    "--map",
    "mapping",
    metavar="NAME=COLUMN",
    multiple=True,
    help="Which column of TABLE is start, stop, duration, name or colour, or is kept as NAME. May be repeated.",
)
@click.option("--part", metavar="NAME", help="Which sheet of an Excel file, or which intervals of an NWB file.")
@click.option(
    "--overlaps",
    type=click.Choice(["keep", "refuse"]),
    default="keep",
    show_default=True,
    help="Periods that overlap others of the type.",
)
@click.option(
    "--beyond",
    type=click.Choice(["keep", "cut", "refuse"]),
    default="keep",
    show_default=True,
    help="Periods outside the recording; cut leaves out what lies wholly outside.",
)
@click.option(
    "--invalid",
    type=click.Choice(["refuse", "leave-out"]),
    default="refuse",
    show_default=True,
    help="Rows without times, that stop before they start, or not in the vocabulary.",
)
@click.option("--events", is_flag=True, help="The rows of TABLE are moments with one time, not periods.")
@click.option("--replace", is_flag=True, help="Replace the periods of this type that SAMPLE has.")
@reason_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@ends_cleanly
def stimuli(
    folder: Path,
    sample: str,
    table: Path,
    type_name: str,
    unit: Literal["frames", "seconds"] | None,
    mapping: tuple[str, ...],
    part: str | None,
    overlaps: Literal["keep", "refuse"],
    beyond: Literal["keep", "cut", "refuse"],
    invalid: Literal["refuse", "leave-out"],
    events: bool,
    replace: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Put the periods of TABLE (CSV, TSV, Excel or NWB) into SAMPLE, a sample's name or identifier."""
    from nwb_schema.stimuli import load_stimuli
    from pipeline.jobs.submission import current_actor

    project, path = open_sample(folder, sample)
    loaded = load_stimuli(
        project,
        path.name,
        table,
        type_name,
        unit=unit,
        mapping=_split(mapping),
        part=part,
        overlaps=overlaps,
        beyond=beyond,
        invalid=invalid,
        moments=events,
        existing="replace" if replace else "refuse",
        actor=current_actor(),
        reason=reason,
    )
    periods = loaded.periods
    if as_json:
        report: dict[str, Any] = {
            "sample": str(loaded.sample),
            "type": loaded.type_name,
            "n_periods": len(periods.frame),
            "names": sorted(set(periods.frame["name"])),
            "problems": [asdict(problem) for problem in periods.problems],
            "notes": list(periods.notes),
        }
        print_json(report)
        return
    click.echo(f"{loaded.sample}: {len(periods.frame)} {'events' if events else 'periods'} of {loaded.type_name}")
    for note in periods.notes:
        click.echo(note, err=True)
    for problem in periods.problems[:_SHOWN]:
        click.echo(f"row {problem.row} {problem.message}: {problem.outcome}", err=True)
    if len(periods.problems) > _SHOWN:
        click.echo(f"and {len(periods.problems) - _SHOWN} more rows; --json lists all", err=True)


def _split(mapping: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in mapping:
        name, separator, column = text.partition("=")
        if not separator or not name or not column:
            raise click.UsageError(f"--map {text!r} is not NAME=COLUMN, such as name=ori")
        pairs[name] = column
    return pairs
