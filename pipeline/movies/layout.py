"""Which numbers of a file are frames: from the axes that a file declares, or a person names, to a plan for reading.

Axes are tifffile's letters: T time, Z plane, C channel, S colour sample, Y height, X width; I and Q are a sequence of
which the file does not say what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies.source import OpenOptions

KNOWN_AXES = "TZCSYX"
AS_VOLUMES = ", or process whole volumes with --preset 3d"


@dataclass(frozen=True)
class Layout:
    """How an array becomes a movie.

    Attributes
    ----------
    axes, shape
        The array's axes and their lengths, as stored; ``_`` is an axis of length 1 that means nothing.
    picks
        For every axis but T, Y and X the index to take.
    volume
        Whether Z is kept: the movie is of volumes.
    n_frames, height, width, depth
        Size of the movie that comes out.
    """

    axes: str
    shape: tuple[int, ...]
    picks: dict[str, int]
    volume: bool = False

    def length(self, axis: str) -> int:
        """Length of `axis`; 1 when the array has no such axis."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def label(self) -> str:
        """The axes without those that mean nothing, as a `Movie` shows them."""
        return "".join(axis for axis in self.axes if axis.isalpha())

    @property
    def n_frames(self) -> int:
        return self.length("T")

    @property
    def height(self) -> int:
        return self.length("Y")

    @property
    def width(self) -> int:
        return self.length("X")

    @property
    def depth(self) -> int:
        return self.length("Z")

    @property
    def kept(self) -> str:
        """The axes of the movie that comes out, in its order."""
        return "TYXZ" if self.volume else "TYX"

    @property
    def movie_shape(self) -> tuple[int, ...]:
        """``(n_frames, height, width)``, of volumes ``(n_frames, height, width, depth)``."""
        return tuple(self.length(axis) for axis in self.kept)

    @property
    def index(self) -> tuple[int | slice, ...]:
        """What to index the whole array with to keep only the movie's axes, in the array's order."""
        return tuple(slice(None) if axis in self.kept else self.picks.get(axis, 0) for axis in self.axes)

    @property
    def to_movie(self) -> tuple[int, ...]:
        """The transposition that brings what `index` keeps into the order T, Y, X, Z (where it has them)."""
        stored = [axis for axis in self.axes if axis in self.kept]
        return tuple(stored.index(axis) for axis in self.kept if axis in stored)


def describe(axes: str, shape: tuple[int, ...]) -> str:
    """``T=20, Y=128, X=256``."""
    return ", ".join(f"{axis}={length}" for axis, length in zip(axes, shape, strict=True))


def checked_axes(path: Path, axes: str) -> str:
    """The option `axes` in capitals; AmbiguousAxesError when it is not an order of axes that holds a movie."""
    axes = axes.strip().upper()
    if not set(axes) <= set(KNOWN_AXES) or len(set(axes)) != len(axes) or not set("YX") <= set(axes):
        raise AmbiguousAxesError(
            path,
            f"--axes {axes or repr(axes)} is not an order of axes",
            "Name each axis once, in the order stored: T time, Z plane, C channel, Y height, X width, "
            "for example --axes TYX or --axes TZYX.",
        )
    return axes


def fit_axes(path: Path, axes: str, shape: tuple[int, ...]) -> str:
    """The person's `axes` laid on `shape`; axes of length 1 may be left unnamed and come out as ``_``."""
    axes = checked_axes(path, axes)
    if len(axes) == len(shape):
        return axes
    if len(axes) == sum(length > 1 for length in shape):
        named = iter(axes)
        return "".join(next(named) if length > 1 else "_" for length in shape)
    size = " x ".join(str(length) for length in shape)
    raise AmbiguousAxesError(
        path,
        f"--axes {axes} names {len(axes)} axes, but the data have {len(shape)} ({size})",
        f"Name {len(shape)} axes, in the order stored.",
    )


