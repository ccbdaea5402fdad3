"""The outputs of one sample as files: one by one for the page, or all of them in a new folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray

from nwb_schema.errors import ExportError
from nwb_schema.project import Project
from nwb_schema.publishing import fsync_folder, partial_path
from nwb_schema.reader import read_provenance, read_summary
from nwb_schema.spreadsheet import inert_cell
from pipeline.jobs.publication import RESULTS_NAME
from pipeline.outputs.cell_set import CellSet, read_cell_set
from pipeline.outputs.events import LEAST_NOISE, Events, find_events, trace_noise
from pipeline.outputs.initialisation import NAMES, Initialisation, initialisation_of, is_filtered
from pipeline.outputs.inscopix import isx_obstacle, write_cell_set, write_event_set

KINDS = ("raw", "denoised")
"""The kinds of trace of which there is a cell set."""
CELL_IMAGES = ("correlation", "mean", "max")
"""Summary images on which outlines are drawn, the best first."""
_DIGITS = "%.7g"

Stage = Callable[[str, float], None]


class Outputs:
    """What the IDEAS workflow hands out, for one sample; every part is read or computed when it is first asked for.

    Parameters
    ----------
    path
        The sample's file.
    rejected
        Whether rejected cells are in the previews and among the events, too. The cell sets have them in any case, with
        their status.
    least_noise
        Events that do not reach so many times the noise of their trace are left out; 0 keeps all.
    progress
        Told the stage and how far it is; what it raises stops the work.
    """

    def __init__(
        self,
        project: Project,
        path: Path,
        *,
        rejected: bool = False,
        least_noise: float = LEAST_NOISE,
        progress: Stage = lambda stage, done: None,
    ) -> None:
        self.path = path
        self._project, self._rejected, self._least_noise, self._progress = project, rejected, least_noise, progress

    @cached_property
    def cells(self) -> CellSet:
        """All cells that nobody deleted."""
        self._progress("reading the sample", 0.0)
        return read_cell_set(self.path)

    @cached_property
    def shown(self) -> CellSet:
        """Those that previews and events are of: the accepted ones; all when asked for, or when none is accepted."""
        accepted = self.cells.accepted
        everyone = self._rejected or not accepted.any()
        return self.cells.rows(np.arange(len(accepted)) if everyone else np.flatnonzero(accepted))

    @cached_property
    def events(self) -> Events | None:
        """The events of the shown cells; None when the sample has no deconvolved traces, or no cell."""
        return events_of(self.shown, self._least_noise) if len(self.shown.table) else None

    @cached_property
    def initialisation(self) -> Initialisation | None:
        """The images in which cells were looked for, or None."""
        cache = self._project.cache_dir / "initialisation"
        return initialisation_of(self.path, lambda done: self._progress("initialisation images", done), cache)

    @cached_property
    def results(self) -> Path | None:
        """The results file that the segmentation came from, as the engine left it; None when it is not there."""
        return results_file(self._project, self.path)

    @cached_property
    def writers(self) -> dict[str, Callable[[Path], None]]:
        """What makes each file, by the file's name, in the order in which IDEAS has them."""
        found: dict[str, Callable[[Path], None]] = {}
        if self.results is not None:
            source = self.results
            found["results.hdf5"] = lambda target: _copy(source, target)
        found |= self._cell_set_writers()
        if self._has_initialisation():
            found |= {f"initialisation_{name}.tif": self._image_writer(name) for name in NAMES}
            found |= {f"initialisation{ending}": self._draw_initialisation for ending in (".png", ".svg")}
        if self.events is not None:
            found |= {
                "events.csv": self._write_events,
                "event_rates.csv": self._write_event_rates,
                "population_rate.csv": self._write_population_rate,
                "events.png": self._draw_events,
                "events.svg": self._draw_events,
            }
            if isx_obstacle() is None:
                found["events.isxd"] = self._write_event_set
        return found

    def notes(self) -> list[str]:
        """What is not there, and why: one sentence each."""
        obstacle = isx_obstacle()
        wanting = {
            "The results file is not among the project's batch folders; the sample itself has all of it.": (
                self.results is None
            ),
            "There are no cells.": not len(self.cells.table),
            f"No Inscopix files (.isxd): {obstacle}. CSV and TIFF hold the same.": obstacle is not None,
            "No initialisation images: the sample has neither a peak-to-noise image nor a movie to make one of.": (
                not self._has_initialisation()
            ),
            "No events: the sample has no deconvolved traces.": self.events is None and len(self.cells.table) > 0,
        }
        return [sentence for sentence, applies in wanting.items() if applies]

    def write(self, name: str, target: Path) -> None:
        """Make the file `name` (of `writers`) at `target`, which ends in the same way.

        Raises
        ------
        ExportError
            When there is no such output.
        """
        if name not in self.writers:
            raise ExportError(self.path, f"has no output {name!r}", f"It has: {', '.join(self.writers)}.")
        self._progress(name, 0.0)
        self.writers[name](target)

    def _cell_set_writers(self) -> dict[str, Callable[[Path], None]]:
        if not len(self.cells.table):
            return {}
        found: dict[str, Callable[[Path], None]] = {
            "cells.csv": lambda target: cell_table(self.cells).to_csv(target, index=False),
            "footprints.tif": self._write_footprints,
        }
        for kind in (kind for kind in KINDS if kind in self.cells.kinds):
            found |= {
                f"traces_{kind}.csv": self._trace_writer(kind),
                f"cells_{kind}.png": self._cells_drawer(kind),
                f"cells_{kind}.svg": self._cells_drawer(kind),
            }
            if isx_obstacle() is None:
                found[f"cells_{kind}.isxd"] = self._cell_set_writer(kind)
        return found

    def _has_initialisation(self) -> bool:
        return {"pnr", "correlation"} <= set(self.cells.images) or is_filtered(self.path)

    def _trace_writer(self, kind: str) -> Callable[[Path], None]:
        def write(target: Path) -> None:
            frame = pd.DataFrame(self.cells.read_traces(kind).T, columns=self.cells.names)
            frame.insert(0, "time_s", np.round(np.arange(self.cells.n_frames) / self.cells.rate_hz, 6))
            frame.to_csv(target, index=False, float_format=_DIGITS)

        return write

    def _cell_set_writer(self, kind: str) -> Callable[[Path], None]:
        return lambda target: write_cell_set(target, self.cells, kind, self._start())

    def _cells_drawer(self, kind: str) -> Callable[[Path], None]:
        def draw(target: Path) -> None:
            from pipeline.outputs.previews import cells_figure, save_figure

            save_figure(cells_figure(self.shown, kind, self._background()), target)

        return draw

    def _background(self) -> NDArray[np.float32] | None:
        """The image in which cells are seen best; a one-photon movie's own images are of its background."""
        if is_filtered(self.path) and self.initialisation is not None:
            return self.initialisation.images["pnr"]
        images = self.cells.images
        return next((images[name] for name in CELL_IMAGES if name in images), None)

    def _write_footprints(self, target: Path) -> None:
        """One page a cell: ``(n_cells, height, width)``, compressed, because a footprint is nearly all zeros."""
        height, width = self.cells.shape
        n_cells = len(self.cells.table)
        with tifffile.TiffWriter(target, bigtiff=True) as tiff:
            tiff.write(
                (self.cells.footprints[[row]].toarray().reshape(height, width) for row in range(n_cells)),
                shape=(n_cells, height, width),
                dtype=np.float32,
                compression="zlib",
                photometric="minisblack",
                metadata={"axes": "QYX"},
            )

    def _image_writer(self, name: str) -> Callable[[Path], None]:
        def write(target: Path) -> None:
            assert self.initialisation is not None
            tifffile.imwrite(target, self.initialisation.images[name].astype(np.float32), compression="zlib")

        return write

    def _draw_initialisation(self, target: Path) -> None:
        from pipeline.outputs.previews import initialisation_figure, save_figure

        assert self.initialisation is not None
        save_figure(initialisation_figure(self.initialisation.images, self.initialisation.what), target)

    def _write_events(self, target: Path) -> None:
        self._there().table(self.shown.names).to_csv(target, index=False, float_format=_DIGITS)

    def _write_event_rates(self, target: Path) -> None:
        events = self._there()
        columns = {
            "cell": self.shown.names,
            "events": events.counts,
            "rate_hz": events.rates_hz(),
            "mean_interval_s": events.mean_intervals_s(),
        }
        pd.DataFrame(columns).to_csv(target, index=False, float_format=_DIGITS)

    def _write_population_rate(self, target: Path) -> None:
        start_s, rate_hz = self._there().population_rate()
        frame = pd.DataFrame({"start_s": start_s, "events_per_s_and_cell": rate_hz})
        frame.to_csv(target, index=False, float_format=_DIGITS)

    def _draw_events(self, target: Path) -> None:
        from pipeline.outputs.previews import events_figure, save_figure

        save_figure(events_figure(self._there()), target)

    def _write_event_set(self, target: Path) -> None:
        write_event_set(target, self._there(), self.shown.names, self._start())

    def _there(self) -> Events:
        assert self.events is not None
        return self.events

    def _start(self) -> datetime | None:
        text = read_summary(self.path).session_start_time
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Written:
    """Where `write_outputs` wrote, the names of the files there, and what is not there and why."""

    folder: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]


