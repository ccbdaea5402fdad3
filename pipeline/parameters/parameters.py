"""All parameters of one run: immutable, checked, serialisable."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, model_validator

from nwb_schema.errors import ParameterError
from pipeline.parameters.fields import FROZEN
from pipeline.parameters.groups import Data, Extra, Init, Merging, Motion, Patch, Preprocess, Quality, Spatial, Temporal
from pipeline.parameters.online import Online
from pipeline.parameters.presets import PRESETS


class Parameters(BaseModel):
    """The parameters of one run in CaImAn's groups, e.g. ``parameters.init.gSig``.

    Make one with `Parameters.preset` and change it with `updated`, which raise `ParameterError` in plain words.

    Examples
    --------
    >>> Parameters.preset("2p").updated({"gSig": 5}).init.gSig
    (5, 5)
    """

    model_config = FROZEN

    data: Data = Data()
    motion: Motion = Motion()
    init: Init = Init()
    preprocess: Preprocess = Preprocess()
    spatial: Spatial = Spatial()
    temporal: Temporal = Temporal()
    patch: Patch = Patch()
    merging: Merging = Merging()
    quality: Quality = Quality()
    online: Online = Online()
    extra: Extra = Extra()

    @model_validator(mode="after")
    def check_together(self) -> Parameters:
        """Refuse combinations that cannot work."""
        self._check_axes()
        gsig, gsiz, rf, stride = self.init.gSig, self.init.gSiz, self.patch.rf, self.patch.stride
        if gsiz is not None and any(box < half for box, half in zip(gsiz, gsig, strict=True)):
            raise ValueError(f"init.gSiz|is {gsiz}, smaller than gSig {gsig}: the box would cut the cell")
        if rf is not None and max(gsig) > rf:
            raise ValueError(f"init.gSig|is {gsig}, larger than a patch with rf {rf}")
        if rf is not None and stride is not None and stride >= 2 * rf:
            raise ValueError(f"patch.stride|is {stride}, but patches are only {2 * rf} pixels wide (2 * rf)")
        if self.preprocess.p != self.temporal.p:
            raise ValueError(
                f"temporal.p|is {self.temporal.p}, but preprocess.p is {self.preprocess.p}: they must agree"
            )
        for group, members in self.extra.caiman_args.items():
            fields = type(getattr(self, group)).model_fields if group in type(self).model_fields else {}
            known = next((name for name in members if name in fields), None)
            if known is not None:
                raise ValueError(f"extra.caiman_args|names {group}.{known}, which is a parameter of its own")
        return self

    def _check_axes(self) -> None:
        """One number for every axis: two for a plane, three for a volume."""
        volume = self.motion.is3D
        names = "three numbers (y, x, z)" if volume else "two numbers (y, x)"
        of = "volumes (motion.is3D is true)" if volume else "a movie of one plane (motion.is3D is false)"
        for group, name in (("init", "gSig"), ("init", "gSiz"), ("motion", "max_shifts"), ("data", "dxy")):
            value = getattr(getattr(self, group), name)
            if value is not None and len(value) != (3 if volume else 2):
                instead = [*value, 2 if name != "dxy" else 5.0][:3] if volume else list(value[:2])
                raise ValueError(f"{group}.{name}|is {value}, but {of} need {names}, such as {instead}")

    @classmethod
    def preset(cls, name: str) -> Parameters:
        """The starting point ``2p``, ``1p`` or ``3d``.

        Raises
        ------
        ParameterError
            When there is no such preset.
        """
        if name not in PRESETS:
            raise ParameterError("preset", f"'{name}' is not a preset", f"Use one of {', '.join(PRESETS)}.")
        return cls.model_validate(PRESETS[name])

    def updated(self, overrides: Mapping[str, Any], *, source: str | Path = "parameters") -> Parameters:
        """A copy with some values changed.

        Parameters
        ----------
        overrides
            Groups (``{"init": {"gSig": 5}}``), flat names (``{"gSig": 5}``), dotted ones (``{"init.gSig": 5}``) or any
            mixture. A flat name that is in two groups (``p``) sets both, as in CaImAn. ``"auto"`` and null mean
            automatic where that is allowed.
        source
            The file that the values come from, for the error message.

        Raises
        ------
        ParameterError
            For an unknown name (with the nearest known one), a value out of range, or values that exclude each other.
        """
        values = {group: dict(members) for group, members in self.to_dict().items()}
        for name, value in dotted(overrides, source=source).items():
            group, _, member = name.partition(".")
            values[group][member] = value
        try:
            return Parameters.model_validate(values)
        except ValidationError as error:
            raise _invalid(error, source) from error

    def differences(self, other: Parameters) -> dict[str, tuple[Any, Any]]:
        """What differs: ``group.name`` and the values here and there, JSON-able."""
        here, there = self.to_dict(), other.to_dict()
        return {
            f"{group}.{name}": (value, there[group][name])
            for group, members in here.items()
            for name, value in members.items()
            if value != there[group][name]
        }

    def nearest_preset(self) -> str:
        """The preset that these belong to: ``3d`` for volumes, ``1p`` where corr_pnr finds the cells, else ``2p``."""
        if self.motion.is3D:
            return "3d"
        return "1p" if self.init.method_init == "corr_pnr" else "2p"

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """All values by group, JSON-able (pairs as lists)."""
        dumped: dict[str, dict[str, Any]] = self.model_dump(mode="json")
        return dumped

    def sha256(self) -> str:
        """SHA-256 of the canonical JSON (sorted keys, no blanks): equal for equal values, whatever made them."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def dotted(overrides: Mapping[str, Any], *, source: str | Path = "parameters") -> dict[str, Any]:
    """Overrides, grouped, flat, dotted or mixed, each under its one name ``group.name``; what comes later counts.

    Raises
    ------
    ParameterError
        For an unknown name (with the nearest known one), or a group that is no JSON object.
    """
    groups = {group: set(type(getattr(Parameters(), group)).model_fields) for group in Parameters.model_fields}
    found: dict[str, Any] = {}
    for name, value in overrides.items():
        if name in groups:
            if not isinstance(value, Mapping):
                raise ParameterError(source, f"'{name}' is a group of parameters", "Give a JSON object of its members.")
            for member, setting in value.items():
                if member not in groups[name]:
                    raise _unknown(f"{name}.{member}", member, source)
                found[f"{name}.{member}"] = setting
            continue
        group_name, _, member = name.rpartition(".")
        having = [group for group, members in groups.items() if member in members and group_name in ("", group)]
        if not having:
            raise _unknown(name, member, source)
        found |= {f"{group}.{member}": value for group in having}
    return found


