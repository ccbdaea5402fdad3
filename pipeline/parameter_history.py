"""Which parameters were used before in a project: from its samples, its variants, and jobs that failed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance
from pipeline.jobs.ledger import Ledger
from pipeline.parameters import Parameters

MOST_ENTRIES = 40
_MOST_JOBS = 500


@dataclass
class UsedParameters:
    """Parameters that were used, whatever rate the movies had.

    Attributes
    ----------
    parameters
        Their values, with the rate automatic.
    digest
        SHA-256 of these.
    preset
        The preset that they belong to.
    used_at
        Seconds since the epoch, the latest time; 0 where nobody knows.
    uses
        ``(what, identifier)`` of each use, the latest first: a sample's name and its identifier, or a job's title with
        how it ended, and the sample that it was a variant of, or None.
    """

    parameters: Parameters
    digest: str
    preset: str
    used_at: float = 0.0
    uses: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """What differs from the preset: ``group.name`` with the value here and there."""
        return self.parameters.differences(Parameters.preset(self.preset))


def used_parameters(project: Project, catalogue: Catalogue) -> list[UsedParameters]:
    """What was used, the latest first, at most `MOST_ENTRIES`; equal parameters are one entry."""
    found: dict[str, UsedParameters] = {}
    made: dict[str, float] = {}
    jobs = [job for job in Ledger(project).jobs(limit=_MOST_JOBS) if job.kind == "process"]
    for job in jobs:
        made[job.id] = job.created_at
        variant_of = job.spec.get("variant_of")
        if job.state.ended and job.state != "ok":
            _add(found, _of_spec(job.spec), job.created_at, (f"{job.title} ({job.state})", None))
        elif job.state == "ok" and variant_of:
            _add(found, _of_spec(job.spec), job.created_at, (f"{job.title} (variant)", str(variant_of)))
    seen: dict[str, Parameters | None] = {}
    for row in catalogue.samples():
        digest, identifier = row.get("parameters_sha256"), str(row.get("identifier") or "")
        if not digest or row.get("status") == "unreadable":
            continue
        if digest not in seen:
            if len(seen) >= 5 * MOST_ENTRIES:
                continue
            seen[digest] = _of_sample(Path(row["path"]))
        when = made.get(identifier) or _file_time(Path(row["path"]))
        _add(found, seen[digest], when, (Path(row["path"]).stem, identifier))
    return sorted(found.values(), key=lambda used: -used.used_at)[:MOST_ENTRIES]


def when_text(used: UsedParameters) -> str:
    """The day and minute of the latest use, in this computer's time zone."""
    moment = datetime.fromtimestamp(used.used_at, tz=UTC).astimezone()
    return moment.strftime("%d %b %Y, %H:%M") if used.used_at else "at an unknown time"


def _add(
    found: dict[str, UsedParameters], parameters: Parameters | None, when: float, use: tuple[str, str | None]
) -> None:
    if parameters is None:
        return
    digest = parameters.sha256()
    entry = found.setdefault(digest, UsedParameters(parameters, digest, parameters.nearest_preset()))
    if when >= entry.used_at:
        entry.uses.insert(0, use)
    else:
        entry.uses.append(use)
    entry.used_at = max(entry.used_at, when)


def _of_spec(spec: Mapping[str, Any]) -> Parameters | None:
    try:
        given = Parameters.preset(str(spec.get("preset", "2p"))).updated(spec.get("parameters") or {})
    except FluoriteError:
        return None
    return given.updated({"data.fr": None})


def _of_sample(path: Path) -> Parameters | None:
    """The parameters in a sample as far as this version knows them; None where it has none."""
    try:
        stored = read_provenance(path).get("parameters")
    except FluoriteError:
        return None
    groups = stored.items() if isinstance(stored, Mapping) else ()
    values = {
        f"{group}.{name}": value
        for group, members in groups
        if isinstance(members, Mapping)
        for name, value in members.items()
        if f"{group}.{name}" != "data.fr"
    }
    if not values:
        return None
    base = Parameters.preset("2p")
    try:
        return base.updated(values)
    except FluoriteError:
        # A former version's, or another program's: what is understood counts.
        for name, value in values.items():
            with suppress(FluoriteError):
                base = base.updated({name: value})
        return base


def _file_time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
