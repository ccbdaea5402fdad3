"""What all recordings of a lab have in common, so that nobody types it twice."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nwb_schema.errors import ConfigurationError
from nwb_schema.metadata_file import convert
from nwb_schema.subject_terms import UnusableTerm


@dataclass(frozen=True)
class DefaultField:
    """One lab default: its name in ``project.toml``, the field of `SampleMetadata` that it fills, one line on it."""

    name: str
    metadata: str | None
    help: str


DEFAULT_FIELDS = {
    field.name: field
    for field in (
        DefaultField("institution", "institution", "Institution."),
        DefaultField("lab", "lab", "Lab."),
        DefaultField("experimenter", "experimenter", "Who records: one name or several, as 'Doe, Jane'."),
        DefaultField("device", "device_name", "Microscope."),
        DefaultField("indicator", "indicator", "Calcium indicator, such as GCaMP6f."),
        DefaultField("location", "location", "Place in the brain, such as V1."),
        DefaultField("excitation_lambda_nm", "excitation_lambda_nm", "Excitation wavelength in nanometres."),
        DefaultField("emission_lambda_nm", "emission_lambda_nm", "Emission wavelength in nanometres."),
        DefaultField("imaging_rate_hz", None, "Frames per second, for movies that do not say it."),
    )
}
"""Every lab default by name."""


def check_default(name: str, value: Any, source: str) -> Any:
    """`value` as ``project.toml`` stores it: text, number or, for ``experimenter``, a list of texts; None when empty.

    Raises
    ------
    ConfigurationError
        When there is no such default, or NWB cannot take the value.
    """
    field = DEFAULT_FIELDS.get(name)
    if field is None:
        close = difflib.get_close_matches(name, DEFAULT_FIELDS, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(DEFAULT_FIELDS)}."
        raise ConfigurationError(source, f"there is no lab default {name!r}", hint)
    if value is None or (isinstance(value, (str, list, tuple)) and not value):
        return None
    try:
        if field.metadata is None:
            rate_hz = float(value)
            if not math.isfinite(rate_hz) or rate_hz <= 0:
                raise UnusableTerm("it is a positive number of frames per second")
            return rate_hz
        converted = convert(field.metadata, value, [])
    except (UnusableTerm, ValueError, TypeError) as error:
        raise ConfigurationError(
            source, f"the lab default {name} cannot be {value!r} ({error})", f"It is: {field.help}"
        ) from error
    return list(converted) if isinstance(converted, tuple) else converted


def as_metadata(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Lab defaults under the names of `nwb_schema.metadata.SampleMetadata`; the imaging rate is none of them."""
    found = {}
    for name, value in defaults.items():
        field = DEFAULT_FIELDS[name]
        if field.metadata is not None and value is not None:
            found[field.metadata] = tuple(value) if isinstance(value, list) else value
    return found
