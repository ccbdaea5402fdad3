"""Running `worker.py` in CaImAn's interpreter: its progress, its log, its memory, and its end."""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from nwb_schema.errors import EngineError
from pipeline.progress import Progress

logger = logging.getLogger("fluorite.caiman")

# How often progress is told, a wish to stop is noticed, and memory is looked at.
_LOOK_EVERY_S = 0.2
_LOG_TAIL_LINES = 15
# How long a worker whose output is closed may take to end.
_LAST_WORDS_S = 5.0
REMEDY = "What CaImAn said last is in the job's log; `fluorite check-caiman` looks at the installation."


@dataclass
class Outcome:
    """What the worker told.

    Attributes
    ----------
    answer
        What its last line said was done.
    notes
        Sentences for a reader of the result.
    peak_rss_bytes
        Highest sum over the worker and all processes that it started.
    """

    answer: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    peak_rss_bytes: int = 0


def run_child(
    command: list[str],
    *,
    folder: Path,
    log: Path,
    environment: Mapping[str, str],
    progress: Progress,
    name: str = "CaImAn",
    remedy: str = REMEDY,
) -> Outcome:
    """Run `command`, which tells of its work as `worker.py` does, in a process group of its own.

    However this ends, no process of the group is left: also when `progress` raises.

    Parameters
    ----------
    folder
        Its working folder.
    log
        File that gets its standard error.
    name, remedy
        What messages call it, and what they advise.

    Raises
    ------
    EngineError
        When it fails, dies, or ends without saying that it is done.
    """
    outcome = Outcome()
    told: queue.Queue[dict[str, Any] | None] = queue.Queue()
    with log.open("wb") as log_file:
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log_file, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise EngineError(command[0], f"cannot be run ({error})", remedy) from error
        assert process.stdout is not None
        reader = threading.Thread(target=_read, args=(process.stdout, told), name="caiman-reader", daemon=True)
        try:
            reader.start()
            went_wrong = _follow(process, told, outcome, progress)
        finally:
            _end_group(process)
            reader.join(timeout=5)
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    stream.close() if stream is not None else None
    if went_wrong is None and outcome.answer:
        return outcome
    _log_tail(log)
    raise EngineError(name, went_wrong or _death(process.returncode), remedy)


def _follow(
    process: subprocess.Popen[bytes],
    told: queue.Queue[dict[str, Any] | None],
    outcome: Outcome,
    progress: Progress,
) -> str | None:
    """Pass on what the worker tells until it ends; returns what went wrong, in its own words, or None."""
    stage, fraction = "starting CaImAn", 0.0
    while True:
        try:
            message = told.get(timeout=_LOOK_EVERY_S)
        except queue.Empty:
            message = {}
        if message is None:
            break
        if "stage" in message:
            stage, fraction = str(message["stage"]), _as_fraction(message.get("fraction"))
        elif "note" in message:
            outcome.notes.append(str(message["note"]))
        elif "error" in message:
            error = message["error"] if isinstance(message["error"], dict) else {}
            return f"stopped with {error.get('type', 'an error')}: {error.get('message', '')}".strip(": ")
        elif isinstance(message.get("done"), dict):
            outcome.answer = message["done"]
            return None
        outcome.peak_rss_bytes = max(outcome.peak_rss_bytes, _resident_bytes(process.pid))
        progress(stage, fraction)
    try:
        process.wait(timeout=_LAST_WORDS_S)
    except subprocess.TimeoutExpired:
        return "closed its output without saying that it was done"
    return None


def _read(stream: IO[bytes], told: queue.Queue[dict[str, Any] | None]) -> None:
    """Put every line that is a JSON object into the queue; None at the end. Other lines are no business of ours."""
    with suppress(ValueError, OSError):  # the stream is closed under our feet when the work is stopped
        for line in stream:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict):
                told.put(message)
    told.put(None)


def _as_fraction(value: Any) -> float:
    return min(1.0, max(0.0, float(value))) if isinstance(value, int | float) else 0.0


def _resident_bytes(pid: int) -> int:
    total = 0
    with suppress(psutil.Error):
        worker = psutil.Process(pid)
        for process in (worker, *worker.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever of the group still runs, and wait for the worker itself."""
    if hasattr(os, "killpg"):
        # The worker leads a group of its own (start_new_session), whose number stays its own while a member lives.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        with suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        with suppress(OSError):
            process.kill()
    process.wait()


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        hint = " (out of memory, or somebody killed it)" if name == "SIGKILL" else ""
        return f"was ended by {name}{hint}, without a word"
    return f"ended with exit code {code} without saying that it was done"


def _log_tail(log: Path) -> None:
    """Put the end of CaImAn's log into the job's."""
    with suppress(OSError):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]:
            logger.info("CaImAn: %s", line)
