"""What a browser keeps without asking again."""

from __future__ import annotations

from flask import Flask, Response, request

_A_YEAR_S = 365 * 24 * 3600


def install(server: Flask) -> None:
    """Let browsers keep the files of ``assets/``, whose addresses Dash ends with the time of their last change.

    Without it a browser asks for each of some forty files again with every page, which takes a quarter of a second.
    """

    @server.after_request
    def keep(response: Response) -> Response:
        if request.path.startswith("/assets/") and "m" in request.args and response.status_code in (200, 304):
            response.headers["Cache-Control"] = f"public, max-age={_A_YEAR_S}, immutable"
        return response
