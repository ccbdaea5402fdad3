"""Whether the process that a job or a half-written file belongs to is still the same living process."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil


def this_process() -> tuple[str, int, float]:
    """``(host, pid, started)`` of this process; see `start_of` for `started`."""
    pid = os.getpid()
    return socket.gethostname(), pid, start_of(pid)


def start_of(pid: int) -> float:
    """When a process started, in seconds on a clock that nobody can set.

    On Linux that is the time since boot, as the kernel keeps it: psutil's wall-clock time moves when the clock is set,
    and a running job would look like another process.

    Raises
    ------
    psutil.NoSuchProcess
        When there is no such process.
    """
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        try:
            # Field 22; the second field is the program's name in parentheses and may hold blanks and parentheses.
            return int(stat.read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        except (FileNotFoundError, ProcessLookupError):
            raise psutil.NoSuchProcess(pid) from None
    return psutil.Process(pid).create_time()


def is_alive(host: str | None, pid: int | None, started: float | None) -> bool | None:
    """Whether that process still runs here; None when it belongs to another host, which cannot be asked.

    A process number is used again after a while, so the time at which the process began has to be the same too.
    A zombie has ended: nobody has collected it yet.
    """
    if host != socket.gethostname():
        return None
    if pid is None or started is None:
        return False
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and abs(start_of(pid) - started) < 1.0
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    except psutil.AccessDenied:
        return True
