"""Cell sets and event sets as Inscopix's programs read them (``.isxd``), written by Inscopix's own package isx."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from nwb_schema.errors import ExportError
from pipeline.outputs.cell_set import CellSet
from pipeline.outputs.events import Events

_MICRO = 1_000_000


def isx_obstacle() -> str | None:
    """Why no ``.isxd`` file can be written here, or None."""
    try:
        import isx  # Inscopix builds it for few systems
    except (ImportError, OSError) as error:
        return f"the package isx does not load here ({error})"
    if not (hasattr(isx, "CellSet") and hasattr(isx.CellSet, "write") and hasattr(isx.EventSet, "write")):
        return "this version of isx only reads"
    return None


def write_cell_set(path: Path, cells: CellSet, kind: str, start: datetime | None = None) -> None:
    """Footprints and traces of all cells, with their status.

    The frame period is rounded to whole microseconds, which is what the format holds.

    Parameters
    ----------
    path
        A new file that ends in ``.isxd``.
    kind
        Of the traces, such as ``raw``.
    start
        When the recording began, or None.

    Raises
    ------
    ExportError
        When isx refuses.
    """
    import isx

    height, width = cells.shape
    spacing = isx.Spacing(num_pixels=(height, width))
    dense = np.zeros(height * width, np.float32)
    traces = np.ascontiguousarray(cells.read_traces(kind), dtype=np.float32)
    try:
        written = isx.CellSet.write(str(path), _timing(cells.n_frames, cells.rate_hz, start), spacing)
        starts = cells.footprints.indptr
        for row, name in enumerate(cells.names):
            part = slice(starts[row], starts[row + 1])
            dense[:] = 0
            dense[cells.footprints.indices[part]] = cells.footprints.data[part]
            written.set_cell_data(row, dense.reshape(height, width), traces[row], name)
        # Before `flush`, which ends writing.
        for row, accepted in enumerate(cells.accepted):
            written.set_cell_status(row, "accepted" if accepted else "rejected")
        written.flush()
        del written  # isx closes its file when nobody holds it
    except Exception as error:
        raise _refusal(path, error) from error


def write_event_set(path: Path, events: Events, names: list[str], start: datetime | None = None) -> None:
    """The events of all cells: when (in whole microseconds from the start) and how large.

    Raises
    ------
    ExportError
        When isx refuses.
    """
    import isx

    try:
        written = isx.EventSet.write(str(path), _timing(events.n_frames, events.rate_hz, start), names)
        for row in range(events.n_cells):
            mine = events.cell == row
            offsets = np.round(events.frame[mine] * _period_us(events.rate_hz)).astype(np.uint64)
            written.set_cell_data(row, offsets, np.ascontiguousarray(events.size[mine], dtype=np.float32))
        written.flush()
        del written
    except Exception as error:
        raise _refusal(path, error) from error


def _period_us(rate_hz: float) -> int:
    return max(1, round(_MICRO / rate_hz))


def _timing(n_frames: int, rate_hz: float, start: datetime | None) -> Any:
    import isx

    period = isx.Duration.from_usecs(_period_us(rate_hz))
    if start is None:
        return isx.Timing(num_samples=n_frames, period=period)
    offset = start.utcoffset()
    seconds_east = int(offset.total_seconds()) if offset is not None else 0
    since_epoch = isx.Duration.from_usecs(round(start.timestamp() * _MICRO))
    # There is no public way to make a time.
    begin = isx.Time._from_secs_since_epoch(since_epoch, seconds_east)
    return isx.Timing(num_samples=n_frames, period=period, start=begin)


def _refusal(path: Path, error: Exception) -> Exception:
    # isx raises bare Exceptions with the C library's message; anything else is not its doing.
    if type(error) is not Exception:
        return error
    reason = str(error).strip().splitlines()[-1] if str(error).strip() else "isx gives no reason"
    return ExportError(path, f"isx cannot write it ({reason})", "Take the CSV and TIFF files instead.")


def period_error(rate_hz: float, n_frames: int) -> float:
    """By how many seconds the last frame's time is off, because the period is whole microseconds."""
    return float(abs(_period_us(rate_hz) / _MICRO - 1 / rate_hz) * max(0, n_frames - 1))
