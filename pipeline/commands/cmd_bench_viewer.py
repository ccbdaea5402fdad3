"""``fluorite bench viewer``: how soon the pages are there and answer, in a real browser."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from pipeline.commands.bench_options import print_size, project_size_options
from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.options import json_option


@click.command("viewer")
@project_size_options(
    click.option(
        "--frames",
        default=10_000,
        show_default=True,
        type=click.IntRange(min=1),
        help="Frames of the samples that are looked at.",
    ),
    repeats=click.option(
        "--repeats", default=9, show_default=True, type=click.IntRange(min=2), help="Medians of so many."
    ),
)
@json_option
@ends_cleanly
def bench_viewer(samples: int, rois: int, frames: int, folder: Path | None, repeats: int, as_json: bool) -> None:
    """Make a project of random samples, open its pages in a headless Chromium, and measure what people wait for."""
    from pipeline.benchmarks.viewer import Size, benchmark

    with closing(ProgressLine("bench")) as line:
        report = benchmark(Size(samples, rois, frames), folder=folder, repeats=repeats, progress=line)
    if as_json:
        print_json(report)
        return
    print_size(report)
    for goal in report["goals"]:
        verdict = "" if goal["ok"] else "  missed"
        first = "" if goal["first"] is None else f", first {goal['first']:g}"
        click.echo(
            f"  {goal['what']:<26}{goal['measured']:>8g} {goal['unit']:<9} goal {goal['goal']:g}{first}{verdict}"
        )
    click.echo(f"  heat map {report['sample']['heatmap_ms']:g} ms; memory {report['memory']}")
