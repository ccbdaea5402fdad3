"""``fluorite bench catalogue``: how fast large projects are listed, and samples are written, read and edited."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from pipeline.commands.bench_options import print_size, project_size_options
from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.options import json_option

_count = click.IntRange(min=1)


@click.command("catalogue")
@project_size_options(
    click.option("--frames", default=200, show_default=True, type=_count, help="Frames of each sample."),
    click.option(
        "--frames-of-one", default=10_000, show_default=True, type=_count, help="Frames of the sample that is edited."
    ),
    repeats=click.option("--repeats", default=7, show_default=True, type=_count, help="Times are medians of so many."),
)
@json_option
@ends_cleanly
def bench_catalogue(
    samples: int, rois: int, frames: int, frames_of_one: int, folder: Path | None, repeats: int, as_json: bool
) -> None:
    """Make a project of random samples and measure index, filters, counts, reading, writing and edits."""
    from pipeline.benchmarks.catalogue import Size, benchmark

    with closing(ProgressLine("bench")) as line:
        report = benchmark(Size(samples, rois, frames, frames_of_one), folder=folder, repeats=repeats, progress=line)
    if as_json:
        print_json(report)
        return
    print_size(report)
    for goal in report["goals"]:
        verdict = "" if goal["ok"] else "  missed"
        wanted = f"goal {goal['goal']:g} {goal['unit']}"
        click.echo(f"  {goal['what']:<27}{goal['measured']:>10g} {goal['unit']:<3}  {wanted}{verdict}")
    for title in ("filters_ms", "group_counts_ms", "sorted_page_ms"):
        listed = ", ".join(f"{name} {value:g}" for name, value in report[title].items())
        click.echo(f"  {title.removesuffix('_ms').replace('_', ' ')} (ms): {listed}")
    click.echo(f"  first filter {report['first_filter_ms']} ms, catalogue {report['catalogue_mb']} MB")
