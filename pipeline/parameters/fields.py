"""The kinds of value that a parameter can have, and how one is declared."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

CAIMAN, BUILTIN = "caiman", "builtin"

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
FloatAxes = Annotated[tuple[float, ...], BeforeValidator(_pair), AfterValidator(_two_or_three)]


def parameter(
    default: Any, help: str, *, unit: str = "", by: tuple[str, ...] = (CAIMAN, BUILTIN), **limits: Any
) -> Any:
    """Declare one parameter: its default, what it does in plain words, its unit, who honours it, its limits.

    `limits` are pydantic's (``ge``, ``gt``, ``le``, ``lt``); for a pair or an optional number they hold for every
    number in it and are checked by the group (`check_limits`), because pydantic cannot apply them to a tuple.
    """
    # A list, because a pydantic schema is JSON.
    extra: dict[str, Any] = {"unit": unit, "honoured_by": list(by), "limits": limits}
    return Field(default=default, description=help, json_schema_extra=extra)


def extra_of(info: FieldInfo) -> dict[str, Any]:
    """What `parameter` recorded beside a field: ``unit``, ``honoured_by``, ``limits``."""
    extra = info.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}


def range_text(limits: dict[str, float]) -> str:
    """Limits in words: ``>= 0``, ``0 to 1``, ``> 0``."""
    if "ge" in limits and "le" in limits:
        return f"{limits['ge']:g} to {limits['le']:g}"
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    return " and ".join(f"{signs[name]} {value:g}" for name, value in limits.items())


def within(value: Any, limits: dict[str, float]) -> bool:
    """Whether every number in `value` (a number, a pair, or None for "automatic") keeps the limits."""
    if value is None:
        return True
    numbers = value if isinstance(value, tuple) else (value,)
    tests = {
        "ge": lambda number, limit: number >= limit,
        "gt": lambda number, limit: number > limit,
        "le": lambda number, limit: number <= limit,
        "lt": lambda number, limit: number < limit,
    }
    return all(tests[name](number, limit) for number in numbers for name, limit in limits.items())
