"""The jobs of the project: state, progress, log, cancel.

::

    ledger ── background callback `watch_jobs` (progress, twice a second) ──┐
       └───── interval `poll` (every few seconds, cheap) ──────────────────┴─> jobs-state ─> panel, log, samples table
    `poll`, submit, cancel, going to the page ─> jobs-watch (a new nonce) ─> `watch_jobs`

The panel is made from the ledger, never from what the page remembers: after a reload, or when the watching process was
killed, `poll` finds the running job and starts to watch it again. What connects the callbacks lies in the frame around
all pages, because a background callback may end after its page was left.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.addresses import compare_url, sample_url
from app.background.callback_project import background_project
from app.background.callbacks import background_callback
from app.components.markup import aria, data
from app.field_names import field_words
from app.formatting import clock_time, count, duration
from app.job_view import any_active, cancel_waiting, follow, jobs_state, log_tail
from app.workspace import current_workspace
from nwb_schema.errors import JobError
from pipeline.jobs import Ledger, cancel

# Background callbacks are for work of less than a minute; a longer job is watched by one after the other.
_WATCH_S = 20.0
_WATCH_EVERY_S = 0.4
_POLL_MS = 3_000
_PATHS = ("/", "/batch", "/import", "/export")
"""Pages that have the panel."""

_PROGRESS = ("stage", "fraction", "overall")

_STATE_WORDS = {
    "queued": "waiting",
    "running": "running",
    "ok": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "lost": "lost",
}


def jobs_card(jobs: list[dict[str, Any]]) -> Component:
    """The panel with the jobs as they are now."""
    return html.Section(
        [
            html.H2("Jobs", id="jobs-title"),
            html.Div(job_list(jobs), id="jobs-panel"),
            dcc.Store(id="jobs-listed", data=without_progress(jobs)),
            html.Div(id="jobs-log-view"),
            dcc.Store(id="jobs-log-text", data=None),
        ],
        className="card-panel",
        **aria(labelledby="jobs-title"),
    )


def jobs_link(jobs: Sequence[Mapping[str, Any]]) -> Component:
    """Leads to the panel, which may lie far below, while something runs or waits."""
    return html.A(_active_words(jobs), id="jobs-running", href="#jobs-title", className="jobs-running")


def _active_words(jobs: Sequence[Mapping[str, Any]]) -> str:
    active = sum(bool(job["active"]) + int(job["also_waiting"]) for job in jobs)
    return f"{count(active, 'job')} at work \u2193" if active else ""


def job_stores() -> list[Component]:
    """What the callbacks hand to one another; for the frame around the pages."""
    return [
        dcc.Store(id="jobs-state", data=[]),
        dcc.Store(id="jobs-log", data=None),
        dcc.Store(id="jobs-submitted"),
        dcc.Store(id="jobs-cancelled"),
        # A nonce in the key of the background callback: nobody is given what was computed for another page.
        # One without data says that it changed: this starts a process
        dcc.Store(id="jobs-watch", data=""),
        dcc.Store(id="jobs-watching", data=False),
        dcc.Store(id="jobs-watched"),
        dcc.Interval(id="jobs-poll", interval=_POLL_MS),
    ]


def job_list(jobs: Sequence[dict[str, Any]]) -> list[Component]:
    """One entry a job, the newest first."""
    if not jobs:
        return [html.P("Nothing has been processed from here yet.", className="empty-hint")]
    return [_job_entry(job) for job in jobs]


def without_progress(jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the list is made of, but for what changes all the time while a job runs."""
    return [{name: value for name, value in job.items() if name not in _PROGRESS} for job in jobs]


def _job_entry(job: dict[str, Any]) -> Component:
    state = job["state"]
    word = "stopping" if job["stopping"] else _STATE_WORDS[state]
    parts: list[Component] = [
        html.Div(
            [
                html.Span(job["title"], className="job-title", title=job["title"]),
                html.Span(word, className=f"job-state is-{state}"),
            ],
            className="job-head",
        )
    ]
    if job["recording"]:
        parts.append(html.Div(job["recording"], className="job-recording", title=job["recording"]))
    if state == "running":
        parts.append(html.Div(_progress(job), id={"type": "job-progress", "job": job["id"]}))
    if job["error"]:
        parts.append(html.P(field_words(job["error"]), className="job-error"))
    actions: list[Component] = [
        html.Button("Log", id={"type": "job-log", "job": job["id"]}, className="text-button", type="button")
    ]
    if job["active"] and not job["stopping"]:
        actions.append(
            html.Button("Cancel", id={"type": "job-cancel", "job": job["id"]}, className="text-button", type="button")
        )
    if job["identifier"] and state == "ok":
        actions.append(dcc.Link("Open sample", href=sample_url(job["identifier"]), className="text-button"))
    if job["identifier"] and job["is_variant"]:
        actions.append(dcc.Link("Compare", href=compare_url(job["identifier"], job["id"]), className="text-button"))
    took = f" · took {duration(job['seconds'])}" if job["seconds"] is not None else ""
    parts.append(
        html.Div(
            [
                html.Span(f"{clock_time(job['created_at'])}{took}", className="job-when"),
                html.Span(actions, className="job-actions"),
            ],
            className="job-foot",
        )
    )
    if job["also_waiting"]:
        parts.append(
            html.Div(
                [
                    html.Span(f"and {job['also_waiting']} more that wait", className="muted"),
                    html.Button(
                        "Cancel all that wait",
                        id={"type": "jobs-clear", "at": "list"},
                        className="text-button",
                        type="button",
                    ),
                ],
                className="job-foot",
            )
        )
    return html.Article(parts, className=f"job is-{state}", **data(job=job["id"], state=state))


