"""The outputs of samples that pages look at, a few kept in memory until their files change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from app.samples.store import SampleData
from app.workspace import Workspace
from pipeline.outputs.events import LEAST_NOISE
from pipeline.outputs.writing import Outputs

LARGEST_LEAST = 100.0
"""Of what an event has to reach, in multiples of the noise: more would be a slip of the keyboard."""
_KEPT = 6

_Key = tuple[Path, str, bool, float]
_kept: OrderedDict[_Key, Outputs] = OrderedDict()
_lock = threading.Lock()


def outputs_of(
    workspace: Workspace, sample: SampleData, *, rejected: bool = False, least_noise: float = LEAST_NOISE
) -> Outputs:
    """The outputs of a sample as its file is now."""
    key = (sample.path, sample.signature, rejected, least_noise)
    with _lock:
        if key not in _kept:
            _kept[key] = Outputs(workspace.project, sample.path, rejected=rejected, least_noise=least_noise)
        _kept.move_to_end(key)
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
        return _kept[key]


def parse_least(text: object) -> float:
    """What an event has to reach, as typed or as in an address; the usual for what is no number."""
    try:
        value = float(str(text).replace(",", "."))
    except ValueError:
        return LEAST_NOISE
    return min(max(value, 0.0), LARGEST_LEAST) if value == value else LEAST_NOISE