def layered(
    table: Mapping[str, Any], file: Mapping[str, Any], *, file_wins: bool, source: str | Path = "parameters"
) -> dict[str, Any]:
    """What a person set one by one, and a file of parameters, together: ``{group.name: value}``.

    Where both have a value, the person's counts, unless `file_wins` (IDEAS: "Overwrite Analysis Table Parameters").

    Raises
    ------
    ParameterError
        For an unknown name.
    """
    said, read = dotted(table, source="parameters"), dotted(file, source=source)
    return {**said, **read} if file_wins else {**read, **said}


def load_parameters(path: Path, *, preset: str = "2p") -> Parameters:
    """Read a JSON file of parameters, grouped or flat; what it leaves out comes from the preset.

    Raises
    ------
    ParameterError
        When the file is missing, is not a JSON object, or holds an unknown name or an impossible value.
    """
    remedy = "Write one with `fluorite params > parameters.json` and edit it."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(path, f"cannot be read as text ({error})", remedy) from error
    except json.JSONDecodeError as error:
        raise ParameterError(path, f"is not JSON ({error})", remedy) from error
    if not isinstance(content, dict):
        raise ParameterError(path, "holds no JSON object at its top", remedy)
    return Parameters.preset(preset).updated(content, source=path)


def known_names() -> list[str]:
    """Every parameter's name, as in ``gSig`` and as in ``init.gSig``."""
    groups = Parameters().to_dict()
    return [name for group, members in groups.items() for member in members for name in (member, f"{group}.{member}")]


def _unknown(shown: str, name: str, source: str | Path) -> ParameterError:
    by_lower = {known.lower(): known for known in known_names()}
    near = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    remedy = "`fluorite params --table` lists all parameters; what only CaImAn knows goes into caiman_args."
    return ParameterError(
        source,
        f"'{shown}' is not a parameter",
        (f"Did you mean '{by_lower[near[0]]}'? " if near else "") + remedy,
    )


def _invalid(error: ValidationError, source: str | Path) -> ParameterError:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"][:2])  # beyond group and name come pydantic's own types
    message = str(problem["msg"]).removeprefix("Value error, ")
    if "|" in message:
        name, message = message.split("|", 1)
        where = name if "." in name else f"{where}.{name}".lstrip(".")
    else:
        message = f"is {problem['input']!r}: {message[:1].lower()}{message[1:]}"
    return ParameterError(source, f"{where} {message}", "`fluorite params --table` shows what is allowed.")
