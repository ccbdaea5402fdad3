"""The catalogue by address: a page that lists the project asks whether anybody changed it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from app.browsing.version import project_version
from app.routes.edits import fresh, refuse
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError

catalogue = Blueprint("catalogue", __name__)
catalogue.register_error_handler(FluoriteError, refuse)


@catalogue.get("/catalogue")
def changes() -> Response:
    """The version of the lists as ``{"version": ...}``; empty (204) when it is still the one that is ``known``."""
    workspace = current_workspace()
    workspace.catalogue.refresh()
    version = project_version(workspace)
    return Response(status=204) if version == request.args.get("known") else fresh(jsonify({"version": version}))
