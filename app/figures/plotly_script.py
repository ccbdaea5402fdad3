"""Where the browser finds Plotly for what scripts draw without Dash."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import plotly
from dash.fingerprint import build_fingerprint

_FILE = "package_data/plotly.min.js"


@cache
def plotly_url() -> str:
    """An address that names the version, so that browsers keep it: 5 MB would else be read and compared each time."""
    changed = int((Path(plotly.__file__).parent / _FILE).stat().st_mtime)
    fingerprinted: str = build_fingerprint(_FILE, plotly.__version__, changed)  # type: ignore[no-untyped-call]
    return f"/_dash-component-suites/plotly/{fingerprinted}"