def ask_for_axes(path: Path, shape: tuple[int, ...], because: str) -> AmbiguousAxesError:
    """The error that asks which axis is which, with the readings that `shape` allows."""
    if len(shape) == 3:
        # Height before width and the reverse, time first or last: how programs store movies (time never in the middle).
        readings = [
            f"--axes {order} ({shape[order.index('T')]} frames of {shape[order.index('Y')]} high"
            f" x {shape[order.index('X')]} wide)"
            for order in ("TYX", "TXY", "YXT", "XYT")
        ]
    else:
        letters = {4: "TZYX", 5: "TZCYX"}.get(len(shape), "TYX")
        leading = ["".join(order) for order in permutations(letters[:-2])]
        readings = [f"--axes {order}YX" for order in leading]
        if len(shape) == 4:
            readings += ["--axes TCYX", "--axes CTYX"]
    return AmbiguousAxesError(path, because, "Say which it is: " + ", ".join(readings) + ".")


def choose(
    path: Path, axes: str, shape: tuple[int, ...], options: OpenOptions, *, because: str | None = None
) -> Layout:
    """The layout of an array with these `axes`, one channel and one plane picked.

    Parameters
    ----------
    axes, shape
        As declared by the file, or as the person named them. I or Q may stand for T when it is the only such axis.
    options
        For `channel`, `plane` and `volume`.
    because
        What to say of the file when a stack of planes might as well be time; None when T is a person's answer.

    Raises
    ------
    AmbiguousAxesError
        When time is not to be told from planes, or a channel or plane has to be chosen.
    MovieError
        When a chosen channel or plane does not exist.
    """
    if not set("YX") <= set(axes):
        raise ask_for_axes(path, shape, f"its axes are {describe(axes, shape)}, without a height and a width")
    long = "".join(axis for axis, length in zip(axes, shape, strict=True) if length > 1)
    others = [axis for axis in long if axis not in "TZCSYX"]
    if len(others) == 1 and others[0] in "IQ" and "T" not in long and "Z" not in long:
        # Images one after the other and nothing said of them: file order is time, that is what every lab means.
        axes, others = axes.replace("T", "_").replace(others[0], "T"), []
    if others:
        raise ask_for_axes(path, shape, f"its axes are {describe(axes, shape)}, and which of them is time is not said")
    lengths = dict(zip(axes, shape, strict=True))
    if lengths.get("Z", 1) > 1 and lengths.get("T", 1) == 1 and because is not None:
        stack = tuple(length for length in shape if length > 1)
        raise AmbiguousAxesError(
            path,
            f"it declares {lengths['Z']} slices and one time point ({describe(axes, shape)}): {because}",
            f"If the slices are frames in time, say so with --axes {_time_for_z(axes, shape)}; "
            f"a z-stack of {stack[0]} planes is not a movie.",
        )
    volume = options.volume and lengths.get("Z", 1) > 1
    picks = {} if volume else {"Z": pick(path, "plane", lengths.get("Z", 1), options.plane)}
    colours = "S" if lengths.get("S", 1) > 1 else "C"
    if lengths.get("S", 1) > 1 and lengths.get("C", 1) > 1:
        raise MovieError(path, "it has channels of colour images", "Save each channel as grey images.")
    picks[colours] = pick(path, "channel", lengths.get(colours, 1), options.channel)
    others = [axis for axis in axes if axis not in ("TYXZ" if volume else "TYX")]
    return Layout(axes, shape, {axis: picks.get(axis, 0) for axis in others}, volume)


def pick(path: Path, option: str, count: int, chosen: int | None, *, detail: str = "") -> int:
    """The index that `option` (``channel`` or ``plane``) chose among `count`; only one that exists passes."""
    last = count - 1
    if chosen is None:
        if count == 1:
            return 0
        raise AmbiguousAxesError(
            path,
            f"it holds {count} {option}s{detail}, which must not be mixed",
            f"Choose one with --{option} N, from 0 to {last}{AS_VOLUMES if option == 'plane' else ''}.",
        )
    if isinstance(chosen, bool) or not isinstance(chosen, int) or not 0 <= chosen < count:
        plural = f"{count} {option}s, numbered 0 to {last}" if count > 1 else f"one {option}, number 0"
        raise MovieError(
            path, f"--{option} {chosen} was given, but it holds {plural}", f"Choose --{option} from those."
        )
    return chosen


def _time_for_z(axes: str, shape: tuple[int, ...]) -> str:
    """`axes` without those of length 1, Z read as T."""
    kept = [axis for axis, length in zip(axes, shape, strict=True) if length > 1 or axis in "YX"]
    return "".join("T" if axis == "Z" else axis for axis in kept)