def write_outputs(outputs: Outputs, folder: Path) -> Written:
    """Write all outputs into `folder`, which is not there yet or empty.

    They are made in a hidden folder that gets the name when all of them are there.

    Raises
    ------
    ExportError
        When the folder holds something, or cannot be written.
    FluoriteError
        When the sample cannot be read.
    """
    folder = folder.expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(folder, "is there already and not empty", "Give the name of a new folder.")
    temporary = partial_path(folder.parent)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        for name in outputs.writers:
            outputs.write(name, temporary / name)
        if folder.exists():
            folder.rmdir()
        os.replace(temporary, folder)
        fsync_folder(folder.parent)
    except OSError as error:
        raise ExportError(
            folder, f"cannot be written ({error.strerror or error})", "Check permissions and free space."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Written(folder, tuple(outputs.writers), tuple(outputs.notes()))


def results_file(project: Project, path: Path) -> Path | None:
    """The results file that a sample's segmentation came from, as the engine left it; None when it is not there."""
    job = str(read_provenance(path).get("job_id") or "")
    found = project.batch_dir / job / RESULTS_NAME
    return found if job and found.parent.parent == project.batch_dir and found.is_file() else None


def events_of(cells: CellSet, least_noise: float = LEAST_NOISE) -> Events | None:
    """The events of a cell set, without those that do not reach `least_noise` times the noise of their trace.

    None when it has no deconvolved traces.
    """
    if "deconvolved" not in cells.kinds:
        return None
    least: NDArray[np.float64] | float = 0.0
    if least_noise > 0 and "raw" in cells.kinds:
        least = least_noise * trace_noise(cells.read_traces("raw"))
    return find_events(cells.read_traces("deconvolved"), cells.rate_hz, least)


def cell_table(cells: CellSet) -> pd.DataFrame:
    """One row a cell for a spreadsheet: its name in files, identity, scores, place and tags; nothing is a formula."""
    table = cells.table.drop(columns=["deleted"]).rename(columns={"index": "number"})
    table.insert(0, "cell", cells.names)
    for name in table.columns:
        table[name] = [inert_cell(value) if isinstance(value, str) else value for value in table[name]]
    return table.rename(columns={name: inert_cell(str(name)) for name in table.columns})


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
