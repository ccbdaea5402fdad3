"""``fluorite init DIR``: make a project."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import ends_cleanly


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", help="The project's name; the folder's name when not given.")
@ends_cleanly
def init(folder: Path, name: str | None) -> None:
    """Make a new project in DIR."""
    from nwb_schema.project import Project

    project = Project.create(folder, name=name)
    click.echo(
        f"Made the project '{project.name}' in {project.folder}\n"
        f"Next: fluorite process MOVIE --project {project.folder}",
        err=True,
    )
