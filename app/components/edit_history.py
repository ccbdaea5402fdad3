"""What was edited: the history of a sample, and the card of the cell that is looked at with what happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.components.markup import aria
from app.formatting import count, local_moment
from app.samples.curation import tag_columns
from app.samples.edit_words import cell_numbers, in_cells
from app.samples.roi_rows import are_bodies, plain, roi_rows, tag_field
from app.samples.store import SampleData
from app.workspace import Workspace, current_workspace
from nwb_schema.columns import ColumnDefinition
from nwb_schema.edits.history import taken_back
from nwb_schema.errors import FluoriteError
from nwb_schema.layout import ENGINE_ORIGIN, ORIGIN

# The rest is in `fluorite log`, and in the file.
_SHOWN_EDITS = 100
_SHOWN_OF_A_CELL = 8
_SCORES = (("snr", "SNR", ".3g"), ("r_values", "r", ".2f"), ("cnn_preds", "CNN", ".2f"))


def history_card() -> Component:
    """The sample's history, folded until somebody asks for it.

    It is listed only while it is open: drawing a hundred rows anew after every decision held the page up.
    """
    return html.Section(
        [
            html.Details(
                [
                    html.Summary(html.H2("Edits", className="is-inline")),
                    html.Div(id="edit-list"),
                ],
                id="edits-fold",
            ),
            dcc.Store(id="edits-open", data=False),
        ],
        className="card-panel history-card",
    )


def cell_card() -> Component:
    """The card of the last of the selected cells; what it says comes with the selection."""
    return html.Div(id="cell-card", className="cell-card", **aria(live="polite"))


def edit_list(sample: SampleData) -> Component:
    """Who did what and when, the newest first; what is undone is struck out."""
    edits = sample.edits
    if not edits:
        return html.P("Nobody has edited this sample.", className="empty-hint")
    undone = taken_back(edits)
    numbers = cell_numbers(sample.rois)
    rows = [
        html.Tr(
            [
                html.Td(local_moment(edit.at)),
                html.Td(edit.actor),
                html.Td(
                    [
                        in_cells(edit.what, numbers),
                        html.Span(f" \u2013 {edit.reason}", className="muted") if edit.reason else None,
                    ]
                ),
            ],
            className="is-undone" if edit.id in undone else "",
        )
        for edit in reversed(edits[-_SHOWN_EDITS:])
    ]
    more = len(edits) - len(rows)
    return html.Div(
        [
            html.Table(
                [html.Thead(html.Tr([html.Th("When"), html.Th("Who"), html.Th("What")])), html.Tbody(rows)],
                className="edit-table",
            ),
            html.P(f"And {count(more, 'earlier edit')}: fluorite log", className="muted") if more > 0 else None,
        ]
    )


def describe_cell(sample: SampleData, key: str, tags: Sequence[ColumnDefinition]) -> list[Component | None]:
    """What is known of one cell: its state and who decided it, scores, size, place, tags, and what was done to it."""
    rows = sample.rows_of([key])
    if not rows:
        return []
    frame = sample.rois.iloc[rows]
    roi: dict[str, Any] = roi_rows(frame, tags)[0]
    its = [edit for edit in sample.edits if any(change.target.roi == key for change in edit.changes)]
    facts: list[tuple[str, str]] = [
        (label, format(roi[name], pattern)) for name, label, pattern in _SCORES if roi[name] is not None
    ]
    facts += _body(roi, sample) if are_bodies(frame) else _area(roi, sample)
    if roi[ORIGIN] != ENGINE_ORIGIN:
        facts.append(("Origin", roi[ORIGIN]))
    facts += [(column.name, _words(roi[tag_field(column)])) for column in tags]
    state = "deleted" if roi["deleted"] else "accepted" if roi["is_accepted"] else "rejected"
    numbers = cell_numbers(sample.rois)
    how = "decided by a person" if roi["curated"] else "by the evaluation"
    return [
        html.Div(
            [
                html.Strong(f"Cell {roi['index']}"),
                html.Span(f"{state}, {how}", className=f"cell-state is-{state}"),
                html.Code(key[:8], title=f"roi_uuid {key}"),
            ],
            className="cell-headline",
        ),
        html.Dl([part for name, value in facts for part in (html.Dt(name), html.Dd(value))], className="cell-facts"),
        html.Ul(
            [
                html.Li([f"{local_moment(edit.at)} {edit.actor}: {in_cells(edit.what, numbers)}"])
                for edit in reversed(its[-_SHOWN_OF_A_CELL:])
            ],
            className="cell-edits",
        )
        if its
        else None,
    ]


def _area(roi: Mapping[str, Any], sample: SampleData) -> list[tuple[str, str]]:
    """Size and place of a cell in a plane."""
    pixel_um = sample.pixel_size_um
    area = f"{roi['area_px']} px"
    if pixel_um is not None:
        area += f" ({roi['area_px'] * pixel_um[0] * pixel_um[1]:.4g} \u00b5m\u00b2)"
    facts = [("Area", area)]
    if roi["centroid_x"] is not None:
        facts.append(("Centre", f"x {roi['centroid_x']:.1f}, y {roi['centroid_y']:.1f} px"))
    return facts


def _body(roi: Mapping[str, Any], sample: SampleData) -> list[tuple[str, str]]:
    """Size and place of a cell in a volume, in micrometres as well where the file says how far apart voxels are."""
    x, y, z = (float(roi[name]) for name in ("centroid_x", "centroid_y", "centroid_z"))
    size, centre = count(roi["area_px"], "voxel"), f"x {x:.1f}, y {y:.1f} px, plane {z:.1f}"
    pixel_um, spacing_um = sample.pixel_size_um, sample.plane_spacing_um
    if pixel_um is not None and spacing_um is not None:
        um_y, um_x = pixel_um
        size += f" ({roi['area_px'] * um_y * um_x * spacing_um:,.0f} \u00b5m\u00b3)"
        centre += f" ({x * um_x:.1f}, {y * um_y:.1f}, {z * spacing_um:.1f} \u00b5m)"
    return [("Size", size), ("Centre", centre)]


def _words(value: Any) -> str:
    value = plain(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def register(app: Dash) -> None:
    """Add the callbacks: both follow the sample's version."""

    @app.callback(
        Output("edit-list", "children"),
        Input("edits-open", "data"),
        Input("sample-version", "data"),
        State("sample-identifier", "data"),
        prevent_initial_call=True,
    )
    def list_edits(opened: bool, _version: str | None, identifier: str | None) -> Any:
        if not opened:
            return no_update
        return _of_sample(identifier, lambda _, sample: edit_list(sample))

    @app.callback(
        Output("cell-card", "children"),
        Input("selection", "data"),
        Input("sample-version", "data"),
        State("sample-identifier", "data"),
    )
    def show_cell(selected: list[str] | None, _version: str | None, identifier: str | None) -> Any:
        if not selected:
            return None
        return _of_sample(
            identifier, lambda workspace, sample: describe_cell(sample, selected[-1], tag_columns(workspace))
        )


def _of_sample(identifier: str | None, show: Any) -> Any:
    if identifier is None:
        return None
    workspace: Workspace = current_workspace()
    try:
        return show(workspace, workspace.samples.get(identifier))
    except FluoriteError as error:
        return html.P(str(error), className="job-error")
