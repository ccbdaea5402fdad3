"""All of the page below its headline, and what fills it when other results are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output, State, dcc, no_update
from dash.development.base_component import Component

from app.components.compare.choosing import can_choose, choose_buttons
from app.components.compare.numbers import number_cards, numbers_table, parameter_card, parameters_table
from app.components.compare.outlines import legend, outline_card
from app.components.compare.result_list import list_card, only_one
from app.components.compare.sides import compared
from app.components.compare.traces import trace_card
from app.figures.compare_figures import distribution_figure, outline_figure
from app.samples.addresses import cells_image_url
from app.samples.compared import SAMPLE, Pair, first_choice, variants_of
from app.samples.store import SampleData
from app.workspace import Workspace
from nwb_schema.errors import FluoriteError


def compare_sections(workspace: Workspace, sample: SampleData, other: str = "") -> list[Component | None]:
    """All of the page below its headline; `other` is the id of what the sample is compared with at first."""
    variants = variants_of(workspace, sample)
    a, b = first_choice(variants)
    b = other if other in {variant.id for variant in variants} else b
    enough = len(variants) > 1 or (variants and not variants[0].is_chosen)
    return [
        list_card(workspace, variants, sample),
        outline_card(variants, a, b) if enough else only_one(workspace, sample),
        *(_detail_cards(workspace.project.writable) if enough else []),
    ]


def empty_sections() -> list[Component]:
    """Every part that a callback knows, for Dash, which asks which ids the page has."""
    return [
        outline_card([], SAMPLE, SAMPLE),
        *_detail_cards(writable=False),
        dcc.Store(id="compare-identifier", data=None),
    ]


def _detail_cards(writable: bool) -> list[Component]:
    return [trace_card(), number_cards(choose_buttons(writable)), parameter_card()]


def comparison_view(sample: SampleData, pair: Pair, *, on_top: bool) -> tuple[Any, ...]:
    """Outlines, legend, numbers, both distributions, parameters, and whether A and B can be chosen."""
    return (
        outline_figure(pair, cells_image_url(sample), on_top=on_top),
        legend(pair),
        numbers_table(pair),
        distribution_figure(pair, "snr", "SNR"),
        distribution_figure(pair, "r_values", "r (footprint and movie)"),
        parameters_table(pair),
        not can_choose(pair.a),
        not can_choose(pair.b),
    )


def register(app: Dash) -> None:
    """Compare whenever something else is chosen."""

    @app.callback(
        Output("compare-outlines", "figure"),
        Output("compare-legend", "children"),
        Output("compare-numbers", "children"),
        Output("compare-snr", "figure"),
        Output("compare-r", "figure"),
        Output("compare-parameters", "children"),
        Output("compare-use-a", "disabled"),
        Output("compare-use-b", "disabled"),
        Output("compare-problem", "children"),
        inputs={
            "view": Input("compare-view", "value"),
            "sides": {
                "identifier": State("compare-identifier", "data"),
                "a": Input("compare-a", "value"),
                "b": Input("compare-b", "value"),
                "accepted": Input("compare-accepted", "value"),
                "overlap": Input("compare-overlap", "value"),
            },
        },
    )
    def compare(view: str | None, sides: Mapping[str, Any]) -> tuple[Any, ...]:
        if sides["identifier"] is None:
            return (no_update,) * 9
        try:
            sample, pair = compared(sides)
            return *comparison_view(sample, pair, on_top=view == "top"), ""
        except FluoriteError as error:
            return (*(no_update,) * 6, True, True, str(error))
