"""Edits by address: the page sends what a person did, and asks what others did.

A route and not a Dash callback, because the page has to know when the server does not answer: it then keeps what is not
saved yet, says so and tries again.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.actor import actor_of
from app.samples.curation import look, make_edits
from app.samples.new_rois import LARGEST_FILE_BYTES
from app.workspace import current_workspace
from nwb_schema.errors import EditError, FluoriteError

# A file of ROIs in base64, and what is around it.
_LARGEST_REQUEST_BYTES = 2 * LARGEST_FILE_BYTES

edits = Blueprint("edits", __name__)


@edits.post("/edits/<identifier>")
def save(identifier: str) -> Response:
    """Commit a batch: JSON ``{"requests": [...], "based_on": version or null, "actor": name}``; see `make_edits`."""
    if (request.content_length or 0) > _LARGEST_REQUEST_BYTES:
        raise EditError("page", "sent more than an edit can hold", "Import the file with: fluorite add-rois")
    sent: dict[str, Any] = request.get_json()
    workspace = current_workspace()
    answer = make_edits(
        workspace,
        workspace.samples.get(identifier),
        sent.get("requests") or [],
        actor=actor_of(sent.get("actor")),
        based_on=sent.get("based_on"),
    )
    return fresh(jsonify(answer))


@edits.get("/edits/<identifier>")
def changes(identifier: str) -> Response:
    """What others did since the version ``known``; empty (204) when nothing."""
    workspace = current_workspace()
    answer = look(workspace, workspace.samples.get(identifier), known=request.args.get("known", ""))
    return Response(status=204) if answer is None else fresh(jsonify(answer))


@edits.errorhandler(FluoriteError)
def refuse(error: FluoriteError) -> tuple[str, int, dict[str, str]]:
    """Say in words why nothing can be edited."""
    return f"{error}\n", 404, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


def fresh(answer: Response) -> Response:
    """An answer that no browser keeps: what a sample is now."""
    answer.headers["Cache-Control"] = "no-store"
    return answer
