"""Stimuli by address: the page sends what a person did to them, and asks what others did; see `app.routes.edits`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.actor import actor_of
from app.routes.edits import fresh, refuse
from app.stimuli.edits import edit_stimuli, look_at_stimuli
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError

stimuli = Blueprint("stimuli", __name__)
stimuli.register_error_handler(FluoriteError, refuse)


@stimuli.post("/edits/<identifier>/stimuli")
def save(identifier: str) -> Response:
    """Commit a request: JSON ``{"requests": [one], "based_on": version or null, "actor": name}``."""
    sent: dict[str, Any] = request.get_json()
    workspace = current_workspace()
    answer = edit_stimuli(
        workspace,
        workspace.samples.get(identifier),
        next(iter(sent.get("requests") or []), None),
        actor=actor_of(sent.get("actor")),
        based_on=sent.get("based_on"),
    )
    return fresh(jsonify(answer))


@stimuli.get("/edits/<identifier>/stimuli")
def state(identifier: str) -> Response:
    """All stimuli of the sample; empty (204) when it still has the version ``known``."""
    workspace = current_workspace()
    answer = look_at_stimuli(workspace, workspace.samples.get(identifier), known=request.args.get("known"))
    return Response(status=204) if answer is None else fresh(jsonify(answer))
