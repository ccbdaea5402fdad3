"""``fluorite bench catalogue``: how fast large projects are listed, and samples are written, read and edited."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.options import json_option

_count = click.IntRange(min=1)


@click.command("catalogue")
@click.option("--samples", default=1000, show_default=True, type=_count, help="Samples in the project.")
@click.option("--rois", default=500, show_default=True, type=click.IntRange(min=20), help="ROIs of each sample.")
@click.option("--frames", default=200, show_default=True, type=_count, help="Frames of each sample.")
@click.option(
    "--frames-of-one", default=10_000, show_default=True, type=_count, help="Frames of the sample that is edited."
)
@click.option(
    "--folder", metavar="DIR", type=click.Path(path_type=Path, exists=True), help="Work here: on the disk to measure."
)
@click.option("--repeats", default=7, show_default=True, type=_count, help="Times are medians of so many.")
@json_option
@ends_cleanly
def bench_catalogue(
    samples: int, rois: int, frames: int, frames_of_one: int, folder: Path | None, repeats: int, as_json: bool
) -> None:
    """Make a project of random samples and measure index, filters, counts, reading, writing and edits."""
    from pipeline.benchmarks.catalogue import Size, benchmark

    line = ProgressLine("bench")
    try:
        report = benchmark(Size(samples, rois, frames, frames_of_one), folder=folder, repeats=repeats, progress=line)
    finally:
        line.close()
    if as_json:
        print_json(report)
        return
    click.echo(f"{report['n_samples']} samples, {report['n_rois']} ROIs; calibration {report['calibration_s']} s")
    for goal in report["goals"]:
        verdict = "" if goal["ok"] else "  missed"
        wanted = f"goal {goal['goal']:g} {goal['unit']}"
        click.echo(f"  {goal['what']:<27}{goal['measured']:>10g} {goal['unit']:<3}  {wanted}{verdict}")
    for title in ("filters_ms", "group_counts_ms", "sorted_page_ms"):
        listed = ", ".join(f"{name} {value:g}" for name, value in report[title].items())
        click.echo(f"  {title.removesuffix('_ms').replace('_', ' ')} (ms): {listed}")
    click.echo(f"  first filter {report['first_filter_ms']} ms, catalogue {report['catalogue_mb']} MB")
