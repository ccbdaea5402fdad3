"""Numbers and texts out of a pickled ``.npy`` file, read as data: nothing that the file names is looked up or called.

Suite2p keeps ``stat.npy`` and ``ops.npy`` as pickles. Unpickling runs whatever the file says, and such files are passed
on between labs; so a pickle is not loaded here. The standard library's `pickletools` takes it apart into its
instructions (https://docs.python.org/3/library/pickletools.html), and those that build lists, dicts, texts, numbers and
NumPy arrays of them are followed. Every other object, whatever its class, becomes an inert `Unread`.
"""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from nwb_schema.errors import ResultsError

MAX_BYTES = 1 << 30
_REMEDY = "Save it again with Suite2p, or give its Fall.mat (Suite2p writes one when save_mat is on)."
_RECONSTRUCT = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_SCALAR = ("numpy.core.multiarray scalar", "numpy._core.multiarray scalar")
_FROM_BUFFER = ("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer")
_DTYPE = "numpy dtype"
_ENCODE = "_codecs encode"
_NO_BYTES = ("__builtin__ bytes", "builtins bytes")
_NUMBERS = re.compile(r"[biuf]\d+|[US]\d+")
_LEAVES = (
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE",
    "BINUNICODE", "BINUNICODE8",
)  # fmt: skip
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


class NotData(ValueError):
    """A pickle with instructions that no data need."""


@dataclass(frozen=True)
class Unread:
    """Stands for an object that is neither number, text nor a collection of them; it was not made."""

    name: str


@dataclass(frozen=True)
class _Name:
    """A name that the pickle mentions; a text and no more."""

    name: str


@dataclass
class _Type:
    """A dtype under construction: its code (``f4``, ``O8``) and byte order."""

    code: str
    order: str = "|"

    def numbers(self) -> np.dtype[Any]:
        """The dtype of numbers or texts.

        Raises
        ------
        NotData
            When it is of something else.
        """
        if not _NUMBERS.fullmatch(self.code):
            raise NotData(f"holds an array of {self.code[:20]!r}")
        numbers = np.dtype(self.code)
        if self.order == ">":
            return numbers.newbyteorder(">")
        return numbers.newbyteorder("<") if self.order == "<" else numbers


@dataclass
class _Unfilled:
    """An array whose content comes with a later instruction, and the places of the memo that hold it."""

    memo: list[int] = field(default_factory=list)


