"""``fluorite trash DIR [SAMPLE...]``: take samples out of the project, and put them back."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import ends_cleanly, print_json
from pipeline.commands.options import json_option


@click.command("trash")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("samples", metavar="[SAMPLE...]", nargs=-1)
@click.option("--restore", is_flag=True, help="Put them back instead.")
@json_option
@ends_cleanly
def trash(folder: Path, samples: tuple[str, ...], restore: bool, as_json: bool) -> None:
    """Put each SAMPLE, with its movie, into the project's trash; without any, list what is there."""
    from nwb_schema.project import Project
    from nwb_schema.trash import restore_sample, trash_sample, trashed_samples
    from pipeline.jobs.submission import current_actor

    project = Project.open(folder)
    if restore and not samples:
        raise click.UsageError("--restore needs the name or identifier of a sample in the trash")
    for sample in samples:
        if restore:
            click.echo(f"restored {restore_sample(project, sample)}", err=True)
        else:
            done = trash_sample(project, project.find_sample(sample), actor=current_actor())
            click.echo(f"{done.name} is in {done.folder}", err=True)
    found = trashed_samples(project)
    if as_json:
        print_json(
            {
                "trash": [
                    {"name": one.name, "identifier": one.identifier, "at": one.at, "actor": one.actor} for one in found
                ]
            }
        )
    elif not samples:
        for one in found:
            click.echo(f"{one.name}  {one.identifier}  {one.at[:16].replace('T', ' ')}  {one.actor}".rstrip())
