"""The kinds of value that a parameter can have, and how one is declared."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

CAIMAN, BUILTIN = "caiman", "builtin"
EVERY_MODE = ("2p", "1p", "3d")
PLANES = ("2p", "1p")
GREEDY = ("2p", "3d")
CNMF_E = ("1p",)
OURS = "Fluorite"

FROZEN = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


def _auto_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() in ("auto", "none", "null", "") else value


def _not_bool(value: Any) -> Any:
    # bool is an int in Python: "K": true would otherwise quietly mean one neuron.
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    return value


def _two_or_three(value: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if value is not None and len(value) not in (2, 3):
        raise ValueError("expected two numbers (y, x), or three for volumes (y, x, z)")
    return value


def _sizes(value: Any) -> Any:
    """A list of sizes, each a number or a pair: ``[3, 4]`` is two sizes, ``[[3, 4]]`` one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = [value]
    return ([_pair(size) for size in value] or None) if isinstance(value, list | tuple) else value


def _lower(value: Any) -> Any:
    # The IDEAS page writes sparse_NMF, CaImAn sparse_nmf.
    return value.strip().lower() if isinstance(value, str) else value


def _pair(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a number or a pair, not true or false")
    return (value, value) if isinstance(value, int | float) else value


Int = Annotated[int, BeforeValidator(_not_bool)]
Float = Annotated[float, BeforeValidator(_not_bool)]
OptionalInt = Annotated[int | None, BeforeValidator(_not_bool), BeforeValidator(_auto_is_none)]
OptionalFloat = Annotated[float | None, BeforeValidator(_not_bool), BeforeValidator(_auto_is_none)]
OptionalText = Annotated[str | None, BeforeValidator(_auto_is_none)]
IntPair = Annotated[tuple[int, int], BeforeValidator(_pair)]
OptionalIntPair = Annotated[tuple[int, int] | None, BeforeValidator(_pair), BeforeValidator(_auto_is_none)]
# One number an axis: (y, x), of volumes (y, x, z); whether it is a volume, `Parameters` knows.
IntAxes = Annotated[tuple[int, ...], BeforeValidator(_pair), AfterValidator(_two_or_three)]
OptionalIntAxes = Annotated[
    tuple[int, ...] | None, BeforeValidator(_pair), BeforeValidator(_auto_is_none), AfterValidator(_two_or_three)
]
OptionalSizes = Annotated[tuple[tuple[int, int], ...] | None, BeforeValidator(_sizes), BeforeValidator(_auto_is_none)]
LowerCase = BeforeValidator(_lower)
FloatAxes = Annotated[tuple[float, ...], BeforeValidator(_pair), AfterValidator(_two_or_three)]


def parameter(
    default: Any,
    help: str,
    *,
    unit: str = "",
    by: tuple[str, ...] = (CAIMAN, BUILTIN),
    modes: tuple[str, ...] = EVERY_MODE,
    source: str = "CaImAn",
    **limits: Any,
) -> Any:
    """Declare one parameter.

    Parameters
    ----------
    default
        Its value in the 2p preset.
    help
        What it does, in plain words.
    unit
        What its numbers count.
    by
        The engines that honour it.
    modes
        The kinds of recording, by the name of their preset, for which some engine honours it.
    source
        Where name and meaning come from: CaImAn, or our own.
    limits
        pydantic's (``ge``, ``gt``, ``le``, ``lt``); for a pair or an optional number they hold for every number in it
        and are checked by the group (`check_limits`), because pydantic cannot apply them to a tuple.
    """
    # Lists, because a pydantic schema is JSON.
    extra: dict[str, Any] = {
        "unit": unit, "honoured_by": list(by), "modes": list(modes), "source": source, "limits": limits,
    }  # fmt: skip
    return Field(default=default, description=help, json_schema_extra=extra)


def extra_of(info: FieldInfo) -> dict[str, Any]:
    """What `parameter` recorded beside a field: ``unit``, ``honoured_by``, ``modes``, ``source``, ``limits``."""
    extra = info.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}


def range_text(limits: dict[str, float]) -> str:
    """Limits in words: ``>= 0``, ``0 to 1``, ``> 0``."""
    if "ge" in limits and "le" in limits:
        return f"{limits['ge']:g} to {limits['le']:g}"
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    return " and ".join(f"{signs[name]} {value:g}" for name, value in limits.items())


def within(value: Any, limits: dict[str, float]) -> bool:
    """Whether every number in `value` (a number, pairs of them, or None for "automatic") keeps the limits."""
    if value is None:
        return True
    if isinstance(value, tuple):
        return all(within(number, limits) for number in value)
    tests = {
        "ge": lambda number, limit: number >= limit,
        "gt": lambda number, limit: number > limit,
        "le": lambda number, limit: number <= limit,
        "lt": lambda number, limit: number < limit,
    }
    return all(tests[name](value, limit) for name, limit in limits.items())
