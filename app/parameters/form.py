"""The parameters as a form: what is typed, what it means, and what is wrong with it.

Texts are what a field shows: ``auto``, ``4, 4``, ``yes``. Several values of one parameter are separated by semicolons
(``4; 5; 6``) and make a sweep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nwb_schema.errors import ParameterError
from pipeline.parameters import ParameterRow, Parameters, parameter_table
from pipeline.parameters.document import shown
from pipeline.sweeps import combinations, n_runs

AUTO = "auto"
YES, NO = "yes", "no"
SEVERAL = ";"
MOST_VALUES = 50

GROUP_TITLES: Mapping[str, str] = {
    "data": "Recording",
    "motion": "Motion correction",
    "init": "Finding the first cells",
    "patch": "Patches and refinement",
    "preprocess": "Noise and time constants",
    "spatial": "Footprints",
    "temporal": "Traces",
    "merging": "Merging",
    "quality": "Accepting and rejecting",
    "online": "Online mode",
    "extra": "More of CaImAn",
}
"""The groups in the order in which they are worked through, with what they are about."""

TWINS: Mapping[str, str] = {"temporal.p": "preprocess.p"}
"""Parameters that CaImAn has in two groups and that must agree: they have one field, which sets both."""


def key_of(row: ParameterRow) -> str:
    """``group.name``: what a field is known by."""
    return f"{row.group}.{row.name}"


def rows_by_group() -> dict[str, list[ParameterRow]]:
    """All parameters, in the groups' order."""
    rows = [row for row in parameter_table("2p") if key_of(row) not in TWINS.values()]
    return {group: found for group in GROUP_TITLES if (found := [row for row in rows if row.group == group])}


ROWS: Mapping[str, ParameterRow] = {key_of(row): row for rows in rows_by_group().values() for row in rows}
"""All parameters by their key."""


def text_of(value: Any, row: ParameterRow | None = None) -> str:
    """What a field shows for a value."""
    if row is not None and row.name == "caiman_args":
        return json.dumps(value) if value else ""
    if row is not None and row.name == "gSig_range" and value is not None:
        # One number a size, where it is the same in both directions.
        return ", ".join(shown(size[0]) if len(set(size)) == 1 else f"[{size[0]}, {size[1]}]" for size in value)
    return shown(value)


def setting(key: str, value: Any) -> tuple[str, str]:
    """A stored parameter as the form has it: the name of its field and what is typed there.

    Parameters
    ----------
    key
        ``group.name``; of what the form does not have, such as another engine's, it stays as it is.
    value
        As a file holds it, where yes may be 1.
    """
    row = ROWS.get(key)
    if row is None:
        return key, text_of(value)
    if "yes/no" in row.type and value in (0, 1):
        value = bool(value)
    first = next(one for one in ROWS.values() if one.name == row.name)
    return row.name if first is row else f"{row.name} ({GROUP_TITLES[row.group].lower()})", text_of(value, row)


def texts_of(parameters: Parameters) -> dict[str, str]:
    """What every field shows."""
    values = parameters.to_dict()
    return {key: text_of(values[row.group][row.name], row) for key, row in ROWS.items()}


def choices_of(row: ParameterRow) -> list[str] | None:
    """What can be chosen where that is a list; None where something is typed."""
    if row.name == "border_nan":
        return ["copy", "min", NO, YES]
    if row.type == "yes/no":
        return [YES, NO]
    if row.type == "yes/no or automatic":
        return [YES, NO, AUTO]
    return list(row.choices) if row.choices else None


