"""The lab defaults as fields: the same in the wizard that makes a project and on its configuration page."""

from __future__ import annotations

from collections.abc import Mapping

import dash_bootstrap_components as dbc
from dash.development.base_component import Component

from app.components.fields import labelled
from nwb_schema.lab_defaults import DEFAULT_FIELDS

# What each is called, and an example, which is short enough to be read whole in a narrow field.
_WORDS: Mapping[str, tuple[str, str]] = {
    "institution": ("Institution", "Example University"),
    "lab": ("Lab", "Doe Lab"),
    "experimenter": ("Experimenter", "Doe, Jane"),
    "device": ("Microscope", "Bruker Ultima"),
    "indicator": ("Indicator", "GCaMP6f"),
    "location": ("Place in the brain", "VISp"),
    "excitation_lambda_nm": ("Excitation (nm)", "920"),
    "emission_lambda_nm": ("Emission (nm)", "510"),
    "imaging_rate_hz": ("Imaging rate (Hz)", "30"),
}


def default_label(name: str) -> str:
    """What a lab default is called on pages."""
    return _WORDS[name][0]


def default_fields(kind: str, texts: Mapping[str, str], *, disabled: bool = False) -> list[Component]:
    """A field for each lab default, with the id ``{"type": kind, "name": ...}``; `texts` is what they show."""
    return [
        labelled(
            _WORDS[name][0],
            dbc.Input(
                id={"type": kind, "name": name},
                type="text",
                size="sm",
                value=texts.get(name, ""),
                disabled=disabled,
                placeholder=_WORDS[name][1],
                autoComplete="off",
            ),
            title=default.help,
        )
        for name, default in DEFAULT_FIELDS.items()
    ]
