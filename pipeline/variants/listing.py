"""All results that a project has for the movie of one sample."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import FluoriteError, JobError
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance, read_summary
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.publication import RESULTS_NAME
from pipeline.results import is_online, read_counts, read_engine, read_parameters
from pipeline.variants.run_record import RunRecord, read_run

SHORTEST_ID = 8
"""A variant may be named by the first letters of its id, at least so many."""


@dataclass(frozen=True)
class Variant:
    """One result for a movie.

    Attributes
    ----------
    id
        That of the job that made it; also the name of its folder in ``batch/``.
    results
        The results file.
    title
        One line for people.
    engine, engine_version
        What made it.
    parameters
        By group, under CaImAn's names; of the group ``online`` only where it was an online run.
    n_rois, n_accepted
        Components, and those that count as cells, as the engine left them.
    seconds
        Wall-clock seconds by stage with ``total``; empty where that is not known.
    peak_rss_mb
        Highest memory, or None where that is not known.
    actor
        Who made it, or empty.
    at
        When, ISO 8601 in UTC.
    is_chosen
        Whether the sample's segmentation is this one (as it was, before people edited it).
    notes
        What a reader has to know.
    """

    id: str
    results: Path
    title: str
    engine: str
    engine_version: str
    parameters: Mapping[str, Any]
    n_rois: int
    n_accepted: int
    seconds: Mapping[str, float]
    peak_rss_mb: float | None
    actor: str
    at: str
    is_chosen: bool
    notes: tuple[str, ...]


def list_variants(project: Project, path: Path) -> list[Variant]:
    """Every results file in ``batch/`` that is of the movie of the sample `path`, the oldest first.

    Those are of it that say so themselves, and those of samples of the same movie (equal digest). What cannot be read
    is left out.
    """
    summary = read_summary(path)
    digest = summary.input_sha256 or ""
    chosen = str(read_provenance(path).get("job_id") or "")
    samples = {summary.identifier, *_twins(project, digest)}
    found = []
    for folder in sorted(project.batch_dir.glob("*")):
        results = folder / RESULTS_NAME
        if not results.is_file():
            continue
        run = _run_of(results, _stamp(results))
        belongs = run is not None and (run.sample == summary.identifier or (digest and run.input_sha256 == digest))
        if belongs or folder.name in samples or folder.name == chosen:
            with suppress(FluoriteError):
                found.append(_variant(project, results, run, _stamp(results), is_chosen=folder.name == chosen))
    return sorted(found, key=lambda variant: (variant.at, variant.id))


def find_variant(project: Project, path: Path, name: str) -> Variant:
    """The variant that a person names: its place in the list, from 1, or the first letters of its id.

    Raises
    ------
    JobError
        When none, or more than one, is meant.
    """
    there = list_variants(project, path)
    if name.isascii() and name.isdigit() and 1 <= int(name) <= len(there):
        return there[int(name) - 1]
    meant = [variant for variant in there if len(name) >= SHORTEST_ID and variant.id.startswith(name)]
    if len(meant) == 1:
        return meant[0]
    raise JobError(
        name,
        f"{path.name} has no result that is called so" if not meant else f"could be {len(meant)} results",
        f"List them with: fluorite variants {project.folder} {path.stem}",
    )


def _twins(project: Project, digest: str) -> list[str]:
    """Identifiers of all samples of the movie with that digest."""
    if not digest:
        return []
    catalogue = Catalogue(project)
    catalogue.refresh()
    return [str(row["identifier"]) for row in catalogue.samples([("input_sha256", f"$STR=:{digest}")])]


def _stamp(results: Path) -> str:
    status = results.stat()
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


@lru_cache(maxsize=16_384)
def _run_of(results: Path, stamp: str) -> RunRecord | None:
    """The record of a results file; a page that lists variants asks for those of all jobs, again and again."""
    return read_run(results)


@lru_cache(maxsize=1_024)
def _content_of(results: Path, stamp: str) -> tuple[tuple[str, str], tuple[int, int], dict[str, Any]]:
    """Engine, counts and parameters of a results file."""
    return read_engine(results), read_counts(results), _effective(results)


def _variant(project: Project, results: Path, run: RunRecord | None, stamp: str, *, is_chosen: bool) -> Variant:
    (engine, version), (n_rois, n_accepted), parameters = _content_of(results, stamp)
    run = run or _from_ledger(project, results)
    return Variant(
        id=results.parent.name,
        results=results,
        title=run.title,
        engine=engine,
        engine_version=version,
        parameters=parameters,
        n_rois=n_rois,
        n_accepted=n_accepted,
        seconds=run.seconds,
        peak_rss_mb=run.peak_rss_mb,
        actor=run.actor,
        at=run.at,
        is_chosen=is_chosen,
        notes=run.notes,
    )


def _effective(results: Path) -> dict[str, Any]:
    parameters = read_parameters(results)[0]
    return parameters if is_online(results) else {name: v for name, v in parameters.items() if name != "online"}


def _from_ledger(project: Project, results: Path) -> RunRecord:
    """What the job of a sample's own results says of them; these have no record in the file."""
    at = datetime.fromtimestamp(results.stat().st_mtime, tz=UTC).isoformat(timespec="seconds")
    blank = RunRecord(sample="", input_sha256="", title="", actor="", at=at)
    if not project.writable:
        return blank  # SQLite needs to write beside the ledger even to read it
    try:
        job = Ledger(project).job(results.parent.name)
    except JobError:
        return blank
    return RunRecord(
        sample="",
        input_sha256="",
        title=job.title,
        actor=job.actor,
        at=at,
        seconds=job.result.get("seconds", {}),
        peak_rss_mb=job.result.get("peak_rss_mb"),
        notes=tuple(job.result.get("notes", ())),
    )
