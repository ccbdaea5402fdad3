"""``fluorite check-caiman``: which CaImAn is there, and what will not work."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from pipeline.commands.console import ends_cleanly, print_json
from pipeline.commands.options import json_option


@click.command("check-caiman")
@click.option(
    "--project",
    "project_folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Look at its caiman_python, too.",
)
@click.option("--python", metavar="FILE", type=click.Path(path_type=Path), help="Look at this interpreter only.")
@json_option
@ends_cleanly
def check_caiman(project_folder: Path | None, python: Path | None, as_json: bool) -> None:
    """Say which CaImAn would run, by importing it, and what of it will not work; exit 1 when it cannot run."""
    from nwb_schema.project import Project
    from pipeline.engines.caiman.installation import find_python, probe

    project = Project.open(project_folder) if project_folder is not None else None
    found = probe(python if python is not None else find_python(project), try_import=True)
    findings = list(found.findings())
    runs = not any(finding.severity == "error" for finding in findings)
    if as_json:
        print_json({"runs": runs, **asdict(found), "python": str(found.python), "findings": [*map(asdict, findings)]})
    else:
        versions = (f"{name} {version}" for name, version in found.packages.items() if version)
        click.echo(f"interpreter: {found.python} (Python {found.python_version})")
        click.echo(f"CaImAn {found.version or 'is not there'}; {', '.join(versions)}")
        if found.is_caiman:
            click.echo(f"network: {found.cnn_weights[0] if found.cnn_weights else 'no weights'}")
        for finding in findings:
            click.echo(f"{finding.severity}: {finding.message}. {finding.remedy}".rstrip())
        click.echo("It can run." if runs else "It cannot run.")
    if not runs:
        sys.exit(1)
