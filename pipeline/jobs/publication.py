"""The record that a job leaves while it publishes a sample, so that a kill in between can be told from success.

Publishing is two renames (the movie, then the sample). The record names both beforehand; whoever finds the job dead
later either removes the movie (no sample: nothing was published) or ends the job as ok (the sample is there and whole).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from nwb_schema.reader import read_summary
from pipeline.jobs.job import Job

RESULTS_NAME = "results.hdf5"
"""The results file that stays with the job, in ``batch/<job>/``."""

_NAME = "publishing.json"


@dataclass(frozen=True)
class Publication:
    """What a job was about to publish.

    Attributes
    ----------
    identifier
        Of the sample, which is that of the job.
    sample, movie
        File names in ``samples/`` and ``movies/``; no movie for a sample without one. No sample for a variant: there it
        is the results file that is published.
    report
        What the job returns when it ends ok.
    """

    identifier: str
    sample: str | None
    movie: str | None
    report: Mapping[str, Any]

    def write(self, job: Job) -> None:
        """Leave the record in the job's attempt folder, on disk before this returns."""
        path = job.attempt_folder / _NAME
        with path.open("w") as file:
            json.dump(vars(self), file)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, job: Job) -> Publication | None:
        """The record of a job, or None when it had not come that far (or was killed while writing the record)."""
        try:
            return cls(**json.loads((job.attempt_folder / _NAME).read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def is_published(self, project: Project) -> bool | None:
        """Whether the sample of that identifier (of a variant, its results file) is in the project.

        None when a file of that name is there but cannot be read now (somebody is writing it, or the disk is away):
        then nothing may be removed, and whoever asks next may know more.
        """
        if self.sample is None:
            return (project.batch_dir / self.identifier / RESULTS_NAME).is_file()
        path = project.samples_dir / self.sample
        if not path.exists():
            return False
        try:
            return read_summary(path).identifier == self.identifier
        except FluoriteError:
            return None

    def movie_path(self, project: Project) -> Path | None:
        """Where the movie is or would be."""
        return None if self.movie is None else project.movies_dir / self.movie
