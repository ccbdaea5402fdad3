"""``fluorite check FILE.nwb...``: our checks, nwbinspector and ``dandi validate``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipeline.commands.console import ends_cleanly, print_json
from pipeline.commands.options import json_option


@click.command("check")
@click.argument("files", metavar="FILE.nwb...", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
@ends_cleanly
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check NWB files: our rules, nwbinspector (DANDI's configuration) and dandi validate. Exit code 1 on any error."""
    from nwb_schema.checks import Severity, check_file

    reports = []
    for path in files:
        report = check_file(path)
        reports.append(report)
        if not as_json:
            counts = ", ".join(_counted(report.count(severity), severity) for severity in Severity)
            click.echo(f"{path}: {counts}")
            for finding in report.findings:
                click.echo(f"  {finding}")
                if finding.command:
                    click.echo(f"    {finding.command}")
    if as_json:
        print_json({"ok": all(report.ok for report in reports), "files": [report.as_dict() for report in reports]})
    if not all(report.ok for report in reports):
        sys.exit(1)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
