"""Options that several benchmarks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.commands.options import AnyCommand

_count = click.IntRange(min=1)


def recording_options(
    movies: Sequence[str], explained: str, *, cells: AnyCommand, least_frames: int = 1
) -> Callable[[AnyCommand], AnyCommand]:
    """Which recordings with known cells are processed.

    Parameters
    ----------
    movies
        Those to choose from; `explained` says where each comes from.
    cells
        The option of how many cells a simulated movie has: each benchmark has its own number.
    least_frames
        The shortest simulated movie that can be measured.
    """
    return _in_order(
        click.option(
            "--movie",
            "names",
            type=click.Choice(movies),
            multiple=True,
            default=("sim",),
            show_default=True,
            help=f"{explained} May be repeated.",
        ),
        click.option(
            "--shared",
            metavar="DIR",
            type=click.Path(path_type=Path),
            default="../shared/data",
            show_default=True,
            help="Where movies/ with the other recordings is.",
        ),
        click.option(
            "--frames",
            default=2000,
            show_default=True,
            type=click.IntRange(min=least_frames),
            help="Of a simulated movie.",
        ),
        click.option("--height", default=240, show_default=True, type=click.IntRange(min=32)),
        click.option("--width", default=272, show_default=True, type=click.IntRange(min=32)),
        cells,
        click.option("--seed", default=0, show_default=True, type=int, help="Another seed, another simulated movie."),
    )


def project_size_options(*frames: AnyCommand, repeats: AnyCommand) -> Callable[[AnyCommand], AnyCommand]:
    """How large the made-up project is, where it lies, and how often each time is taken.

    Parameters
    ----------
    frames, repeats
        Options of which each benchmark has its own.
    """
    return _in_order(
        click.option("--samples", default=1000, show_default=True, type=_count, help="Samples in the project."),
        click.option(
            "--rois", default=500, show_default=True, type=click.IntRange(min=20), help="ROIs of each sample."
        ),
        *frames,
        click.option(
            "--folder",
            metavar="DIR",
            type=click.Path(path_type=Path, exists=True),
            help="Work here: on the disk to measure.",
        ),
        repeats,
    )


def print_size(report: Mapping[str, Any]) -> None:
    """The first line of what a benchmark of projects says."""
    click.echo(f"{report['n_samples']} samples, {report['n_rois']} ROIs; calibration {report['calibration_s']} s")


def _in_order(*options: AnyCommand) -> Callable[[AnyCommand], AnyCommand]:
    def add(command: AnyCommand) -> AnyCommand:
        for option in reversed(options):  # the one that is added last is listed first
            command = option(command)
        return command

    return add
