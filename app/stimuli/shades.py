"""The stimuli of a sample as what is shaded behind its traces and on its movie's time line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from app.figures.palette import drawable_colour
from app.samples.store import SampleData
from app.stimuli.rows import stimulus_types, table_id
from app.workspace import Workspace
from pipeline.figures.shades import Shade, shades_of


def shade_options(workspace: Workspace, sample: SampleData) -> list[dict[str, str]]:
    """The tables of stimuli that this sample has, for a list to choose from: ``table_id`` and name of each."""
    types = {column.key: column.name for column in stimulus_types(workspace)}
    return [
        {"label": types.get(key, key), "value": table_id(key, moments), "title": f"Shade the stimuli of {key}"}
        for moments, tables in ((False, sample.periods), (True, sample.moments))
        for key, frame in tables.items()
        if not frame.empty
    ]


def sample_shades(sample: SampleData, tables: Collection[str], names: Mapping[str, str] | None = None) -> list[Shade]:
    """What to shade for some tables: one entry a name and colour, in order of the names.

    Parameters
    ----------
    names
        What the types of stimuli are called, by their keys; by their keys alone where none are given.
    """
    found = []
    for moments, frames in ((False, sample.periods), (True, sample.moments)):
        for key, frame in frames.items():
            if table_id(key, moments) not in tables or frame.empty:
                continue
            found.extend(shades_of(frame, (names or {}).get(key, key), moments=moments, colour=drawable_colour))
    return found


def shade_data(sample: SampleData, tables: Collection[str], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """`sample_shades` as JSON for the player: times in seconds, to the tenth of a millisecond."""
    return [
        {"name": shade.name, "colour": shade.colour, "spans": np.round(shade.spans_s, 4).tolist()}
        for shade in sample_shades(sample, tables, names)
    ]
