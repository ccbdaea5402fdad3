"""Compiled loops: numba, without the interpreter lock, cached on disk where the disk can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile `function` at its first call; later processes find the machine code in the cache.

    Without a place for the cache (a read-only installation and no home folder) numba refuses when the module is
    imported; compiling once a process, which takes about a second a function, is better than not running.
    """
    try:
        return cast(Function, njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(Function, njit(nogil=True)(function))
