"""What all commands share: how they end, how they show progress, how they print JSON."""

from __future__ import annotations

import functools
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, ParamSpec, TypeVar

import click

from nwb_schema.errors import FluoriteError
from nwb_schema.provenance import jsonable
from pipeline.progress import Cancelled

P = ParamSpec("P")
R = TypeVar("R")

CANCELLED_EXIT = 130  # what a shell reports for Ctrl-C


def ends_cleanly(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a user or a file caused into one line on stderr and exit code 1, without a traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except FluoriteError as error:
            fail(error)
        except Cancelled:
            click.echo("cancelled: nothing was written", err=True)
            sys.exit(CANCELLED_EXIT)

    return wrapped


def fail(error: FluoriteError, *, exit_code: int = 1) -> NoReturn:
    """Say what went wrong in one line and leave."""
    click.echo(f"error: {_one_line(error)}", err=True)
    sys.exit(exit_code)


def print_json(value: Any) -> None:
    """One JSON object on stdout; numbers that JSON has no word for become null."""
    click.echo(json.dumps(jsonable(value), ensure_ascii=False, allow_nan=False))


def print_report(report: Mapping[str, Any]) -> None:
    """What came out of a movie, for people: the sample on stdout, what there is to know about it on stderr."""
    what = f"{report['sample']}, result {report['variant'][:8]}" if report.get("variant") else report["sample"]
    click.echo(f"{what}: {report['n_accepted']} of {report['n_rois']} cells accepted")
    for name, known in report.get("recording", {}).items():
        if known["from"] == "movie":
            click.echo(f"from the movie: {name} = {known['value']}", err=True)
    for note in report["notes"]:
        click.echo(f"note: {note}", err=True)


def log_to_stderr() -> None:
    """Show the job's log lines on stderr: stdout belongs to results."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    # How a job ended badly, the command itself says, as its last line; the log file has it as well.
    logging.getLogger().handlers[0].addFilter(lambda record: record.levelno < logging.ERROR)
    logging.getLogger("fluorite").setLevel(logging.INFO)
    logging.getLogger().setLevel(logging.WARNING)


class ProgressLine:
    """One line on a terminal, rewritten as work goes on; silent when stderr is not a terminal."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._live = sys.stderr.isatty()
        self._last = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.monotonic()
        if self._live and (now - self._last > 0.1 or fraction >= 1):
            self._last = now
            click.echo(f"\r\033[K{self._label}: {stage} {fraction:4.0%}", err=True, nl=False)

    def close(self) -> None:
        """Leave the line, so that what follows starts on a new one."""
        if self._live and self._last:
            click.echo("\r\033[K", err=True, nl=False)


class FrameRate(click.ParamType[float]):
    """A positive, finite number of frames per second."""

    name = "HZ"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or a usage error that says what is wrong with it."""
        try:
            rate_hz = float(value)
        except (TypeError, ValueError):
            self.fail(
                f"{value!r} is not a number. Give the imaging rate in frames per second, such as 15.5.", param, ctx
            )
        # Imported only here: it brings the readers of all formats along, which most commands do without.
        from pipeline.movies.rate import is_rate

        if not is_rate(rate_hz):
            self.fail(
                f"{value} is not a possible imaging rate. Give a positive number of frames per second.", param, ctx
            )
        return rate_hz


def _one_line(error: FluoriteError) -> str:
    return " ".join(str(error).split())