def _progress(job: dict[str, Any]) -> list[Component]:
    """The stage, and a bar of the whole job; a stage that is not known has a percentage of its own and no bar."""
    stage, of_stage = job["stage"] or "starting", f"{round(100 * job['fraction'])} %"
    if job["overall"] is None:
        return [html.Div(html.Span(f"{stage} {of_stage}"), className="job-stage")]
    percent = round(100 * job["overall"])
    return [
        html.Div(
            [html.Span(stage), html.Span(f"{percent} % of all")],
            className="job-stage",
            title=f"The whole job: about {percent} %. {stage}: {of_stage}.",
        ),
        dbc.Progress(value=percent, className="job-progress", style={"height": "6px"}, label="", color="primary"),
    ]


def watch_jobs(report: Callable[[Any], None], nonce: str | None) -> Any:
    """Background callback: report the jobs until none is active or the time is up; says whether some still are."""
    if not nonce:
        return False
    project = background_project()
    return follow(lambda: jobs_state(project), lambda jobs: report([jobs]), for_s=_WATCH_S, every_s=_WATCH_EVERY_S)


def register(app: Dash) -> None:
    """Add the panel's callbacks."""
    background_callback(
        app,
        watch_jobs,
        Output("jobs-watched", "data"),
        Input("jobs-watch", "data"),
        progress=Output("jobs-state", "data"),
        running=[(Output("jobs-watching", "data"), True, False)],
        interval_ms=500,
    )

    @app.callback(
        Output("jobs-state", "data"),
        Output("jobs-watch", "data"),
        Input("jobs-poll", "n_intervals"),
        Input("jobs-submitted", "data"),
        Input("jobs-cancelled", "data"),
        Input("_pages_location", "pathname"),
        State("jobs-state", "data"),
        State("jobs-watching", "data"),
    )
    def poll(
        _polls: int | None,
        _submitted: str | None,
        _cancelled: str | None,
        pathname: str | None,
        shown: list[dict[str, Any]],
        watching: bool,
    ) -> tuple[Any, Any]:
        jobs = jobs_state(current_workspace().project)
        # A process that watches is worth its memory only where the panel is.
        watch = any_active(jobs) and not watching and pathname in _PATHS
        return (no_update if jobs == shown else jobs), (_nonce() if watch else no_update)

    @app.callback(
        Output("jobs-cancelled", "data"),
        Input({"type": "job-cancel", "job": ALL}, "n_clicks"),
        Input({"type": "jobs-clear", "at": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def cancel_job(_clicks: list[int | None], _clear: list[int | None]) -> Any:
        # New buttons announce themselves, too, without having been pressed.
        if not isinstance(ctx.triggered_id, dict) or not ctx.triggered[0]["value"]:
            return no_update
        if ctx.triggered_id["type"] == "jobs-clear":
            cancel_waiting(current_workspace().project)
            return _nonce()
        # Without such a job the ledger was replaced under the page: what is listed next says so.
        with suppress(JobError):
            cancel(current_workspace().project, ctx.triggered_id["job"])
        return _nonce()

    @app.callback(Output("jobs-running", "children"), Input("jobs-state", "data"), prevent_initial_call=True)
    def link(jobs: list[dict[str, Any]]) -> str:
        return _active_words(jobs)

    # What is drawn anew is taken from under the pointer and loses the focus: the buttons stay while a job runs on.
    @app.callback(
        Output("jobs-panel", "children"),
        Output("jobs-listed", "data"),
        Input("jobs-state", "data"),
        State("jobs-listed", "data"),
        prevent_initial_call=True,
    )
    def show_jobs(jobs: list[dict[str, Any]], listed: list[dict[str, Any]]) -> tuple[Any, Any]:
        listing = without_progress(jobs)
        return (no_update, no_update) if listing == listed else (job_list(jobs), listing)

    @app.callback(
        Output({"type": "job-progress", "job": ALL}, "children"),
        Input("jobs-state", "data"),
        State({"type": "job-progress", "job": ALL}, "id"),
        prevent_initial_call=True,
    )
    def show_progress(jobs: list[dict[str, Any]], places: list[dict[str, str]]) -> list[Any]:
        running = {job["id"]: job for job in jobs if job["state"] == "running"}
        return [_progress(running[place["job"]]) if place["job"] in running else no_update for place in places]

    @app.callback(
        Output("jobs-log", "data"),
        Input({"type": "job-log", "job": ALL}, "n_clicks"),
        State("jobs-log", "data"),
        prevent_initial_call=True,
    )
    def choose_log(clicks: list[int | None], shown: str | None) -> Any:
        if not isinstance(ctx.triggered_id, dict) or not ctx.triggered[0]["value"]:
            return no_update
        job = ctx.triggered_id["job"]
        return None if job == shown else job

    @app.callback(
        Output("jobs-log-view", "children"),
        Output("jobs-log-text", "data"),
        Input("jobs-log", "data"),
        Input("jobs-state", "data"),
        Input("jobs-poll", "n_intervals"),
        State("jobs-log-text", "data"),
        prevent_initial_call=True,
    )
    def show_log(job_id: str | None, _jobs: Any, _polls: int | None, shown: list[str] | None) -> tuple[Any, Any]:
        if job_id is None:
            return (None, None) if shown else (no_update, no_update)
        try:
            job = Ledger(current_workspace().project).job(job_id)
        except JobError as error:
            return html.P(str(error), className="job-error"), None
        text = log_tail(job)
        if shown == [job_id, text]:  # who reads it stays where they are
            return no_update, no_update
        view = [html.H3(f"Log of {job.title}"), html.Pre(text, className="job-log", tabIndex="0")]
        return view, [job_id, text]


def _nonce() -> str:
    return uuid.uuid4().hex
