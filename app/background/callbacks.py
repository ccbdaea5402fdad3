"""Registering a background callback with what the page shows while it runs; see `app.background.managers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dash import Dash, Input, Output, State

Shown = tuple[Output, Any, Any]
"""A property of the page, its value while the work runs, and its value afterwards."""


def background_callback(
    app: Dash,
    work: Callable[..., Any],
    *dependencies: Output | Input | State,
    progress: Output,
    at_rest: Any = None,
    running: Sequence[Shown] = (),
    cancel: Input | None = None,
    interval_ms: int = 300,
) -> None:
    """Have `work` done in the background whenever one of its inputs changes, not when the page opens.

    Parameters
    ----------
    work
        A function of a module: another process imports it. Its first argument reports what `progress` shows.
    at_rest
        What `progress` shows while nothing runs; None leaves the last report there.
    running
        What else the page shows meanwhile.
    cancel
        What ends the work when it changes.
    interval_ms
        How often the page asks how far it is.
    """
    options: dict[str, Any] = {} if at_rest is None else {"progress_default": [at_rest]}
    if running:  # Dash takes no empty list
        options["running"] = list(running)
    if cancel is not None:
        options["cancel"] = [cancel]
    app.callback(
        *dependencies,
        background=True,
        progress=[progress],
        interval=interval_ms,
        prevent_initial_call=True,
        **options,
    )(work)