def read_pickled_npy(path: Path) -> Any:
    """The content of an ``.npy`` file of objects: nested lists and dicts of numbers, texts and arrays.

    An array of objects comes as a list (nested, for several axes), one of no axes as its only item.

    Raises
    ------
    ResultsError
        When it is no such file, is cut off, or holds instructions that no data need.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NotData("is larger than 1 GiB")
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            _, _, dtype = read(file)
            if dtype.kind != "O":
                raise NotData(f"holds an array of {dtype}, not the objects that Suite2p puts there")
            return read_pickle_as_data(file.read())
    except (NotData, ValueError, OSError, RecursionError, UnicodeDecodeError) as error:
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise ResultsError(path, f"cannot be read as data ({cause})", _REMEDY) from error


def read_pickle_as_data(content: bytes) -> Any:
    """What a pickle holds, with `Unread` in place of everything that is no data.

    Raises
    ------
    NotData
        When it holds instructions that no data need, or does not follow its own rules.
    """
    return _Reader(content).read()


class _Reader:
    """A stack and a memo, as pickle has them; the instructions are methods or entries of tables, nothing else."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def read(self) -> Any:
        try:
            for instruction, argument, _ in pickletools.genops(io.BytesIO(self._content)):
                if instruction.name == "STOP":
                    return self._stack.pop()
                self._follow(instruction.name, argument)
        except NotData:
            raise
        except (IndexError, KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise NotData(f"contradicts itself ({type(error).__name__}: {error})") from error
        raise NotData("has no end")

    def _follow(self, name: str, argument: Any) -> None:
        if name in _LEAVES:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise NotData(f"holds the instruction {name}, which no data need")

    def _mark(self, _: Any) -> None:
        self._marks.append(len(self._stack))

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _pop(self, _: Any) -> None:
        self._stack.pop()

    def _dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _put(self, place: Any) -> None:
        self._remember(int(place))

    def _memoize(self, _: Any) -> None:
        self._remember(len(self._memo))

    def _remember(self, place: int) -> None:
        value = self._memo[place] = self._stack[-1]
        if isinstance(value, _Unfilled):
            value.memo.append(place)

    def _get(self, place: Any) -> None:
        self._stack.append(self._memo[int(place)])

    def _empty(self, make: Callable[[], Any]) -> None:
        self._stack.append(make())

    def _tuple(self, size: int | None) -> None:
        items = self._since_mark() if size is None else self._stack[len(self._stack) - size :]
        if size:
            del self._stack[-size:]
        self._stack.append(tuple(items))

    def _list(self, _: Any) -> None:
        self._stack.append(self._since_mark())

    def _dict(self, _: Any) -> None:
        items = self._since_mark()
        self._stack.append({})
        self._set(items)

    def _append(self, items: list[Any]) -> None:
        if isinstance(self._stack[-1], list):
            self._stack[-1].extend(items)
        # Else it is added to something that was not made.

    def _set(self, items: list[Any]) -> None:
        if isinstance(self._stack[-1], dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                if isinstance(key, str | bytes | int | float | bool | tuple | type(None)):
                    self._stack[-1][key] = value

    def _last(self, count: int) -> list[Any]:
        items = self._stack[len(self._stack) - count :]
        del self._stack[-count:]
        return items

    def _name(self, argument: Any) -> None:
        self._stack.append(_Name(str(argument)))

    def _stack_name(self, _: Any) -> None:
        module, name = self._last(2)
        self._stack.append(_Name(f"{module} {name}"))

    def _new(self, with_names: bool) -> None:
        made, *_ = self._last(3 if with_names else 2)
        self._stack.append(_unread(made))

    def _reduce(self, _: Any) -> None:
        made, arguments = self._last(2)
        self._stack.append(_called(made, arguments))

    def _build(self, _: Any) -> None:
        made, state = self._stack[-2], self._stack.pop()
        if isinstance(made, _Type):
            # (3, '<', None, None, None, -1, -1, 0): its version and its byte order.
            made.order = str(state[1])
        elif isinstance(made, _Unfilled):
            _, shape, dtype, is_fortran, content = state
            filled = _array(shape, dtype, "F" if is_fortran else "C", content)
            self._stack[-1] = filled
            for place in made.memo:
                self._memo[place] = filled


def _called(made: Any, arguments: Any) -> Any:
    """What a call would have made, for the few that make numbers; nothing is called."""
    name = made.name if isinstance(made, _Name) else ""
    if name in _RECONSTRUCT:
        return _Unfilled()
    if name == _DTYPE:
        return _Type(str(arguments[0]))
    if name in _SCALAR:
        dtype, content = arguments
        return _array((), dtype, "C", content)[()]
    if name in _FROM_BUFFER:
        content, dtype, shape, order = arguments
        return _array(shape, dtype, str(order), content)
    if name == _ENCODE:  # bytes, as old pickles have them
        text, encoding = arguments
        if encoding not in ("latin1", "latin-1"):
            raise NotData(f"holds bytes in the encoding {encoding!r}")
        return text.encode("latin-1")
    if name in _NO_BYTES and arguments == ():
        return b""
    return _unread(made)


def _unread(made: Any) -> Unread:
    return Unread(made.name if isinstance(made, _Name | Unread) else type(made).__name__)


def _array(shape: Any, dtype: Any, order: str, content: Any) -> Any:
    """An array of numbers or texts from its bytes; of objects, nested lists."""
    sides = tuple(int(side) for side in shape)
    if not isinstance(dtype, _Type) or min(sides, default=0) < 0 or order not in ("C", "F"):
        raise NotData("holds an array without a type or a size")
    if dtype.code.startswith("O"):
        if not isinstance(content, list) or len(content) != prod(sides):
            raise NotData("holds an array of objects that is not whole")
        return _nested(content, sides)
    if not isinstance(content, bytes | bytearray):
        raise NotData("holds an array without its bytes")
    numbers = dtype.numbers()
    if len(content) != prod(sides) * numbers.itemsize:
        raise NotData("holds an array that is not whole")
    return np.frombuffer(content, numbers).reshape(sides, order="F" if order == "F" else "C")


def _nested(items: list[Any], sides: tuple[int, ...]) -> Any:
    if not sides:
        return items[0]
    if len(sides) == 1:
        return items
    step = prod(sides[1:])
    return [_nested(items[start * step : (start + 1) * step], sides[1:]) for start in range(sides[0])]


_STEPS: dict[str, Callable[[_Reader, Any], None]] = {
    "MARK": _Reader._mark,
    "POP": _Reader._pop,
    "POP_MARK": lambda reader, _: reader._since_mark().clear(),
    "DUP": _Reader._dup,
    "PUT": _Reader._put,
    "BINPUT": _Reader._put,
    "LONG_BINPUT": _Reader._put,
    "MEMOIZE": _Reader._memoize,
    "GET": _Reader._get,
    "BINGET": _Reader._get,
    "LONG_BINGET": _Reader._get,
    "EMPTY_LIST": lambda reader, _: reader._empty(list),
    "EMPTY_DICT": lambda reader, _: reader._empty(dict),
    "EMPTY_SET": lambda reader, _: reader._empty(list),
    "EMPTY_TUPLE": lambda reader, _: reader._tuple(0),
    "TUPLE": lambda reader, _: reader._tuple(None),
    "TUPLE1": lambda reader, _: reader._tuple(1),
    "TUPLE2": lambda reader, _: reader._tuple(2),
    "TUPLE3": lambda reader, _: reader._tuple(3),
    "FROZENSET": _Reader._list,
    "LIST": _Reader._list,
    "DICT": _Reader._dict,
    "APPEND": lambda reader, _: reader._append(reader._last(1)),
    "APPENDS": lambda reader, _: reader._append(reader._since_mark()),
    "ADDITEMS": lambda reader, _: reader._append(reader._since_mark()),
    "SETITEM": lambda reader, _: reader._set(reader._last(2)),
    "SETITEMS": lambda reader, _: reader._set(reader._since_mark()),
    "GLOBAL": _Reader._name,
    "STACK_GLOBAL": _Reader._stack_name,
    "NEWOBJ": lambda reader, _: reader._new(False),
    "NEWOBJ_EX": lambda reader, _: reader._new(True),
    "REDUCE": _Reader._reduce,
    "BUILD": _Reader._build,
}
