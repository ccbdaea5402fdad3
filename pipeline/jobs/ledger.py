"""The job ledger: ``jobs.sqlite`` of a project, the truth about every job.

Written only on the project's own host. A job changes state only along ``queued -> running -> one end``; every change
is one guarded UPDATE, so two processes can never both end a job.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nwb_schema.errors import JobError, SampleExistsError
from nwb_schema.project import Project
from nwb_schema.sqlite import connect
from pipeline.jobs.job import Job, JobState

# Columns are only ever added: a batch manager that comes later reads the same file.
SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    spec TEXT NOT NULL,
    digest TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'ok', 'failed', 'cancelled', 'lost')),
    stage TEXT NOT NULL DEFAULT '',
    fraction REAL NOT NULL DEFAULT 0,
    error TEXT,
    result TEXT NOT NULL DEFAULT '{}',
    attempt INTEGER NOT NULL DEFAULT 1,
    actor TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    heartbeat_at REAL,
    host TEXT,
    pid INTEGER,
    process_started_at REAL,
    cancel_requested_at REAL
);
CREATE TABLE IF NOT EXISTS job_dependency (
    job TEXT NOT NULL REFERENCES job (id),
    depends_on TEXT NOT NULL REFERENCES job (id),
    PRIMARY KEY (job, depends_on)
);
CREATE TABLE IF NOT EXISTS job_sample (
    job TEXT PRIMARY KEY REFERENCES job (id),
    sample TEXT NOT NULL COLLATE NOCASE
);
CREATE INDEX IF NOT EXISTS job_by_state ON job (state, created_at);
CREATE INDEX IF NOT EXISTS job_by_digest ON job (digest);
"""
_VERSION = 2
"""1: jobs and what they depend on. 2: which sample a job will make."""


