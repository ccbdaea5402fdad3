"""The record that a job leaves while it publishes a sample, so that a kill in between can be told from success.

Publishing is two renames (the movie, then the sample). The record names both beforehand; whoever finds the job dead
later either removes the movie (no sample: nothing was published) or ends the job as ok (the sample is there and whole).

A job that replaces a sample's cells (``process --into``) keeps its results file and then makes an edit. Only the edit
is the end of it: without that, the job did not do what was asked for, but its results stay: hours of work, maybe.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nwb_schema.edits import version_of
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance, read_summary
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
    into
        File name of the sample whose cells the results are to replace, or None.
    """

    identifier: str
    sample: str | None
    movie: str | None
    report: Mapping[str, Any]
    into: str | None = None

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

        Where the results are to replace a sample's cells: whether they did.

        None when a file of that name is there but cannot be read now (somebody is writing it, or the disk is away):
        then nothing may be removed, and whoever asks next may know more.
        """
        if self.into is not None:
            return self._has_replaced(project, project.samples_dir / self.into)
        if self.sample is None:
            return self.results_path(project).is_file()
        path = project.samples_dir / self.sample
        if not path.exists():
            return False
        try:
            return read_summary(path).identifier == self.identifier
        except FluoriteError:
            return None

    def _has_replaced(self, project: Project, sample: Path) -> bool | None:
        if not self.results_path(project).is_file() or not sample.exists():
            return False
        try:
            version_of(project, sample)  # an edit that a kill left in the journal alone is committed here
            return read_provenance(sample).get("job_id") == self.identifier
        except FluoriteError:
            return None

    def results_path(self, project: Project) -> Path:
        """Where the results file stays."""
        return project.batch_dir / self.identifier / RESULTS_NAME

    def what_is_kept(self, project: Project) -> str | None:
        """What to say of a job whose results are there while its sample stayed as it was; None for any other."""
        if self.into is None or not self.results_path(project).is_file():
            return None
        sample = Path(self.into).stem
        return (
            f"{self.into} has its former cells still; the new ones are kept. Look at them on the sample's page Compare "
            f"and press Use, or: fluorite variants {project.folder} {sample} --choose {self.identifier[:8]}"
        )

    def movie_path(self, project: Project) -> Path | None:
        """Where the movie is or would be."""
        return None if self.movie is None else project.movies_dir / self.movie
