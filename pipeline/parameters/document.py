"""The reference of all parameters as Markdown: what ``docs/parameters.md`` holds between its two marks."""

from __future__ import annotations

import json
from typing import Any

from pipeline.parameters.ideas import FLAWS
from pipeline.parameters.parameters import Parameters
from pipeline.parameters.presets import PRESETS
from pipeline.parameters.table import ParameterRow, parameter_table


def parameters_markdown() -> str:
    """One table for every group of CaImAn's: name, what it does, type and range, defaults, who honours it."""
    values = {name: Parameters.preset(name).to_dict() for name in PRESETS}
    rows = parameter_table("2p")
    parts = []
    for group in dict.fromkeys(row.group for row in rows):
        title = (type(getattr(Parameters(), group)).__doc__ or "").split("\n")[0]
        parts += [f"### {group}", "", title, ""]
        parts += ["| Name | What it does | Values | 2p | 1p | 3d | IDEAS | Honoured by | From |"]
        parts += ["|---|---|---|---|---|---|---|---|---|"]
        for row in rows:
            if row.group == group:
                defaults = [shown(values[name][group][row.name]) for name in PRESETS]
                parts.append(f"| {' | '.join(_cells(row, defaults))} |")
        parts.append("")
    parts += ["### Where the IDEAS page says otherwise", ""]
    parts += [f"- `{name}`: {text}" for name, text in FLAWS.items()]
    return "\n".join(parts) + "\n"


def _cells(row: ParameterRow, defaults: list[str]) -> list[str]:
    kind = row.range if row.choices else ", ".join(part for part in (row.type, row.range) if part)
    ideas = shown(row.ideas) if row.is_ideas else ""
    by = f"{', '.join(row.engines)} ({', '.join(row.modes)})"
    unit = f" ({row.unit})" if row.unit else ""
    return [f"`{row.name}`", _escaped(row.help), f"{kind}{unit}", *defaults, ideas, by, row.source]


def shown(value: Any) -> str:
    """A value as a person reads it: ``auto`` for None, ``yes`` and ``no``, ``4, 4``."""
    if value is None or value == "auto":
        return "auto"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
