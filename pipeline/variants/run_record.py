"""What made a results file, kept in the file itself: a variant has no sample that could say it.

It is one JSON attribute of the root group ``fluorite``, which CaImAn's loader ignores.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py

from nwb_schema.errors import ResultsError
from nwb_schema.provenance import Provenance
from nwb_schema.publishing import fsync_file
from pipeline.caiman_layout import OWN_GROUP
from pipeline.jobs.job import Job

_ATTRIBUTE = "run"


@dataclass(frozen=True)
class RunRecord:
    """How a results file came to be.

    Attributes
    ----------
    sample
        Identifier of the sample that it is of.
    input_sha256
        Digest of the raw movie, or empty.
    title
        One line for people.
    actor
        Who started it.
    at
        When it was done, ISO 8601 in UTC.
    parameters_sha256
        SHA-256 of the engine's parameters, or empty for results of elsewhere.
    seconds
        Wall-clock seconds by stage, with ``total``.
    peak_rss_mb
        Highest memory of the engine, or None where that is not known.
    notes
        What a reader has to know, one sentence each.
    """

    sample: str
    input_sha256: str
    title: str
    actor: str
    at: str
    parameters_sha256: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_rss_mb: float | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        job: Job,
        provenance: Provenance,
        *,
        sample: str,
        seconds: Mapping[str, float],
        peak_rss_mb: float | None,
        input_sha256: str | None = None,
    ) -> RunRecord:
        """The record of a job's results; `input_sha256` where it is not that of `provenance`."""
        return cls(
            sample=sample,
            input_sha256=provenance.input_sha256 if input_sha256 is None else input_sha256,
            title=job.title,
            actor=job.actor,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            parameters_sha256=provenance.parameters_sha256,
            seconds=dict(seconds),
            peak_rss_mb=None if peak_rss_mb is None else round(peak_rss_mb, 1),
            notes=provenance.notes,
        )


def write_run(results: Path, record: RunRecord) -> None:
    """Put the record into a results file that nobody sees yet, on disk before this returns.

    Raises
    ------
    ResultsError
        When the file cannot be written.
    """
    try:
        with h5py.File(results, "r+") as file:
            file.require_group(OWN_GROUP).attrs[_ATTRIBUTE] = json.dumps(asdict(record))
        fsync_file(results)
    except OSError as error:
        raise ResultsError(results, f"cannot be completed ({error})", "Check free space and permissions.") from error


def read_run(results: Path) -> RunRecord | None:
    """The record of a results file, or None where it has none that can be understood."""
    try:
        with h5py.File(results, "r") as file:
            text = file[OWN_GROUP].attrs[_ATTRIBUTE]
        values: Any = json.loads(text)
        return RunRecord(**{**values, "notes": tuple(values.get("notes", ()))})
    except (OSError, KeyError, ValueError, TypeError, AttributeError):
        return None
