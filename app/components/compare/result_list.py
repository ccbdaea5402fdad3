"""All results for the movie, a row each: what a sweep of parameters is judged by."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from app.components.compare.wording import is_shown, memory_text
from app.components.markup import aria
from app.formatting import ABSENT, duration, local_moment, number
from app.parameters.form import setting
from app.samples.compared import overviews
from app.samples.store import SampleData
from app.workspace import Workspace
from pipeline.variants.comparing import Overview
from pipeline.variants.listing import Variant

_SHOWN_DIFFERENCES = 6


def list_card(workspace: Workspace, variants: Sequence[Variant], sample: SampleData) -> Component:
    """All results, a row each: what a sweep of parameters is judged by."""
    known = overviews(workspace, sample, list(variants))
    head = ["", "Result", "Engine", "Accepted", "Also in the sample", "Found", "SNR", "r", "Time", "Memory", "Made"]
    rows = [html.Tr(_list_row(variant, known.get(variant.id))) for variant in variants]
    own = not any(variant.is_chosen for variant in variants)
    note = "The sample's own results file is not here; the sample itself can be compared all the same." if own else None
    words = "SNR and r are medians of the accepted cells. \u2713 marks the result that the sample has."
    return html.Section(
        [
            html.H2("All results for this movie", id="compare-list-title"),
            html.Table(
                [html.Thead(html.Tr([html.Th(name) for name in head])), html.Tbody(rows)],
                className="plain-table is-list",
            )
            if rows
            else None,
            html.P(" ".join(filter(None, (note, words if rows else None))), className="muted"),
        ],
        className="card-panel",
        **aria(labelledby="compare-list-title"),
    )


def _list_row(variant: Variant, overview: Overview | None) -> list[Component]:
    differing = overview.differing if overview else ()
    said = {key: " ".join(setting(key, here)) for key, _, here in differing if is_shown(key)}
    # A run is named after what was changed for it, unless somebody gave it another name.
    differs = [html.Span(words, title=key) for key, words in said.items() if words not in variant.title.split(", ")]
    more = len(differs) - _SHOWN_DIFFERENCES
    differs = differs[:_SHOWN_DIFFERENCES] + ([html.Span(f"and {more} more")] if more > 0 else [])
    return [
        html.Td("\u2713" if variant.is_chosen else ""),
        html.Td(
            [
                variant.title or ABSENT,
                html.Code(variant.id[:8], className="muted variant-id"),
                html.Div(differs, className="muted variant-differs") if differs else None,
            ]
        ),
        html.Td(f"{variant.engine} {variant.engine_version}"),
        *(
            html.Td(text)
            for text in (
                str(variant.n_accepted),
                ABSENT if overview is None else str(overview.n_both),
                str(variant.n_rois),
                ABSENT if overview is None else _score(overview.median_snr),
                ABSENT if overview is None else _score(overview.median_r),
                duration(variant.seconds.get("total")),
                memory_text(variant),
            )
        ),
        html.Td(f"{local_moment(variant.at)} {variant.actor}"),
    ]


def _score(value: float) -> str:
    return number(value, 3) if value == value else ABSENT


def only_one(workspace: Workspace, sample: SampleData) -> Component:
    """How another result is made, where there is none yet."""
    name, folder = sample.path.stem, workspace.project.folder
    return html.Section(
        [
            html.H2("There is nothing to compare yet"),
            html.P(
                [
                    "Make another result for this movie; it leaves the sample as it is. On ",
                    dcc.Link("Parameters", href="/parameters"),
                    f", change what you like and choose {name} under “The movie of a sample”. Or from a terminal:",
                ]
            ),
            html.Pre(f"fluorite process --variant-of {name} --params changes.json --project {folder}"),
            html.P("Or take one that CaImAn made:"),
            html.Pre(f"fluorite import caiman.hdf5 --variant-of {name} --project {folder}"),
        ],
        className="card-panel",
    )
