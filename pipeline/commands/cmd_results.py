"""``fluorite results DIR SAMPLE --to FOLDER``: what the IDEAS workflow hands out, as files."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.editing import sample_arguments
from pipeline.commands.options import json_option


@click.command("results")
@sample_arguments
@click.option("--to", "to", metavar="FOLDER", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option("--with-rejected", is_flag=True, help="Rejected cells are in the previews and among the events, too.")
@click.option(
    "--least-event",
    metavar="X",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    help="Leave out events that do not reach X times the noise of their trace.",
)
@json_option
@ends_cleanly
def results(folder: Path, sample: str, to: Path, with_rejected: bool, least_event: float, as_json: bool) -> None:
    """Write results file, cell sets, initialisation images and events of SAMPLE."""
    from nwb_schema.project import Project
    from pipeline.outputs.writing import Outputs, write_outputs

    project = Project.open(folder)
    path = project.find_sample(sample)
    line = ProgressLine(path.name)
    try:
        outputs = Outputs(project, path, rejected=with_rejected, least_noise=least_event, progress=line)
        written = write_outputs(outputs, to)
    finally:
        line.close()
    if as_json:
        print_json({"folder": str(written.folder), "files": list(written.files), "notes": list(written.notes)})
        return
    for name in written.files:
        click.echo(str(written.folder / name))
    for note in written.notes:
        click.echo(f"note: {note}", err=True)
