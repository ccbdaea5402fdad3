"""The NWB extension ndx-fluorite, loaded into pynwb once per process."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import Any

NAMESPACE = "ndx-fluorite"
TYPE = "FluoriteSample"
GROUP = "fluorite"
"""Name of the group below ``/general``; also the first thing that tells our samples from other NWB files."""


@cache
def fluorite_sample_class() -> Any:
    """The container class ``FluoriteSample``. Its constructor takes every field as an optional keyword."""
    import pynwb  # takes a second; whoever only reads samples never pays it

    with as_file(files("nwb_schema") / f"{NAMESPACE}.namespace.yaml") as path:
        pynwb.load_namespaces(str(path))
    return pynwb.get_class(TYPE, NAMESPACE)
