"""``fluorite log DIR [SAMPLE]``: who changed what, when and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ends_cleanly, print_json
from pipeline.commands.editing import as_plain, open_sample
from pipeline.commands.options import json_option


@click.command("log")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("sample", metavar="[SAMPLE]", required=False)
@json_option
@ends_cleanly
def log(folder: Path, sample: str | None, as_json: bool) -> None:
    """List the edits of SAMPLE, or of all samples of the project in DIR, oldest first."""
    rows = _of_one(folder, sample) if sample is not None else _of_all(folder)
    if as_json:
        print_json({"edits": [as_plain(record) | {"sample": name} for name, record in rows]})
        return
    for name, record in rows:
        said = "" if sample is not None else f"{name}  "
        why = f"  ({' '.join(record.reason.split())})" if record.reason else ""
        click.echo(f"{record.at}  {said}{record.actor}  {record.what}{why}")


def _of_one(folder: Path, sample: str) -> list[tuple[str, Any]]:
    from nwb_schema.edits import edits_of

    project, path = open_sample(folder, sample)
    return [(path.name, record) for record in edits_of(project, path)]


def _of_all(folder: Path) -> list[tuple[str, Any]]:
    from nwb_schema.edits import all_edits, recover
    from nwb_schema.project import Project

    project = Project.open(folder)
    for name, error in recover(project).items():
        if error is not None:
            click.echo(f"{name}: {error}", err=True)
    return [(entry.name, entry.record) for entry in all_edits(project)]
