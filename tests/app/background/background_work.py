"""Callbacks for the tests of background callbacks: the processes that run them import them from here."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dash.background_callback.managers import BaseBackgroundCallbackManager

from app.background.callback_project import background_project


def name_of_project(word: str) -> list[str]:
    """Say in which project this runs."""
    return [background_project().name, word]


def killed(_word: str) -> None:
    """End as the kernel ends what takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def failing(_word: str) -> None:
    """Fail as a fault in the code does."""
    raise ValueError("no such thing")


def waiting(report: Callable[[Any], None], folder: str) -> None:
    """Say that it runs, and never end by itself."""
    report("running")
    (Path(folder) / "running").touch()
    while True:
        time.sleep(0.05)


def register() -> dict[Callable[..., Any], str]:
    """Make them known to all managers, as Dash does with a page's callbacks; returns the name of each."""
    callbacks = {name_of_project: None, killed: None, failing: None, waiting: "progress"}
    return {fn: BaseBackgroundCallbackManager.register_func(fn, progress, "test") for fn, progress in callbacks.items()}
