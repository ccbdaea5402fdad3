"""The list of projects: recent ones, what waits in each, and a field to open another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.components import folder_picker
from app.components.markup import aria, data
from app.formatting import clock_time
from app.home.facts import ProjectFacts, project_facts
from app.home.project_servers import ProjectServers
from app.home.recent_projects import RecentProject, forget, recent_projects
from nwb_schema.errors import FluoriteError
from nwb_schema.project import CONFIG_NAME

_SHOWN_MATTERS = 4


def projects_view(named: Sequence[Path]) -> Component:
    """The projects of this user; what is said of each comes when the page is there."""
    return html.Div(
        [
            html.Section(
                [
                    html.Div(
                        [
                            html.H1("Your projects", id="home-title"),
                            dbc.Button("New project", id="home-new", color="primary"),
                        ],
                        className="card-head",
                    ),
                    html.Div(project_cards(listed(named)), id="home-projects", className="home-projects"),
                    dcc.Store(id="home-visit", data=1),
                ],
                **aria(labelledby="home-title"),
            ),
            html.Section(
                [
                    html.H2("Open another project", id="home-open-title"),
                    html.Div(
                        [
                            html.Label(
                                [
                                    html.Span("Folder of the project", className="visually-hidden"),
                                    dbc.Input(
                                        id="home-folder",
                                        type="text",
                                        className="path-input",
                                        placeholder="/data/my-project",
                                    ),
                                ],
                                className="home-open-field",
                            ),
                            html.Button("Browse\u2026", id="open-pick", type="button", className="text-button"),
                            dbc.Button("Open", id="home-open", color="primary", outline=True),
                        ],
                        className="home-open-row",
                    ),
                    html.Div(id="home-said", role="status", className="form-message"),
                    dcc.Loading(html.Div(id="home-busy", className="home-busy"), type="dot", delay_show=300),
                ],
                className="card-panel",
                **aria(labelledby="home-open-title"),
            ),
            dcc.Store(id="home-go", data=None),
            folder_picker.folder_dialogue("open", "Choose the folder of a project"),
        ],
        className="home-list",
    )


def listed(named: Sequence[Path]) -> list[RecentProject]:
    """The projects to list: those that were named, then those that were opened before."""
    recent = {one.folder: one for one in recent_projects()}
    first = [recent.get(str(folder), RecentProject(str(folder), folder.name, 0.0)) for folder in named]
    rest = [one for one in recent.values() if one.folder not in {one.folder for one in first}]
    return [*first, *rest]


def project_cards(
    projects: Sequence[RecentProject], facts: Mapping[str, ProjectFacts] | None = None
) -> list[Component]:
    """One card a project, or what to do when there is none."""
    if not projects:
        return [
            html.Div(
                [
                    html.P("No project yet.", className="empty-title"),
                    html.P("A project is a folder with the cells, tags and stimuli of your recordings."),
                    html.P(["Or look at a finished one first, from a terminal: ", html.Code("fluorite demo")]),
                ],
                className="card-panel empty-hint is-large",
            )
        ]
    return [_card(one, (facts or {}).get(one.folder)) for one in projects]


def _card(project: RecentProject, facts: ProjectFacts | None) -> Component:
    there = (Path(project.folder) / CONFIG_NAME).is_file()
    problem = (facts.problem if facts else "") if there else "It is not there: moved, deleted, or its disk is away."
    opened = f"opened {clock_time(project.opened_at)}" if project.opened_at else ""
    waiting = list(facts.waiting) if facts else []
    more = len(waiting) - _SHOWN_MATTERS
    return html.Article(
        [
            html.Div(
                [
                    html.H2(project.name),
                    html.Div(project.folder, className="home-place", title=project.folder),
                    html.Div(
                        " \u00b7 ".join(part for part in (facts.facts if facts else "", opened) if part),
                        className="muted",
                    ),
                    html.P(problem, className="home-problem") if problem else None,
                ]
            ),
            html.Ul(
                [
                    *(
                        html.Li(
                            html.Button(
                                one.text,
                                id={"type": "home-see", "folder": project.folder, "href": one.href},
                                type="button",
                                className="home-see",
                            ),
                            className="is-pressing" if one.pressing else "",
                        )
                        for one in waiting[:_SHOWN_MATTERS]
                    ),
                    html.Li(f"and {more} more") if more > 0 else None,
                ],
                className="attention-list",
            )
            if waiting
            else None,
            html.Div(
                [
                    dbc.Button(
                        "Open",
                        id={"type": "home-open", "folder": project.folder},
                        size="sm",
                        color="primary",
                        disabled=not there,
                    ),
                    html.Button(
                        "Forget",
                        id={"type": "home-forget", "folder": project.folder},
                        type="button",
                        className="text-button",
                        title="Take it off this list; the project itself stays as it is",
                    ),
                ],
                className="home-actions",
            ),
        ],
        className="card-panel home-project" + ("" if there else " is-away"),
        **data(project=project.name),
    )


def page_of(url: str, asked: Any) -> str:
    """The address to go to: of the project's dashboard at `url`, or of its page on the matter that was pressed."""
    href = asked.get("href", "") if isinstance(asked, Mapping) else ""
    # What a page sends may be anything: only what is on that very server is gone to.
    return f"{url.rstrip('/')}/{href.lstrip('/')}" if href.startswith(("/", "#")) else url


def register(app: Dash, servers: ProjectServers, named: Sequence[Path]) -> None:
    """Add the list's callbacks."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("fluorite_home", "go"),
        Output("home-busy", "title"),
        Input("home-go", "data"),
        prevent_initial_call=True,
    )

    @app.callback(Output("home-projects", "children"), Input("home-visit", "data"))
    def look(_visit: Any) -> list[Component]:
        projects = listed(named)
        there = [one.folder for one in projects if (Path(one.folder) / CONFIG_NAME).is_file()]
        return project_cards(projects, {folder: project_facts(Path(folder)) for folder in there})

    @app.callback(
        Output("home-go", "data"),
        Output("home-said", "children"),
        Output("home-said", "className"),
        Output("home-busy", "children"),
        Input({"type": "home-open", "folder": ALL}, "n_clicks"),
        Input({"type": "home-see", "folder": ALL, "href": ALL}, "n_clicks"),
        Input("home-open", "n_clicks"),
        Input("home-folder", "n_submit"),
        State("home-folder", "value"),
        prevent_initial_call=True,
    )
    def open_project(_cards: Any, _matters: Any, _button: Any, _enter: Any, typed: str | None) -> tuple[Any, ...]:
        asked: Any = ctx.triggered_id
        if not ctx.triggered or not ctx.triggered[0]["value"]:
            return (no_update,) * 4
        folder = asked["folder"] if isinstance(asked, dict) else (typed or "").strip()
        if not folder:
            return no_update, "Type the folder of a project, or press Browse.", "form-message is-error", ""
        # What a page sends may be anything; a folder counts as opened before only when it is on the list.
        known = folder in {one.folder for one in recent_projects()}
        try:
            url = servers.open(Path(folder).expanduser(), trusted=known)
            return page_of(url, asked), "", "form-message", ""
        except FluoriteError as error:
            return no_update, str(error), "form-message is-error", ""

    @app.callback(
        Output("home-projects", "children", allow_duplicate=True),
        Input({"type": "home-forget", "folder": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def forget_project(_clicks: Any) -> Any:
        asked: Any = ctx.triggered_id
        if not isinstance(asked, dict) or not ctx.triggered[0]["value"]:
            return no_update
        forget(asked["folder"])
        return look(None)
