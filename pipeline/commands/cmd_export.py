"""``fluorite export DIR --to OUT``: self-contained files in DANDI's layout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ends_cleanly, print_json
from pipeline.commands.options import json_option


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--to", "out", metavar="OUT", required=True, type=click.Path(path_type=Path), help="The export folder.")
@click.option("--sample", "samples", metavar="ID", multiple=True, help="Name or identifier; all when not given.")
@click.option("--without-movie", is_flag=True, help="Leave the registered movies out.")
@click.option("--allow-blockers", is_flag=True, help="Export although something blocks an upload.")
@json_option
@ends_cleanly
def export(
    folder: Path, out: Path, samples: tuple[str, ...], without_movie: bool, allow_blockers: bool, as_json: bool
) -> None:
    """Export samples of the project in DIR: one self-contained NWB file each, ready for DANDI."""
    from nwb_schema.export import plan_export
    from nwb_schema.project import Project
    from pipeline.commands.running import run_in_foreground
    from pipeline.exporting import ExportRequest

    project = Project.open(folder)
    plan = plan_export(project, samples, keep_movie=not without_movie)
    if plan.blockers and not allow_blockers:
        if as_json:
            print_json({"out": str(out), "ok": False, "blockers": [finding.as_dict() for finding in plan.blockers]})
        click.echo("Nothing was exported. This blocks an upload:", err=True)
        for file in plan.files:
            _print_findings(file.sample.name, [finding.as_dict() for finding in file.blockers], err=True)
        click.echo("Correct it, or export all the same with --allow-blockers.", err=True)
        sys.exit(1)
    request = ExportRequest(
        out=out.expanduser().resolve(), samples=samples, keep_movie=not without_movie, allow_blockers=allow_blockers
    )
    report = run_in_foreground(project, "export", request.model_dump(mode="json"), title=f"export to {out.name}")
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    if not report["ok"]:
        sys.exit(1)


def _print_report(report: Any) -> None:
    for file in report["files"]:
        done = "unchanged" if file["unchanged"] else f"{file['bytes'] / 1e6:.1f} MB, {file['seconds']:.1f} s"
        click.echo(f"{file['file']}: {done}")
        _print_findings("", file["findings"], err=False)
    for skipped in report["left_out"]:
        click.echo(f"left out: {skipped['sample']}: {skipped['reason']}", err=True)
    click.echo(
        "\nTo upload it:" if report["ok"] else "\nWhat is an error above blocks an upload. When it is corrected:"
    )
    for command in report["upload"]:
        click.echo(f"  {command}")


def _print_findings(title: str, findings: list[dict[str, Any]], *, err: bool) -> None:
    if title and findings:
        click.echo(title, err=err)
    for finding in findings:
        click.echo(f"  [ ] {finding['severity']}: {finding['message']}. {finding['remedy']}", err=err)
