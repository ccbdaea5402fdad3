"""The documented table of all parameters, for the command line, the docs and the page."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pipeline.parameters.fields import extra_of, range_text
from pipeline.parameters.online import HONOURED_ELSEWHERE, ONLINE
from pipeline.parameters.parameters import Parameters


@dataclass(frozen=True)
class ParameterRow:
    """One parameter in words.

    Attributes
    ----------
    name, group
        CaImAn's name and group.
    type
        ``integer``, ``decimal``, ``yes/no``, ``choice``, ``pair of integers``; ``or automatic`` where None may be.
    unit
        ``px``, ``s``, ``Hz``, ``frames`` or empty.
    default
        The value in the preset, JSON-able.
    range
        What is allowed, in words, or empty.
    help
        What it does.
    honoured_by
        The engines that honour it; ``online`` is the built-in engine's online mode.
    """

    name: str
    group: str
    type: str
    unit: str
    default: Any
    range: str
    help: str
    honoured_by: tuple[str, ...]


def parameter_table(preset: str = "2p") -> list[ParameterRow]:
    """Every parameter with its value in `preset`, in CaImAn's groups.

    Raises
    ------
    ParameterError
        When there is no such preset.
    """
    values = Parameters.preset(preset)
    rows = []
    for group in Parameters.model_fields:
        model = getattr(values, group)
        dumped = model.model_dump(mode="json")
        for name, info in type(model).model_fields.items():
            extra = extra_of(info)
            type_text, choices = _type_in_words(info.annotation)
            by = tuple(extra["honoured_by"])
            rows.append(
                ParameterRow(
                    name=name,
                    group=group,
                    type=type_text,
                    unit=str(extra["unit"]),
                    default=dumped[name],
                    range=range_text(extra["limits"]) or choices,
                    help=info.description or "",
                    honoured_by=(*by, ONLINE) if f"{group}.{name}" in HONOURED_ELSEWHERE else by,
                )
            )
    return rows


def _type_in_words(annotation: Any) -> tuple[str, str]:
    """The type in words, and the choices where there are only some."""
    words = {int: "integer", float: "decimal", bool: "yes/no", str: "text", type(None): "automatic"}
    if annotation in words:
        return words[annotation], ""
    origin = get_origin(annotation)
    if origin is tuple:
        more = " (three for volumes)" if Ellipsis in get_args(annotation) else ""
        return f"pair of {words[get_args(annotation)[0]]}s{more}", ""
    if origin is Literal:
        return "choice", ", ".join(map(str, get_args(annotation)))
    if origin in (Union, types.UnionType):
        parts = [_type_in_words(member) for member in get_args(annotation)]
        return " or ".join(text for text, _ in parts), ", ".join(choices for _, choices in parts if choices)
    raise TypeError(f"a parameter's type has no words yet: {annotation}")
