"""What a job is: one unit of long work, as the ledger knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class JobState(StrEnum):
    """Where a job stands. It ends in exactly one of ok, failed, cancelled and lost."""

    QUEUED = "queued"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to the job any more."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class Job:
    """One row of the ledger.

    Attributes
    ----------
    id
        A UUID: the job's identity for ever.
    kind
        What it does: ``process``, ``import``, ``adopt`` or ``export``.
    title
        One line for people, such as the names of the movies.
    spec
        What was asked for, JSON-able; enough to run the job again.
    digest
        SHA-256 over inputs, parameters and code version, or None before it is known. It finds finished twins; it is
        not the job's identity.
    state, stage, fraction
        Where it stands, in which stage, and how far that stage is (0 to 1).
    error
        One line (file, cause, remedy) when it failed or was lost.
    result
        What came out, JSON-able: empty unless `state` is ok.
    attempt
        1 for the first run.
    depends_on
        Ids of jobs that have to end ok before this one starts.
    actor
        Who started it.
    created_at, started_at, ended_at, heartbeat_at
        Seconds since the epoch (UTC), or None.
    host, pid
        Where it runs.
    cancel_requested_at
        When somebody asked for it to stop, or None.
    folder
        ``batch/<id>/`` of the project.
    """

    id: str
    kind: str
    title: str
    spec: Mapping[str, Any]
    digest: str | None
    state: JobState
    stage: str
    fraction: float
    error: str | None
    result: Mapping[str, Any]
    attempt: int
    depends_on: tuple[str, ...]
    actor: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    heartbeat_at: float | None
    host: str | None
    pid: int | None
    process_started_at: float | None
    cancel_requested_at: float | None
    folder: Path

    @property
    def attempt_folder(self) -> Path:
        """``batch/<id>/<attempt>/``: scratch and log of the present attempt."""
        return self.folder / str(self.attempt)

    @property
    def log_path(self) -> Path:
        """The log of the present attempt."""
        return self.attempt_folder / "log.txt"
