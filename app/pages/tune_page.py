"""Look at a movie before it is processed: which size, thresholds, patches, crop and motion correction fit it."""

from __future__ import annotations

from urllib.parse import unquote

from dash import html
from dash.development.base_component import Component

from app.components.parameter_view import parameters_of
from app.components.tune.crop import crop_card
from app.components.tune.images import cells_card, image_card, image_stores
from app.components.tune.motion import motion_card, motion_stores
from app.components.tune.source import source_card, source_stores
from app.components.tune.use import use_card
from app.parameters.tuning import fields_of
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError


def layout(movie: str = "", sample: str = "", start: str = "", **_query: str) -> Component:
    """The page.

    Parameters
    ----------
    movie, sample
        From the address: the path of a movie, or the identifier of a sample whose raw movie is looked at.
    start
        From the address: what the fields start from (`parameter_view.start_options`).
    """
    workspace = current_workspace()
    workspace.catalogue.refresh()
    begin = unquote(start) or "preset:2p"
    try:
        preset, parameters = parameters_of(workspace.project, begin)
    except FluoriteError:
        begin = "preset:2p"
        preset, parameters = parameters_of(workspace.project, begin)
    texts = fields_of(parameters)
    return html.Main(
        [
            html.Div(
                [
                    html.H1("Tune"),
                    html.P(
                        "Look at a movie before it is processed, and choose on it what the cells are found with.",
                        className="muted",
                    ),
                ],
                className="page-head",
            ),
            source_card(workspace, unquote(sample), unquote(movie), begin),
            html.Div(
                [
                    html.Div([image_card(texts)], className="tune-main"),
                    html.Div(
                        [cells_card(texts), crop_card(), use_card(workspace.project.writable)],
                        className="tune-side",
                    ),
                    html.Div([motion_card(texts)], className="tune-motion"),
                ],
                className="tune-columns",
            ),
            *source_stores(preset, parameters),
            *image_stores(),
            *motion_stores(),
        ],
        className="page tune-page",
    )
