"""What HTML and Dash need that their Python signatures do not say."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash


def aria(**attributes: str) -> dict[str, Any]:
    """Keyword arguments for ``aria-*`` attributes: ``html.Div(..., **aria(label="Movie"))``."""
    return {f"aria-{name}": value for name, value in attributes.items()}


def data(**attributes: str) -> dict[str, Any]:
    """Keyword arguments for ``data-*`` attributes."""
    return {f"data-{name}": value for name, value in attributes.items()}


def clientside(app: Dash, function: str, *dependencies: Any, prevent_initial_call: bool = False) -> None:
    """Add a callback that runs in the browser: `function` of ``assets/callbacks.js``."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("fluorite", function), *dependencies, prevent_initial_call=prevent_initial_call
    )
