"""Which requests the server answers, and what it lets a page do.

There is no login yet, so the only protection against other people is that nobody but this computer can ask. A page
from the internet that is open in the same browser can ask, too: by a form or script aimed at ``127.0.0.1``, or by a
name that it points to ``127.0.0.1`` (DNS rebinding). Both are refused here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, request


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, without a port) can only mean this computer."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_local_host_header(header: str) -> bool:
    """Whether a ``Host`` header names this computer, with any port."""
    return is_loopback(_hostname(f"//{header}"))


def is_own_origin(origin: str | None, host_header: str) -> bool:
    """Whether a request comes from a page of this very server; one without ``Origin`` is no page's script or form."""
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:  # a malformed http://[
        return False
    return parts.scheme in ("http", "https") and parts.netloc == host_header


def content_security_policy(script_hashes: Iterable[str]) -> str:
    """Scripts, images and connections from here alone; inline scripts only those that Dash itself puts in the page.

    Styles may be inline because Dash and Plotly set them. ``unsafe-eval`` is left out on purpose: nothing here needs it
    as long as no WebGL figure is used.
    """
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {' '.join(script_hashes)}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def install(server: Flask, script_hashes: Callable[[], Iterable[str]]) -> None:
    """Make `server` refuse requests from elsewhere and send its policy with every page.

    Parameters
    ----------
    server
        The Flask server behind the dashboard.
    script_hashes
        CSP hashes of the inline scripts, asked for with every page because Dash adds some at the first request.
    """

    @server.before_request
    def refuse_foreign_requests() -> tuple[str, int] | None:
        if not is_local_host_header(request.host):
            return "This server answers only to 127.0.0.1 and localhost. Open it under one of these names.\n", 403
        if not is_own_origin(request.headers.get("Origin"), request.host):
            return "This request comes from another web site, and is refused.\n", 403
        return None

    @server.after_request
    def add_headers(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        if response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = content_security_policy(script_hashes())
        return response


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # a malformed [::1
        return ""
