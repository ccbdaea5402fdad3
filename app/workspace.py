"""What the pages and routes of one running dashboard share: the project and what is kept of its samples and movies."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask, current_app

from app.movie_pool import MoviePool, Shown, file_signature, registered
from app.samples.store import SampleData, SampleStore
from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import MovieError
from nwb_schema.project import Project
from nwb_schema.reader import read_identifier
from pipeline.viewing.reconstruction import Model, read_model
from pipeline.viewing.views import VIEWS, open_view

_EXTENSION = "fluorite"
# Models of movies in memory: the traces of 500 cells in 10,000 frames are 20 MB.
_KEPT_MODELS = 2
# An identifier as Fluorite makes it; anything else could mean something to the catalogue's filters.
_PLAIN = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Workspace:
    """One project as one server sees it; every part may be used from several threads."""

    project: Project
    catalogue: Catalogue
    samples: SampleStore
    movies: MoviePool
    _models: _Models = field(default_factory=lambda: _Models())

    @classmethod
    def of(cls, project: Project) -> Workspace:
        """A workspace for a project, with nothing read yet."""
        catalogue = Catalogue(project)
        return cls(project, catalogue, SampleStore(lambda name: _find(project, catalogue, name)), MoviePool())

    def movie_path(self, sample: SampleData) -> Path | None:
        """The registered movie of a sample, or None where it has none that can be shown."""
        path = sample.registered_movie
        return path if path is not None and path.is_file() else None

    def shown(self, sample: SampleData, view: str) -> Shown:
        """A movie of a sample, by its name in `pipeline.viewing.views.VIEWS`.

        Raises
        ------
        MovieError
            When the sample has none, with the reason.
        """
        if view not in VIEWS:
            raise MovieError(sample.path, f"has no view called {view[:40]!r}", f"Ask for one of: {', '.join(VIEWS)}.")
        path = self.movie_path(sample)
        if path is None:
            problem = sample.summary.movie_problem or "this sample has no movie"
            raise MovieError(
                sample.path, problem, "Process the movie again, or restore it to the project's movies folder."
            )
        if view == "movie":
            return registered(path)
        key, signature = f"{sample.path} {view}", file_signature(path)
        if view == "raw":
            return Shown(key, signature, lambda: open_view(self.project, sample.path, view))
        return Shown(
            key,
            f"{signature}.{sample.signature}",
            lambda: open_view(self.project, sample.path, view, model=self._models.of(self.project, sample)),
        )

    def problem(self, sample: SampleData) -> str | None:
        """What the catalogue has against a sample that can be read all the same, or None."""
        rows = self.catalogue.samples([("name", f"$STR=:{sample.path.name}")])
        return next((row["reason"] for row in rows if row["path"] == str(sample.path)), None)


class _Models:
    """The models of the samples that were looked at last: several views are computed from one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, str], Model] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, project: Project, sample: SampleData) -> Model:
        """The model of a sample as it is now; see `pipeline.viewing.reconstruction.read_model`."""
        key = (sample.path, sample.signature)
        with self._lock:
            model = self._kept.get(key)
            if model is None:
                model = self._kept[key] = read_model(project, sample.path)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT_MODELS:
                self._kept.popitem(last=False)
            return model


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
