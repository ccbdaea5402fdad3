"""What the pages and routes of one running dashboard share: the project and what is kept of its samples and movies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, current_app

from app.movie_pool import MoviePool
from app.sample_store import SampleData, SampleStore
from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import SampleError
from nwb_schema.project import Project
from nwb_schema.reader import read_identifier, registered_movie_path

_EXTENSION = "fluorite"
# An identifier as Fluorite makes it; anything else could mean something to the catalogue's filters.
_PLAIN = re.compile(r"[A-Za-z0-9-]+")


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
        catalogue = Catalogue(project)
        return cls(project, catalogue, SampleStore(lambda name: _find(project, catalogue, name)), MoviePool())

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


def _find(project: Project, catalogue: Catalogue, name: str) -> Path:
    """The sample of that identifier or name; the catalogue is asked first: the project opens file after file."""
    if _PLAIN.fullmatch(name):
        rows = catalogue.samples([("identifier", f"$STR=:{name}")])
        path = Path(rows[0]["path"]) if len(rows) == 1 else None
        # What the catalogue says may be of yesterday.
        if path is not None and path.is_file() and read_identifier(path) == name:
            return path
    return project.find_sample(name)


def attach(server: Flask, workspace: Workspace) -> None:
    """Make `workspace` the one that requests to `server` see."""
    server.extensions[_EXTENSION] = workspace


def workspace_of(server: Flask) -> Workspace:
    """The workspace of a server."""
    workspace: Workspace = server.extensions[_EXTENSION]
    return workspace


def current_workspace() -> Workspace:
    """The workspace of the server that answers the present request."""
    return workspace_of(current_app)