class Ledger:
    """Read and change the jobs of a project.

    Every method opens its own short connection, so a ledger may be shared by threads and outlives forks.

    Parameters
    ----------
    project
        The project whose jobs these are.
    clock
        Seconds since the epoch; passed in so that tests can set it.
    """

    def __init__(self, project: Project, clock: Callable[[], float] = time.time) -> None:
        self.project = project
        self._clock = clock

    def add(
        self,
        kind: str,
        spec: Mapping[str, Any],
        *,
        title: str,
        actor: str,
        depends_on: Sequence[str] = (),
        sample: str = "",
    ) -> Job:
        """A new job in state queued.

        Parameters
        ----------
        sample
            File name of the sample that it will make; empty where it makes none.

        Raises
        ------
        SampleExistsError
            When a job that has not ended makes a sample of the same name: only one of them could keep it.
        """
        job_id = str(uuid.uuid4())
        with self._transaction() as db:
            db.execute(
                "INSERT INTO job (id, kind, title, spec, state, actor, created_at) VALUES (?, ?, ?, ?, 'queued', ?, ?)",
                (job_id, kind, title, json.dumps(spec), actor, self._clock()),
            )
            db.executemany(
                "INSERT INTO job_dependency (job, depends_on) VALUES (?, ?)", [(job_id, other) for other in depends_on]
            )
            if sample:
                # After the first INSERT, which holds the lock for writing: nobody can add a twin in between.
                twin = db.execute(
                    "SELECT job.title FROM job JOIN job_sample ON job_sample.job = job.id "
                    "WHERE job.state IN ('queued', 'running') AND job_sample.sample = ?",
                    (sample,),
                ).fetchone()
                if twin is not None:
                    raise SampleExistsError(
                        self.project.samples_dir / sample,
                        f"a job that is waiting or running ({twin['title']}) makes this sample already",
                        "Give this recording another name with --session.",
                    )
                db.execute("INSERT INTO job_sample (job, sample) VALUES (?, ?)", (job_id, sample))
        return self.job(job_id)

    def samples_in_work(self) -> dict[str, str]:
        """File names of the samples that jobs which have not ended will make, and the titles of these jobs."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT job_sample.sample, job.title FROM job JOIN job_sample ON job_sample.job = job.id "
                "WHERE job.state IN ('queued', 'running')"
            ).fetchall()
        return {row["sample"]: row["title"] for row in rows}

    def job(self, job_id: str) -> Job:
        """The job of that id.

        Raises
        ------
        JobError
            When the ledger has no such job.
        """
        with self._transaction() as db:
            row = db.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise JobError(
                    self.project.jobs_path, f"there is no job {job_id}", "Look at the list of jobs for the ids it has."
                )
            return self._job(db, row)

    def jobs(self, limit: int = 100, states: Sequence[JobState] | None = None) -> list[Job]:
        """The newest jobs first, of all states or only some; none in a project that may only be read."""
        if not self.project.writable:
            return []  # SQLite needs to write beside the file even to read it
        states = list(JobState) if states is None else states
        marks = ", ".join("?" * len(states))
        with self._transaction() as db:
            rows = db.execute(
                f"SELECT * FROM job WHERE state IN ({marks}) ORDER BY created_at DESC, rowid DESC LIMIT ?",
                (*[state.value for state in states], limit),
            ).fetchall()
            return [self._job(db, row) for row in rows]

    def claim(self, job_id: str, *, host: str, pid: int, process_started_at: float, slots: int = 1) -> bool:
        """Move a queued job to running if it is its turn: at most `slots` run, the oldest that can start first.

        Returns False when it has to wait (or was ended by somebody else meanwhile: look at its state).
        """
        now = self._clock()
        with self._transaction() as db:
            changed = db.execute(
                """
                UPDATE job SET state = 'running', host = ?, pid = ?, process_started_at = ?, started_at = ?,
                               heartbeat_at = ?
                WHERE id = ? AND state = 'queued' AND cancel_requested_at IS NULL
                  AND (SELECT count(*) FROM job WHERE state = 'running') < ?
                  AND NOT EXISTS (SELECT 1 FROM job AS other WHERE other.state = 'queued' AND other.pid IS NOT NULL
                                  AND other.cancel_requested_at IS NULL
                                  AND (other.created_at, other.rowid) < (job.created_at, job.rowid)
                                  AND NOT EXISTS (SELECT 1 FROM job_dependency AS d JOIN job AS needed
                                                  ON needed.id = d.depends_on
                                                  WHERE d.job = other.id AND needed.state != 'ok'))
                  AND NOT EXISTS (SELECT 1 FROM job_dependency AS d JOIN job AS needed ON needed.id = d.depends_on
                                  WHERE d.job = job.id AND needed.state != 'ok')
                """,
                (host, pid, process_started_at, now, now, job_id, slots),
            ).rowcount
        return changed == 1

    def waiting(self, job_id: str, *, host: str, pid: int, process_started_at: float) -> None:
        """Record which process stands in the queue for a job, so that its death is noticed."""
        with self._transaction() as db:
            db.execute(
                "UPDATE job SET host = ?, pid = ?, process_started_at = ?, heartbeat_at = ? "
                "WHERE id = ? AND state = 'queued'",
                (host, pid, process_started_at, self._clock(), job_id),
            )

    def report(self, job_id: str, stage: str, fraction: float) -> None:
        """How far a running job is."""
        with self._transaction() as db:
            db.execute(
                "UPDATE job SET stage = ?, fraction = ?, heartbeat_at = ? WHERE id = ? AND state = 'running'",
                (stage, min(1.0, max(0.0, fraction)), self._clock(), job_id),
            )

    def beat(self, job_id: str) -> None:
        """A sign of life of the job's process."""
        with self._transaction() as db:
            db.execute("UPDATE job SET heartbeat_at = ? WHERE id = ?", (self._clock(), job_id))

    def set_digest(self, job_id: str, digest: str) -> None:
        """Record the digest of a job's inputs, parameters and code version."""
        with self._transaction() as db:
            db.execute("UPDATE job SET digest = ? WHERE id = ?", (digest, job_id))

    def request_cancel(self, job_id: str) -> bool:
        """Ask a job to stop; False when it had already ended."""
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE job SET cancel_requested_at = coalesce(cancel_requested_at, ?) "
                "WHERE id = ? AND state IN ('queued', 'running')",
                (self._clock(), job_id),
            ).rowcount
        return changed == 1

    def must_stop(self, job_id: str) -> bool:
        """Whether somebody asked the job to stop, or ended it: then its process has no business to go on."""
        with self._transaction() as db:
            row = db.execute("SELECT state, cancel_requested_at FROM job WHERE id = ?", (job_id,)).fetchone()
        return row is not None and (row["cancel_requested_at"] is not None or JobState(row["state"]).ended)

    def end(
        self,
        job_id: str,
        state: JobState,
        *,
        error: str | None = None,
        result: Mapping[str, Any] | None = None,
    ) -> bool:
        """End a job; False when it had ended before, in which case nothing changes."""
        if not state.ended:
            raise ValueError(f"{state} is not an end")
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE job SET state = ?, error = ?, result = ?, ended_at = ?, "
                "fraction = CASE WHEN ? = 'ok' THEN 1 ELSE fraction END "
                "WHERE id = ? AND state IN ('queued', 'running')",
                (state.value, error, json.dumps(result or {}), self._clock(), state.value, job_id),
            ).rowcount
        return changed == 1

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with connect(self.project.jobs_path, SCHEMA, _VERSION) as db:
            yield db

    def _job(self, db: sqlite3.Connection, row: sqlite3.Row) -> Job:
        needed = db.execute("SELECT depends_on FROM job_dependency WHERE job = ? ORDER BY rowid", (row["id"],))
        values = dict(row)
        values.update(
            spec=json.loads(row["spec"]),
            result=json.loads(row["result"]),
            state=JobState(row["state"]),
            depends_on=tuple(r["depends_on"] for r in needed),
            folder=Path(self.project.batch_dir) / row["id"],
        )
        return Job(**values)
