"""What is at a path that a person wants to import, and what would become of it, before anything is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nwb_schema.errors import FluoriteError, MissingResultsRateError, ResultsError, SampleExistsError
from nwb_schema.project import Project
from pipeline.curation.mask_files import count_masks
from pipeline.foreign.drawn import ENGINES, is_drawn
from pipeline.foreign.finding import results_at
from pipeline.foreign.found import Found
from pipeline.importing import ImportRequest, check_import, read_request
from pipeline.jobs.job import Job
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.submission import current_actor, reconcile, submit_all


@dataclass(frozen=True)
class Facts:
    """What one result holds.

    Attributes
    ----------
    program, version
        What made it; the version is empty where the file does not say it.
    n_rois, n_accepted
        Components, and those that count as cells; None where nothing was evaluated, and all of them count.
    n_frames
        Of the traces; None where there are none.
    shape
        ``(height, width)``, of volumes ``(height, width, depth)``; None before that can be known.
    rate_hz
        Frames per second, or None where the files do not say it.
    session
        The session where nobody gives one.
    movie
        The registered movie that lies beside the results, or empty.
    raw_refused
        Why a raw movie cannot be registered with what the results hold, as a clause; empty where it can.
    has_traces
        Whether there are traces; else a movie has to give some.
    one_photon
        Whether it is of a one-photon movie.
    notes
        What a reader has to know, one sentence each.
    """

    program: str
    version: str
    n_rois: int
    n_accepted: int | None
    n_frames: int | None
    shape: tuple[int, ...] | None
    rate_hz: float | None
    session: str
    movie: str
    raw_refused: str
    has_traces: bool
    one_photon: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedImport:
    """One result and what becomes of it.

    Attributes
    ----------
    name
        One line for people.
    request
        What would be imported.
    facts
        What was found; None where it cannot be read.
    sample
        File name of the sample that it becomes; empty where that is not known.
    problem
        Why nothing becomes of it, or empty.
    lacks_rate
        Whether that is because nobody says its imaging rate.
    lacks_movie
        Whether that is because it has no traces, and there is no movie to read them from.
    """

    name: str
    request: ImportRequest
    facts: Facts | None = None
    sample: str = ""
    problem: str = ""
    lacks_rate: bool = False
    lacks_movie: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, for people and pages."""
        return {
            "results": str(self.request.results),
            "name": self.name,
            "state": "refused" if self.problem else "ready",
            "sample": self.sample,
            "problem": self.problem,
            "lacks_rate": self.lacks_rate,
            "lacks_movie": self.lacks_movie,
            "facts": None if self.facts is None else {**asdict(self.facts), "notes": list(self.facts.notes)},
        }


def import_requests(results: Path, values: Mapping[str, Any]) -> list[ImportRequest]:
    """A request for each of the results at a path.

    Parameters
    ----------
    values
        Of `pipeline.importing.ImportRequest`, for all of them. Several results cannot all be the same session, so each
        has its own name added to it.

    Raises
    ------
    ResultsError
        When there are no results, or what was given does not suit them.
    """
    paths = results_at(results.resolve())
    session = values.get("session")
    if len(paths) > 1 and values.get("movie") is not None:
        raise ResultsError(results, f"holds {len(paths)} results, and a movie is of one", "Give one of them alone.")
    if values.get("neuropil_factor") is not None and not is_drawn(results):
        raise ResultsError(
            results, "has traces already, and the neuropil share is for ROIs without", "Leave --neuropil-factor out."
        )
    return [
        ImportRequest.model_validate(
            {**values, "results": path, "session": session if len(paths) == 1 or not session else _own(session, path)}
        )
        for path in paths
    ]


def _own(session: str, path: Path) -> str:
    return f"{session}-{path.stem[:8]}"


def plan_import(
    project: Project,
    results: Path,
    values: Mapping[str, Any],
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[PlannedImport]:
    """What becomes of each of the results at a path; see `import_requests`.

    Parameters
    ----------
    progress
        Called with how many results are looked at, and of how many.

    Raises
    ------
    ResultsError
        As `import_requests`.
    """
    requests = import_requests(results, values)
    reconcile(project)
    taken = {sample.lower(): title for sample, title in Ledger(project).samples_in_work().items()}
    planned = []
    for number, request in enumerate(requests):
        progress(number, len(requests))
        one = _plan(project, request)
        other = taken.get(one.sample.lower()) if not one.problem else None
        if other is not None:
            remedy = "Give this recording another name with --session."
            one = replace(one, problem=f"{other} will be the sample {Path(one.sample).stem} already. {remedy}")
        if not one.problem:
            taken[one.sample.lower()] = one.name
        planned.append(one)
    progress(len(requests), len(requests))
    return planned


def submit_imports(project: Project, planned: Sequence[tuple[ImportRequest, str]], *, actor: str = "") -> list[Job]:
    """Start to import ``(request, file name of the sample)``; one job waits for the other.

    Raises
    ------
    FluoriteError
        When a sample of the same name was started meanwhile; then nothing is started.
    """
    wanted = [(request.model_dump(mode="json"), request.title, sample) for request, sample in planned]
    return submit_all(project, "import", wanted, actor=actor or current_actor())


def _plan(project: Project, request: ImportRequest) -> PlannedImport:
    seen: list[Found] = []
    planned = PlannedImport(request.title, request)
    try:
        sample = check_import(project, request, seen.append)
        return replace(planned, facts=facts_of(seen[0]), sample=sample.name)
    except FluoriteError as error:
        facts = facts_of(seen[0]) if seen else None
        sample_name = Path(error.file).name if isinstance(error, SampleExistsError) else ""
        planned = replace(planned, facts=facts, sample=sample_name, problem=str(error))
        if isinstance(error, MissingResultsRateError):
            return replace(planned, facts=_without_rate(request), lacks_rate=True)
    if is_drawn(request.results) and facts is None:
        return _plan_drawn(planned)
    return planned


def _without_rate(request: ImportRequest) -> Facts | None:
    """What results without a rate hold: whatever it is, it changes nothing of the rest."""
    with suppress(FluoriteError):
        found, _ = read_request(request.model_copy(update={"frame_rate_hz": 1.0}))
        return replace(facts_of(found), rate_hz=None)
    return None


def _plan_drawn(planned: PlannedImport) -> PlannedImport:
    """Of ROIs that could not be read in their movie: what the file says without it."""
    path = planned.request.results
    try:
        n_rois = count_masks(path)
    except FluoriteError as error:
        return replace(planned, problem=str(error))
    facts = Facts(
        program=ENGINES.get(path.suffix.lower(), "masks"),
        version="",
        n_rois=n_rois,
        n_accepted=None,
        n_frames=None,
        shape=None,
        rate_hz=None,
        session="",
        movie="",
        raw_refused="ROIs that were drawn come without shifts",
        has_traces=False,
    )
    return replace(planned, facts=facts, lacks_movie=planned.request.movie is None)


def facts_of(found: Found) -> Facts:
    """What was found, without its arrays."""
    cells = found.segmentation
    return Facts(
        program=found.engine,
        version="" if found.engine_version == "unknown" else found.engine_version,
        n_rois=cells.n_rois,
        n_accepted=int(cells.accepted.sum()) if cells.evaluated else None,
        n_frames=cells.n_frames,
        shape=cells.shape,
        rate_hz=cells.rate_hz,
        session=found.session,
        movie="" if found.movie is None else str(found.movie),
        raw_refused=found.unknown_shifts or ("" if found.shifts is not None else "it keeps no shifts of the frames"),
        has_traces=found.extract is None,
        one_photon=found.one_photon,
        notes=found.notes,
    )