def value_of(text: str, row: ParameterRow) -> Any:
    """What one typed value means, JSON-able; whether it is allowed, `Parameters` decides.

    Raises
    ------
    ParameterError
        When it is no value at all.
    """
    text = text.strip()
    if row.name == "caiman_args":
        try:
            return json.loads(text) if text else {}
        except json.JSONDecodeError as error:
            raise ParameterError(key_of(row), f"is not JSON ({error})", 'Write {"group": {"name": value}}.') from error
    if text in row.choices:
        return text
    if text.lower() in ("", AUTO, "none", "null"):
        return None
    if "yes/no" in row.type and text.lower() in (YES, NO, "true", "false"):
        return text.lower() in (YES, "true")
    if row.type.startswith(("choice", "text", "yes/no")):
        return text
    try:
        if row.name == "gSig_range":
            return json.loads(f"[{text}]")
        value = [_number(part) for part in text.strip("()[]").split(",")]
    except ValueError as error:
        raise ParameterError(
            key_of(row), f"is '{text}', which is no number", f"Type {row.type}{f', {row.range}' if row.range else ''}."
        ) from error
    return value[0] if len(value) == 1 else value


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def values_of(text: str, row: ParameterRow) -> list[Any]:
    """The values typed into a field: one, or several separated by semicolons."""
    parts = [text] if row.name in ("caiman_args", "Ain") else [part for part in text.split(SEVERAL) if part.strip()]
    if len(parts) > MOST_VALUES:
        raise ParameterError(key_of(row), f"has {len(parts)} values", f"Give at most {MOST_VALUES}.")
    values: list[Any] = []
    for part in parts or [""]:
        value = value_of(part, row)
        if value not in values:
            values.append(value)
    return values


@dataclass
class Reading:
    """A filled-in form.

    Attributes
    ----------
    preset
        What it started from.
    parameters
        The values, the first of several; wrong ones are the preset's.
    axes
        ``group.name`` and the values of each parameter that has several.
    errors
        What is wrong, in words, by ``group.name``.
    """

    preset: str
    parameters: Parameters
    axes: dict[str, list[Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def n_runs(self) -> int:
        """How many runs it asks for."""
        return n_runs(self.axes)

    @property
    def differences(self) -> dict[str, tuple[str, str]]:
        """The texts of what differs from the preset, here and there; a sweep counts as different."""
        usual = Parameters.preset(self.preset)
        here, there = texts_of(self.parameters), texts_of(usual)
        swept = {
            key: (f"{SEVERAL} ".join(text_of(value, ROWS[key]) for value in values), there[key])
            for key, values in self.axes.items()
        }
        return {key: (here[key], there[key]) for key in ROWS if here[key] != there[key]} | swept

    def overrides(self) -> dict[str, Any]:
        """What differs from the preset, for a `ProcessRequest`; the values of a sweep are not in it."""
        found = self.parameters.differences(Parameters.preset(self.preset))
        swept = with_twins(self.axes)
        return {key: here for key, (here, _) in found.items() if key not in swept}


def read_form(preset: str, texts: Mapping[str, str | None]) -> Reading:
    """What the form says; everything that is wrong with it is collected."""
    base = Parameters.preset(preset)
    usual = texts_of(base)
    axes: dict[str, list[Any]] = {}
    errors: dict[str, str] = {}
    given: dict[str, Any] = {}
    for key, row in ROWS.items():
        text = texts.get(key)
        if text is None or text == usual[key]:
            continue
        try:
            values = values_of(text, row)
        except ParameterError as error:
            errors[key] = f"{error.cause}. {error.remedy}"
            continue
        given[key] = values[0]
        if len(values) > 1:
            axes[key] = values
    parameters = _accepted(base, given, errors)
    for key in [key for key in axes if key in errors]:
        del axes[key]
    if axes and not errors:
        try:
            for combination in combinations(axes):
                parameters.updated(with_twins(combination))
        except ParameterError as error:
            errors[_named(error, axes)] = f"{error.cause}. {error.remedy}"
    return Reading(preset, parameters, axes, errors)


def with_twins(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` by ``group.name``, those of a field that sets two parameters under both names."""
    return {**values, **{TWINS[key]: value for key, value in values.items() if key in TWINS}}


def _accepted(base: Parameters, given: dict[str, Any], errors: dict[str, str]) -> Parameters:
    """`base` with what can be accepted of `given`; what cannot goes into `errors`."""
    given = dict(given)
    while True:
        try:
            return base.updated(with_twins(given))
        except ParameterError as error:
            key = _named(error, given)
            errors[key] = f"{error.cause.removeprefix(key).strip()}. {error.remedy}"
            given.pop(key, None)
            if not given:
                return base


def _named(error: ParameterError, keys: Mapping[str, Any]) -> str:
    """The parameter that an error is about: the one that it names, or another that was given with it."""
    first = error.cause.split(" ", 1)[0]
    if first in keys:
        return first
    return next((key for key in keys if key in error.cause or ROWS[key].name in error.cause.split()), next(iter(keys)))
