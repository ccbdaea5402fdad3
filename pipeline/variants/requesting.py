"""Asking for another result of a sample's movie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nwb_schema.errors import ParameterError, SampleError
from nwb_schema.movie_file import DATASET
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance
from pipeline.parameters import Parameters
from pipeline.parameters.document import shown
from pipeline.request import ProcessRequest, parse_request
from pipeline.variants.target import Target, find_target

_LONGEST_LABEL = 80


def variant_request(
    project: Project,
    sample: str,
    changes: Mapping[str, Any] | None = None,
    *,
    movies: Sequence[Path] = (),
    preset: str | None = None,
    label: str = "",
    changes_file: str = "parameters",
    **options: Any,
) -> ProcessRequest:
    """The request for another result of a sample's movie, which leaves the sample as it is.

    Submit it with `pipeline.process.submit_recording`, after `pipeline.process.check_request`.

    Parameters
    ----------
    sample
        Name or identifier of the sample.
    changes
        Parameters that differ, grouped or flat.
    movies
        The raw movie again. Without one, the sample's registered movie is taken as it is: the frames are then the very
        same for all variants, and motion correction is not repeated.
    preset
        What is changed: a preset, or with None the parameters that the sample itself was made with.
    label
        One line for people; without one, the changes are named.
    options
        Other fields of `pipeline.request.ProcessRequest`, such as ``engine`` and ``movie``.

    Raises
    ------
    FluoriteError
        When there is no such sample, it has no movie, or a parameter cannot be used.
    """
    target = find_target(project, sample)
    start = _preset_of(target) if preset is None else preset
    own = _own_parameters(target, start) if preset is None else {}
    changed = Parameters.preset(start).updated(own, source=target.path).updated(changes or {}, source=changes_file)
    values: dict[str, Any] = {**options, "preset": start, "variant_of": target.identifier}
    values["variant_of_name"] = target.path.stem
    values["label"] = label or _named(changes or {}) or ("same parameters" if preset is None else f"preset {preset}")
    if movies:
        values["movies"] = [str(Path(path).expanduser().resolve()) for path in movies]
    else:
        if target.registered_movie is None:
            raise SampleError(target.path, "has no registered movie", "Give the movie that it was made from.")
        changed = changed.updated({"motion.motion_correct": False})
        values["movies"] = [str(target.registered_movie)]
        values["movie"] = {
            "dataset": DATASET,
            "axes": "TXYZ" if len(target.shape) == 4 else "TXY",
            "frame_rate_hz": target.rate_hz,
        }
    values |= {"parameters": differing(changed, Parameters.preset(start)), "parameters_file": changes_file}
    return parse_request(values)


def _named(changes: Mapping[str, Any]) -> str:
    """The changes in one line, such as ``min_SNR 3, gSig 5, 5``."""
    words = [
        _named(value) if isinstance(value, Mapping) else f"{name.rpartition('.')[2]} {shown(value)}"
        for name, value in changes.items()
    ]
    line = ", ".join(filter(None, words))
    return line if len(line) <= _LONGEST_LABEL else f"{line[: _LONGEST_LABEL - 1]}\u2026"


def differing(changed: Parameters, start: Parameters) -> dict[str, Any]:
    """What differs between two sets of parameters, by dotted name."""
    before = start.to_dict()
    return {
        f"{group}.{name}": value
        for group, members in changed.to_dict().items()
        for name, value in members.items()
        if value != before[group][name]
    }


def _preset_of(target: Target) -> str:
    if len(target.shape) == 4:
        return "3d"
    return "1p" if target.one_photon else "2p"


def _own_parameters(target: Target, preset: str) -> dict[str, Any]:
    """What the sample was made with, so far as Fluorite's parameters have it; other programs have others."""
    stored = read_provenance(target.path).get("parameters")
    base = Parameters.preset(preset)
    names = {f"{group}.{name}" for group, members in base.to_dict().items() for name in members}
    # The rate is the movie's, and two numbers that differ in a digit would be refused.
    names.discard("data.fr")
    known = {
        f"{group}.{name}": value
        for group, members in (stored.items() if isinstance(stored, Mapping) else ())
        for name, value in (members.items() if isinstance(members, Mapping) else ())
        if f"{group}.{name}" in names
    }
    try:
        base.updated(known)
    except ParameterError:
        return _one_by_one(base, known)
    return known


def _one_by_one(base: Parameters, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that can be used, where not all can."""
    taken: dict[str, Any] = {}
    for name, value in values.items():
        try:
            base = base.updated({name: value})
        except ParameterError:
            continue
        taken[name] = value
    return taken
