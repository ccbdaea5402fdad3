"""``fluorite bench online``: how many frames a second online mode keeps up with, and how many cells it finds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from pipeline.commands.bench_options import recording_options
from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.options import json_option


@click.command("online")
@recording_options(
    ("sim", "twophoton", "cortex"),
    "sim is simulated here; the others are in the shared folder.",
    cells=click.option("--cells", default=150, show_default=True, type=click.IntRange(min=1)),
    least_frames=100,
)
@click.option(
    "--epochs", default=1, show_default=True, type=click.IntRange(min=1, max=10), help="Passes over the movie."
)
@click.option("--batch/--no-batch", default=True, show_default=True, help="Whether to run the batch engine as well.")
@json_option
@ends_cleanly
def bench_online(
    names: tuple[str, ...],
    shared: Path,
    frames: int,
    height: int,
    width: int,
    cells: int,
    seed: int,
    epochs: int,
    batch: bool,
    as_json: bool,
) -> None:
    """Run online mode on recordings whose cells are known: frames a second, latency, F1, traces."""
    from pipeline.benchmarks.online import benchmark_online
    from pipeline.benchmarks.recordings import Size

    size = Size(frames, height, width, cells, seed)
    with closing(ProgressLine("bench")) as line:
        report = benchmark_online(names, size=size, shared=shared, epochs=epochs, with_batch=batch, progress=line)
    if as_json:
        print_json(report)
        return
    for name, measured in report["movies"].items():
        online, latency = measured["online"], measured["online"]["latency_ms"]
        click.echo(
            f"{name}: {online['frames_per_s']} frames/s, latency median {latency['median']} ms, 95th percentile "
            f"{latency['p95']} ms, longest {latency['longest']} ms, {online['peak_rss_mb']} MB"
        )
        for kind in ("online", *(["batch"] if batch else [])):
            run = measured[kind]
            click.echo(f"  {kind}: F1 {run['f1']}, traces {run['trace_corr_median']}, {run['cpu_s']} s of processor")
