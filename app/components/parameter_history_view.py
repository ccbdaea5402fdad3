"""What was used before in this project: when, for which sample, and how it differs from the preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import ALL, Dash, Input, Output, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.addresses import sample_url
from app.components.markup import aria
from app.components.parameter_view import PRESET_LABELS
from app.parameters.form import ROWS, text_of
from app.workspace import Workspace, current_workspace
from pipeline.parameter_history import UsedParameters, used_parameters, when_text

_SHOWN_USES = 4


def history_card() -> Component:
    """The card; its list is read once the page is there, because it may be of many samples."""
    return html.Section(
        [
            html.H2("Used before in this project", id="parameters-history-title"),
            html.Div(html.P("Reading…", className="muted"), id="parameters-history"),
            dcc.Store(id="parameters-history-wanted", data=True),
            dcc.Store(id="parameters-again", data=None),
        ],
        className="card-panel",
        **aria(labelledby="parameters-history-title"),
    )


def history_list(used: list[UsedParameters]) -> Component:
    """The list, the latest first."""
    if not used:
        text = "Nothing was processed in this project yet; what you use will be listed here."
        return html.P(text, className="muted")
    return html.Ol([_entry(one) for one in used], className="parameter-history")


def _entry(used: UsedParameters) -> Component:
    differences = used.differences
    uses: list[Component | str] = []
    for name, identifier in used.uses[:_SHOWN_USES]:
        uses += [dcc.Link(name, href=sample_url(identifier)) if identifier else html.Span(name), ", "]
    more = len(used.uses) - _SHOWN_USES
    uses = [*uses[:-1], f" and {more} more"] if more > 0 else uses[:-1]
    return html.Li(
        [
            html.Div(
                [
                    html.Span(when_text(used), className="job-when"),
                    html.Code(used.digest[:8], title=f"SHA-256 of the parameters: {used.digest}"),
                    html.Button(
                        "Load",
                        id={"type": "parameters-load", "digest": used.digest},
                        type="button",
                        className="text-button",
                        **aria(label=f"Load the parameters of {used.uses[0][0] if used.uses else used.digest[:8]}"),
                    ),
                ],
                className="parameter-history-head",
            ),
            html.Div(uses),
            html.Div(
                [
                    html.Span(f"{PRESET_LABELS[used.preset]}. ", className="muted"),
                    *_differences(differences),
                ],
                className="parameter-history-values",
            ),
        ]
    )


def _differences(differences: Mapping[str, tuple[Any, Any]]) -> list[Component]:
    if not differences:
        return [html.Span("As the preset has it.", className="muted")]
    return [
        html.Span([html.Code(key.rpartition(".")[2]), f" {text_of(here, ROWS[key])}"], className="fact-chip")
        for key, (here, _) in differences.items()
    ]


def used_here(workspace: Workspace) -> list[UsedParameters]:
    """What was used in the project of the dashboard."""
    return used_parameters(workspace.project, workspace.catalogue)


def register(app: Dash) -> None:
    """Add the card's callbacks."""

    @app.callback(Output("parameters-history", "children"), Input("parameters-history-wanted", "data"))
    def show(_wanted: bool) -> Component:
        return history_list(used_here(current_workspace()))

    @app.callback(
        Output("parameters-again", "data"),
        Input({"type": "parameters-load", "digest": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def load(_clicks: list[int | None]) -> Any:
        if not isinstance(ctx.triggered_id, dict) or not ctx.triggered[0]["value"]:
            return no_update
        digest = ctx.triggered_id["digest"]
        used = next((one for one in used_here(current_workspace()) if one.digest == digest), None)
        if used is None:
            return no_update
        overrides = {key: here for key, (here, _) in used.differences.items()}
        return {
            "preset": used.preset,
            "overrides": overrides,
            "times": len(_clicks),
            "serial": ctx.triggered[0]["value"],
        }
