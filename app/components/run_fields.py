"""What the forms of parameters ask about a run beside the parameters: which movie, and who is recorded in it.

The ids begin with the form's name: ``parameters-movie`` and ``tune-movie``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import State
from dash.development.base_component import Component

from app.parameters.runs import RunTarget
from app.workspace import Workspace

FROM_FILE = "file"
"""In the list of samples: the movie is a file that is named elsewhere."""
_MOST_SAMPLES = 500
# Each with its label and what stands in it while it is empty.
_RECORDED = (
    ("subject", "Subject", None),
    ("session", "Session", "from the file"),
    ("rate", "Frame rate (Hz)", "from the file"),
)


def chosen_sample(value: str | None) -> str | None:
    """The identifier that was chosen from the list, or None for a file."""
    return None if value in (None, "", FROM_FILE) else value


def sample_options(workspace: Workspace) -> list[dict[str, str]]:
    """The samples of the project, for a list to choose from."""
    rows = workspace.catalogue.samples()
    usable = [row for row in rows if row.get("identifier") and row.get("is_ours")]
    return [
        {"label": str(row["name"]).removesuffix(".nwb").removesuffix("_ophys"), "value": str(row["identifier"])}
        for row in usable[:_MOST_SAMPLES]
    ]


def recorded_fields(form: str, labelled: Callable[[str, Component], Component]) -> list[Component]:
    """Subject, session and frame rate, each in the label that `labelled` puts around it."""
    return [
        labelled(
            label,
            dbc.Input(id=f"{form}-{name}", type="text", size="sm", autocomplete="off", placeholder=placeholder),
        )
        for name, label, placeholder in _RECORDED
    ]


def run_states(form: str, *more: str) -> dict[str, State]:
    """The fields of a form that make a `RunTarget`, for a callback; `more` are those that only this form has."""
    names = ("sample", "movie", *(name for name, _, _ in _RECORDED), *more)
    return {name: State(f"{form}-{name}", "value") for name in names}


def run_target(values: Mapping[str, Any]) -> RunTarget:
    """What is to be processed, from the values of `run_states`."""
    return RunTarget(**{**values, "sample": chosen_sample(values["sample"])})
