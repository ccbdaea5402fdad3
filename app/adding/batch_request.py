"""The page for many movies: from what was typed to planned recordings and jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.adding.process_request import FormValues, common_values
from app.adding.typed_path import unquoted
from app.field_names import field_words
from app.formatting import count
from nwb_schema.columns import ColumnKind
from nwb_schema.errors import FluoriteError, MovieError
from nwb_schema.project import Project
from pipeline.batch import MOST_FILES, PlannedRecording, movies_of, plan_batch, submit_batch
from pipeline.jobs import Job
from pipeline.naming_pattern import NamingPattern
from pipeline.request import parse_request

_SHOWN_NAMES = 5


@dataclass(frozen=True)
class BatchForm:
    """The form as typed.

    Attributes
    ----------
    folder, pattern
        Which movies, and what their names say.
    common
        The fields that hold for all of them, as `app.adding.process_request.FormValues` has them.
    """

    folder: str
    pattern: str
    common: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The folder.

        Raises
        ------
        MovieError
            When none was typed.
        """
        typed = unquoted(self.folder)
        if not typed:
            raise MovieError("Folder", "no folder was chosen", "Press Browse, or type the path of a folder.")
        return Path(typed).expanduser().resolve()

    def values(self, project: Project) -> dict[str, Any]:
        """What holds for all recordings, in the terms of `pipeline.request.ProcessRequest`."""
        form = FormValues(movies=None, series=False, session=None, **self.common)
        return common_values(form, project)


def parse_pattern(project: Project, text: str) -> NamingPattern:
    """The pattern that was typed; custom columns of the project may be fields."""
    return NamingPattern.parse(text, [column.name for column in project.columns(ColumnKind.CUSTOM)])


def first_names(project: Project, form: BatchForm) -> list[tuple[str, str, bool]]:
    """``(name, what the pattern reads from it, whether it fits)`` of the first movies of the folder; none is opened.

    Raises
    ------
    FluoriteError
        When the folder cannot be listed, or the pattern cannot be used.
    """
    pattern = parse_pattern(project, form.pattern)
    found = []
    for file in movies_of(form.path, pattern)[:_SHOWN_NAMES]:
        name = file.relative_to(form.path).as_posix()
        try:
            reading = pattern.read(name)
            texts = dict(reading.texts)
            if reading.start is not None:
                texts["date"] = reading.start.strftime("%Y-%m-%d")
            found.append((name, ", ".join(f"{field} {text}" for field, text in texts.items()), True))
        except MovieError as error:
            found.append((name, error.cause, False))
    return found


def plan(project: Project, form: BatchForm, progress: Callable[[int, int], None]) -> list[PlannedRecording]:
    """What becomes of every movie in the folder.

    Raises
    ------
    FluoriteError
        When the folder or the pattern cannot be used, or something that holds for all is wrong.
    """
    pattern = parse_pattern(project, form.pattern)
    files = movies_of(form.path, pattern)
    if not files:
        raise MovieError(form.path, "holds no movie", "Choose the folder that the movies are in.")
    return plan_batch(project, files, pattern, form.values(project), folder=form.path, progress=progress)


def check_chosen(
    project: Project, form: BatchForm, names: Sequence[str], progress: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    """Look once more at the recordings of these names; returns what `start_checked` takes, JSON-able.

    Raises
    ------
    FluoriteError
        When one of them cannot be started any more.
    """
    if not names:
        raise MovieError("Movies", "none is chosen", "Choose at least one that is ready.")
    if len(names) > MOST_FILES:
        raise MovieError("Movies", f"{len(names)} are chosen", f"Take {MOST_FILES} at a time.")
    pattern = parse_pattern(project, form.pattern)
    wanted = set(names)
    files = [file for file in movies_of(form.path, pattern) if file.relative_to(form.path).as_posix() in wanted]
    planned = plan_batch(project, files, pattern, form.values(project), folder=form.path, progress=progress)
    gone = wanted - {one.name for one in planned}
    if gone:
        raise MovieError(sorted(gone)[0], "is not there any more", "Look at the folder again.")
    bad = next((one for one in planned if not one.is_ready), None)
    if bad is not None:
        raise MovieError(bad.name, bad.problem or "is in the project already", "Look at the folder again.")
    return [
        {"spec": one.request.model_dump(mode="json"), "name": one.name, "sample": one.sample}
        for one in planned
        if one.request is not None
    ]


def start_checked(project: Project, checked: Sequence[Mapping[str, Any]], actor: str) -> list[Job]:
    """Start what `check_chosen` found fit, all of it or nothing.

    Not where it was checked: Dash ends the process of a background callback with everything that it started.

    Raises
    ------
    FluoriteError
        When a sample of the same name was started meanwhile.
    """
    planned = [
        PlannedRecording(Path(one["name"]), one["name"], {}, parse_request(one["spec"]), one["sample"])
        for one in checked
    ]
    return submit_batch(project, planned, actor=actor)


def summary(planned: Sequence[Mapping[str, Any]]) -> str:
    """How many of the planned recordings are in which state."""
    states = [one["state"] for one in planned]
    parts = [
        f"{count(states.count('ready'), 'movie')} ready",
        f"{states.count('there')} in the project already" if "there" in states else "",
        f"{states.count('refused')} refused" if "refused" in states else "",
    ]
    return ", ".join(part for part in parts if part) + "."


def in_field_words(planned: Mapping[str, Any]) -> dict[str, Any]:
    """A planned recording with its problem in the words of the page."""
    return {**planned, "problem": field_words(planned["problem"])}


def said(error: FluoriteError) -> str:
    """An error in the words of the page."""
    return field_words(str(error))
