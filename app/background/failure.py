"""Where and how a page says that work in the background failed."""

from __future__ import annotations

import dash_bootstrap_components as dbc
from dash import set_props
from dash.development.base_component import Component
from dash.exceptions import BackgroundCallbackError

from app.background.own_results import LOST

_PROBLEM = "background-problem"
_DASH_PREFIX = "An error occurred inside a background callback: "


def problem_alert() -> Component:
    """Where the page says that work in the background failed; empty until then."""
    return dbc.Alert(
        id=_PROBLEM, children="", is_open=False, dismissable=True, color="danger", className="background-problem"
    )


def say_failure(error: Exception) -> None:
    """Handler of the errors of all callbacks: one of a background callback is said on the page, others go on."""
    if not isinstance(error, BackgroundCallbackError):
        raise error
    said = str(error).removeprefix(_DASH_PREFIX).strip()
    set_props(_PROBLEM, {"children": said or LOST, "is_open": True})
