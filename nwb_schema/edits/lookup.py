"""Find ROIs and columns by what a person types."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from nwb_schema.columns import ColumnDefinition
from nwb_schema.errors import EditError

MIN_PREFIX = 8


def find_rois(roi_uuids: Sequence[str], typed: Iterable[str]) -> tuple[str, ...]:
    """The ``roi_uuid`` of each ROI that was typed, as a whole or as a prefix of at least 8 characters.

    Raises
    ------
    EditError
        When a prefix is too short, or fits no ROI or several.
    """
    found = []
    for text in typed:
        prefix = text.strip().lower()
        if prefix in roi_uuids:
            found.append(prefix)
            continue
        if len(prefix) < MIN_PREFIX:
            raise EditError(
                _short(text), f"is shorter than {MIN_PREFIX} characters", "Give more of the ROI's roi_uuid."
            )
        fitting = [roi for roi in roi_uuids if roi.startswith(prefix)]
        if not fitting:
            raise EditError(_short(text), "the sample has no such ROI", "List them with: fluorite rois DIR")
        if len(fitting) > 1:
            raise EditError(
                _short(text), f"fits {len(fitting)} ROIs ({', '.join(fitting[:3])})", "Give more of the roi_uuid."
            )
        found.append(fitting[0])
    return tuple(dict.fromkeys(found))


def find_column(columns: Sequence[ColumnDefinition], name: str) -> ColumnDefinition:
    """The configured column called `name`.

    Raises
    ------
    EditError
        When there is none, with the most similar name.
    """
    for column in columns:
        if name == column.name:
            return column
    names = [column.name for column in columns]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        hint = f"Did you mean {close[0]}?"
    elif names:
        hint = f"Columns: {', '.join(names)}. Add one with: fluorite config DIR add-column"
    else:
        hint = "The project has none yet. Add one with: fluorite config DIR add-column"
    raise EditError(_short(name), "there is no such column", hint)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return repr(plain if len(plain) <= 60 else f"{plain[:57]}...")
