"""``fluorite bench ...``: speed and accuracy. One module a benchmark; add it to the list below."""

from __future__ import annotations

import click

from pipeline.commands.cmd_bench_catalogue import bench_catalogue
from pipeline.commands.cmd_bench_engine import bench_engine
from pipeline.commands.cmd_bench_online import bench_online
from pipeline.commands.cmd_bench_viewer import bench_viewer


@click.group("bench")
def bench() -> None:
    """Measure speed and accuracy on this machine."""


for _command in (bench_catalogue, bench_engine, bench_online, bench_viewer):
    bench.add_command(_command)
