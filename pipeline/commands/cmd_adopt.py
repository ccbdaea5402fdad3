"""``fluorite adopt DIR FILE.nwb``: a foreign NWB file becomes a sample."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import ends_cleanly, log_to_stderr, print_json
from pipeline.commands.options import json_option, read_metadata, sample_options


@click.command("adopt")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE.nwb", type=click.Path(path_type=Path))
@sample_options
@json_option
@ends_cleanly
def adopt(
    folder: Path, file: Path, subject: str | None, session: str | None, metadata_file: Path | None, as_json: bool
) -> None:
    """Make a sample of the project in DIR of FILE.nwb, which another program wrote. The file itself is only read."""
    from nwb_schema.project import Project
    from pipeline.adopting import AdoptRequest
    from pipeline.commands.running import recovered, run_in_foreground

    log_to_stderr()
    project = Project.open(folder)
    request = AdoptRequest(file=file.resolve(), subject=subject, session=session, **read_metadata(metadata_file))
    spec = request.model_dump(mode="json")
    report = recovered(project, "adopt", spec) or run_in_foreground(project, "adopt", spec, title=file.name)
    if as_json:
        print_json({"samples": [report]})
        return
    click.echo(f"{report['sample']}: {report['n_accepted']} of {report['n_rois']} cells accepted")
    for note in report["notes"]:
        click.echo(note, err=True)
