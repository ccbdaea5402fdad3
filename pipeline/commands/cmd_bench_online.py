"""``fluorite bench online``: how many frames a second online mode keeps up with, and how many cells it finds."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.options import json_option


@click.command("online")
@click.option(
    "--movie",
    "names",
    type=click.Choice(["sim", "twophoton", "cortex"]),
    multiple=True,
    default=("sim",),
    show_default=True,
    help="sim is simulated here; the others are in the shared folder. May be repeated.",
)
@click.option(
    "--shared",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default="../shared/data",
    show_default=True,
    help="Where movies/ with the other recordings is.",
)
@click.option("--frames", default=2000, show_default=True, type=click.IntRange(min=100), help="Of a simulated movie.")
@click.option("--height", default=240, show_default=True, type=click.IntRange(min=32))
@click.option("--width", default=272, show_default=True, type=click.IntRange(min=32))
@click.option("--cells", default=150, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True, type=int, help="Another seed, another simulated movie.")
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

    line = ProgressLine("bench")
    size = Size(frames, height, width, cells, seed)
    try:
        report = benchmark_online(names, size=size, shared=shared, epochs=epochs, with_batch=batch, progress=line)
    finally:
        line.close()
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
