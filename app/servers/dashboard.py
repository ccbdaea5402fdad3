"""The dashboard of one project, as a Dash application."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import dash
import dash_bootstrap_components as dbc
from dash import Dash, dcc, html
from dash.development.base_component import Component

from app.background.failure import problem_alert, say_failure
from app.background.managers import background_manager
from app.components import (
    attention_view,
    browse_view,
    bulk_edit,
    configuration_view,
    curation_view,
    details_view,
    edit_history,
    export_samples,
    export_view,
    figure_dialogue,
    folder_browser,
    heatmap_panel,
    import_view,
    jobs_panel,
    parameter_history_view,
    parameter_run,
    parameter_view,
    picture_view,
    player_view,
    process_form,
    results_view,
    roi_tools,
    samples_table,
    stimulus_copy_view,
    stimulus_import_view,
    stimulus_view,
    trace_panel,
    trash_view,
)
from app.components.batch import form as batch_form
from app.components.batch import looking as batch_looking
from app.components.batch import plan as batch_plan
from app.components.batch import starting as batch_starting
from app.components.compare import choosing as compare_choosing
from app.components.compare import traces as compare_traces
from app.components.compare import view as compare_view
from app.components.markup import aria, data
from app.components.tune import crop as tune_crop
from app.components.tune import images as tune_images
from app.components.tune import motion as tune_motion
from app.components.tune import source as tune_source
from app.components.tune import use as tune_use
from app.pages import (
    batch_page,
    browse_page,
    compare_page,
    configuration_page,
    details_page,
    export_page,
    import_page,
    parameters_page,
    project_page,
    results_page,
    sample_page,
    stimulus_page,
    tune_page,
    unknown_page,
)
from app.routes.catalogue import catalogue
from app.routes.edits import edits
from app.routes.images import images
from app.routes.pictures import saved
from app.routes.results import results
from app.routes.stimuli import stimuli
from app.routes.traces import traces
from app.routes.tuning import tuning
from app.servers import browser_cache, request_guard
from app.workspace import Workspace, attach
from nwb_schema.project import Project
from pipeline.jobs.submission import current_actor

ASSETS = Path(__file__).resolve().parents[2] / "assets"
HEALTH_ENDPOINT = "healthz"


def create_app(project_folder: Path, home_url: str = "") -> Dash:
    """The dashboard of the project in a folder; `app.servers.serve.serve` runs it.

    Parameters
    ----------
    home_url
        Address of the home page that opened the project; empty where there is none.

    Raises
    ------
    ProjectError
        When the folder is not a project.
    """
    project = Project.open(project_folder)
    app = Dash(
        "fluorite",
        title=f"{project.name} · Fluorite",
        update_title=None,  # type: ignore[arg-type]  # Dash takes None for "leave the title alone"
        use_pages=True,
        pages_folder="",
        assets_folder=str(ASSETS),
        serve_locally=True,
        health_endpoint=HEALTH_ENDPOINT,
        background_callback_manager=background_manager(project),
        on_error=say_failure,
        # Otherwise Dash makes all pages at the first request, and sends them, a megabyte, with every page.
        # That callbacks name only what is on some page is tested instead.
        suppress_callback_exceptions=True,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    # Signs the handles of background callbacks; whoever had one from before a restart has to ask again.
    app.server.secret_key = secrets.token_hex(32)
    attach(app.server, Workspace.of(project))
    app.server.register_blueprint(images)
    app.server.register_blueprint(edits)
    app.server.register_blueprint(catalogue)
    app.server.register_blueprint(stimuli)
    app.server.register_blueprint(tuning)
    app.server.register_blueprint(traces)
    app.server.register_blueprint(results)
    app.server.register_blueprint(saved)
    request_guard.install(app.server, app.csp_hashes)
    browser_cache.install(app.server)
    _register_pages(project.name)
    app.layout = _frame(project, home_url)
    for component in (
        samples_table,
        attention_view,
        process_form,
        folder_browser,
        jobs_panel,
        player_view,
        results_view,
        compare_view,
        compare_traces,
        compare_choosing,
        picture_view,
        roi_tools,
        sample_page,
        trace_panel,
        heatmap_panel,
        figure_dialogue,
        curation_view,
        edit_history,
        browse_view,
        bulk_edit,
        configuration_view,
        trash_view,
        stimulus_view,
        stimulus_import_view,
        stimulus_copy_view,
        parameter_view,
        parameter_run,
        parameter_history_view,
        tune_source,
        tune_images,
        tune_crop,
        tune_motion,
        tune_use,
        details_view,
        batch_form,
        batch_looking,
        batch_plan,
        batch_starting,
        import_view,
        export_samples,
        export_view,
    ):
        component.register(app)
    return app


# Each page with its title, and its address: one with a part in angle brackets is of a sample.
_PAGES = (
    (project_page, "", "/"),
    (sample_page, "Sample", "/sample/<identifier>"),
    (browse_page, "Browse", "/browse"),
    (stimulus_page, "Stimuli", "/stimuli/<identifier>"),
    (parameters_page, "Parameters", "/parameters"),
    (tune_page, "Tune", "/tune"),
    (results_page, "Results", "/results/<identifier>"),
    (compare_page, "Compare", "/compare/<identifier>"),
    (batch_page, "Many movies", "/batch"),
    (import_page, "Import", "/import"),
    (export_page, "Export", "/export"),
    (details_page, "Details", "/details/<identifier>"),
    (configuration_page, "Configuration", "/configuration"),
)


def _register_pages(project_name: str) -> None:
    register: Callable[..., None] = dash.register_page
    for page, title, address in _PAGES:
        kind = "path_template" if "<" in address else "path"
        whole = " · ".join(filter(None, (title, project_name, "Fluorite")))
        register(page.__name__, title=whole, layout=page.layout, **{kind: address})
    register("not_found_404", title="Not found · Fluorite", layout=unknown_page.layout)


def _frame(project: Project, home_url: str = "") -> Component:
    return html.Div(
        [
            html.Header(
                [
                    dcc.Link(
                        [html.Span(className="brand-mark", **aria(hidden="true")), "Fluorite"],
                        href="/",
                        className="brand",
                    ),
                    html.Span(project.name, className="project-name", title=str(project.folder)),
                    html.A("All projects", href=home_url, className="home-link") if home_url else None,
                    html.Nav(
                        [
                            dcc.Link("Project", href="/"),
                            dcc.Link("Browse", href="/browse"),
                            dcc.Link("Tune", href="/tune"),
                            dcc.Link("Parameters", href="/parameters"),
                            dcc.Link("Configuration", href="/configuration"),
                            dcc.Link("Export", href="/export"),
                        ],
                        className="site-nav",
                        **aria(label="Pages"),
                    ),
                    html.Button(
                        "\u25d0",
                        type="button",
                        className="theme-switch",
                        title="Light or dark",
                        **aria(label="Light or dark"),
                        **data(theme="switch"),
                    ),
                    html.Label(
                        [
                            html.Span("Working as"),
                            dbc.Input(
                                id="actor",
                                type="text",
                                placeholder=current_actor(),
                                maxLength=80,
                                persistence="fluorite",
                                persistence_type="local",
                                autocomplete="off",
                                size="sm",
                            ),
                        ],
                        className="actor",
                        title="Your name, kept by this browser and written into every edit",
                    ),
                ],
                className="site-header",
            ),
            problem_alert(),
            dash.page_container,
            *jobs_panel.job_stores(),
        ]
    )
