"""Whether the process that a job was given to is still the same living process."""

from __future__ import annotations

import os
import socket

import psutil


def this_process() -> tuple[str, int, float]:
    """``(host, pid, started_at)`` of this process."""
    return socket.gethostname(), os.getpid(), psutil.Process().create_time()


def is_alive(host: str | None, pid: int | None, started_at: float | None) -> bool | None:
    """Whether that process still runs here; None when it belongs to another host, which cannot be asked.

    A process number is used again after a while, so the time at which the process began has to be the same too.
    A zombie has ended: nobody has collected it yet.
    """
    if host != socket.gethostname():
        return None
    if pid is None or started_at is None:
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started_at) < 1.0
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    except psutil.AccessDenied:
        return True
