"""The documented table of all parameters, for the command line, the docs and the page."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pipeline.parameters.fields import BUILTIN, extra_of, range_text
from pipeline.parameters.ideas import IDEAS_DEFAULTS
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
    modes
        The kinds of recording (``2p``, ``1p``, ``3d``) for which some engine honours it; ``online`` as well.
    source
        Where name and meaning come from.
    ideas
        Its default in Inscopix's IDEAS workflow, where that has it (`is_ideas`).
    choices
        The values that it can have, where there are only some.
    """

    name: str
    group: str
    type: str
    unit: str
    default: Any
    range: str
    help: str
    honoured_by: tuple[str, ...]
    modes: tuple[str, ...] = ()
    source: str = ""
    ideas: Any = None
    choices: tuple[str, ...] = ()
    is_ideas: bool = False

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that honour it in some mode: ``online`` is the built-in one's."""
        named = [BUILTIN if name == ONLINE else name for name in self.honoured_by]
        return tuple(dict.fromkeys(named))


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
            online = f"{group}.{name}" in HONOURED_ELSEWHERE
            modes = () if group == ONLINE else tuple(extra["modes"])
            rows.append(
                ParameterRow(
                    name=name,
                    group=group,
                    type=type_text,
                    unit=str(extra["unit"]),
                    default=dumped[name],
                    range=range_text(extra["limits"]) or choices,
                    help=info.description or "",
                    honoured_by=(*by, ONLINE) if online else by,
                    modes=(*modes, ONLINE) if online or group == ONLINE else modes,
                    source=str(extra["source"]),
                    ideas=IDEAS_DEFAULTS.get(name) if group != ONLINE else None,
                    choices=tuple(choices.split(", ")) if choices else (),
                    is_ideas=group != ONLINE and name in IDEAS_DEFAULTS,
                )
            )
    return rows


def _type_in_words(annotation: Any) -> tuple[str, str]:
    """The type in words, and the choices where there are only some."""
    words = {int: "integer", float: "decimal", bool: "yes/no", str: "text", type(None): "automatic"}
    if annotation in words:
        return words[annotation], ""
    origin = get_origin(annotation)
    if origin is not None and get_args(annotation) == (str, Any):
        return "JSON object", ""
    if origin is tuple and get_origin(get_args(annotation)[0]) is tuple:
        return f"list of pairs of {words[get_args(get_args(annotation)[0])[0]]}s", ""
    if origin is tuple:
        more = " (three for volumes)" if Ellipsis in get_args(annotation) else ""
        return f"pair of {words[get_args(annotation)[0]]}s{more}", ""
    if origin is Literal:
        return "choice", ", ".join(map(str, get_args(annotation)))
    if origin in (Union, types.UnionType):
        parts = [_type_in_words(member) for member in get_args(annotation)]
        return " or ".join(text for text, _ in parts), ", ".join(choices for _, choices in parts if choices)
    raise TypeError(f"a parameter's type has no words yet: {annotation}")
