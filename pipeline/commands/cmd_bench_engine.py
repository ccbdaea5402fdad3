"""``fluorite bench engine``: how fast the built-in engine is, and how many cells it finds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from pipeline.commands.bench_options import recording_options
from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.options import json_option

_MOVIES = ("sim", "sim1p", "sim3d", "twophoton", "cortex", "onephoton")


@click.command("engine")
@recording_options(
    _MOVIES,
    "sim, sim1p and sim3d (12 planes of a quarter of the height and width) are simulated here; the others are in the "
    "shared folder.",
    cells=click.option(
        "--cells", type=click.IntRange(min=1), help="Cells in a simulated movie.  [default: 150, sim1p: 80, sim3d: 40]"
    ),
)
@click.option(
    "--against",
    type=click.Choice(["caiman", "suite2p"]),
    multiple=True,
    help="Run this program, too, in its own interpreter, and compare. May be repeated.",
)
@click.option(
    "--cache",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where runs of other programs are kept.  [default: in the user's cache folder]",
)
@json_option
@ends_cleanly
def bench_engine(
    names: tuple[str, ...],
    against: tuple[str, ...],
    cache: Path | None,
    shared: Path,
    frames: int,
    height: int,
    width: int,
    cells: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Run the built-in engine on recordings whose cells are known: seconds, memory, F1, traces."""
    from pipeline.benchmarks.engine import benchmark
    from pipeline.benchmarks.peers import cache_folder
    from pipeline.benchmarks.recordings import Size

    with closing(ProgressLine("bench")) as line:
        report = benchmark(
            names,
            size=Size(frames, height, width, cells, seed),
            shared=shared,
            against=against,
            cache=cache or cache_folder(),
            progress=line,
        )
    if as_json:
        print_json(report)
    else:
        for name, measured in report["movies"].items():
            _print(name, measured, against)


def _print(name: str, measured: Mapping[str, Any], against: tuple[str, ...]) -> None:
    n_frames, *field = measured["shape"]
    click.echo(f"{name}: {n_frames} frames of {' x '.join(map(str, field))}, preset {measured['preset']}")
    ours = measured["ours"]
    _print_run(ours)
    click.echo(f"  floor (read, FFT, product): {measured['floor_s']} s; ours is {ours['times_floor']} times that")
    for note in measured["notes"]:
        click.echo(f"  note: {note}")
    for peer in dict.fromkeys(against):
        if "failed" in measured[peer]:
            click.echo(f"  {peer} failed: {measured[peer]['failed']}")
        else:
            _print_peer(measured[peer])


def _print_peer(found: Mapping[str, Any]) -> None:
    for number, run in enumerate(found["runs"]):
        _print_run(run)
        kept = f", kept from {run['measured']}" if run["kept"] else ""
        best = ", the best of these" if number == found["best"] and len(found["runs"]) > 1 else ""
        click.echo(f"    parameters: {json.dumps(run['parameters'])}{kept}{best}")
    ratios, agreement = found["ratios"], found["agreement"]
    click.echo(
        f"  ours against it: {ratios['speed']} x the speed ({ratios['processor']} x less processor time), "
        f"{ratios['memory']} x less memory, F1 {ratios['f1_difference']:+}; cells agree with F1 {agreement['f1']}, "
        f"their traces with {agreement['trace_corr_median']}"
    )


def _print_run(run: Mapping[str, Any]) -> None:
    click.echo(
        f"  {run['engine']} {run['version']}: F1 {run['f1']}, precision {run['precision']}, recall {run['recall']}, "
        f"traces {run['trace_corr_median']}, {run['seconds']['total']} s ({run['cpu_s']} s of processor), "
        f"{run['peak_rss_mb']} MB"
    )
    stages = ", ".join(f"{stage} {value}" for stage, value in run["seconds"].items() if stage != "total")
    click.echo(f"    seconds: {stages}")
