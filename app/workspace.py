"""What the pages and routes of one running dashboard share: the project and what is kept of its samples and movies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Flask, current_app

from app.movie_pool import MoviePool
from app.sample_store import SampleData, SampleStore
from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import SampleError
from nwb_schema.project import Project
from nwb_schema.reader import registered_movie_path

_EXTENSION = "fluorite"


@dataclass(frozen=True)
class Workspace:
    """One project as one server sees it; every part may be used from several threads."""

    project: Project
    catalogue: Catalogue
    samples: SampleStore
    movies: MoviePool

    @classmethod
    def of(cls, project: Project) -> Workspace:
        """A workspace for a project, with nothing read yet."""
        return cls(project, Catalogue(project), SampleStore(project.find_sample), MoviePool())

    def movie_path(self, sample: SampleData) -> Path | None:
        """The registered movie of a sample, or None where it has none that can be shown."""
        if not sample.summary.has_movie:
            return None
        try:
            return registered_movie_path(sample.path)
        except SampleError:
            return None

    def problem(self, sample: SampleData) -> str | None:
        """What the catalogue has against a sample that can be read all the same, or None."""
        rows = self.catalogue.samples([("name", f"$STR=:{sample.path.name}")])
        return next((row["reason"] for row in rows if row["path"] == str(sample.path)), None)


def attach(server: Flask, workspace: Workspace) -> None:
    """Make `workspace` the one that requests to `server` see."""
    server.extensions[_EXTENSION] = workspace


def current_workspace() -> Workspace:
    """The workspace of the server that answers the present request."""
    workspace: Workspace = current_app.extensions[_EXTENSION]
    return workspace
