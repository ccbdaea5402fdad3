"""The page for results of other programs: from what was typed to what is found, and to jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.adding.folder_listing import FolderListing
from app.adding.process_request import FormValues, common_values
from app.adding.typed_path import unquoted
from app.field_names import field_words
from app.formatting import count, duration, frame_size, number
from nwb_schema.errors import FluoriteError, ParameterError, ResultsError
from nwb_schema.project import Project
from pipeline.foreign.drawn import is_drawn
from pipeline.foreign.finding import results_at
from pipeline.import_plan import plan_import, submit_imports
from pipeline.importing import ImportRequest
from pipeline.jobs import Job
from pipeline.request import default_session

_PROGRAMS = {"caiman": "CaImAn", "suite2p": "Suite2p", "masks": "Masks", "builtin": "Fluorite"}
_OF_FORM = ("subject", "metadata", "metadata_file", "custom")
_MOST_NEUROPIL = 2.0


@dataclass(frozen=True)
class ImportForm:
    """The form as typed.

    Attributes
    ----------
    results, movie
        What to import, and its movie.
    raw
        Whether that movie is not registered yet.
    neuropil
        Of ROIs without traces: the share of what surrounds them that is taken off.
    session
        The session's name.
    common
        The other fields, as `app.adding.process_request.FormValues` has them.
    """

    results: str
    movie: str = ""
    raw: bool = False
    neuropil: str = ""
    session: str = ""
    common: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The results.

        Raises
        ------
        ResultsError
            When none were chosen.
        """
        typed = unquoted(self.results)
        if not typed:
            raise ResultsError("Results", "nothing was chosen", "Press Browse, or type the path of a file or folder.")
        return Path(typed).expanduser().resolve()

    def values(self) -> dict[str, Any]:
        """What was typed, in the terms of `pipeline.importing.ImportRequest`."""
        path = self.path
        others: dict[str, Any] = {"frame_rate": None, "subject": None, **self.common}
        common = common_values(FormValues(movies=None, series=False, session=None, preset="", engine="", **others))
        movie = unquoted(self.movie)
        return {
            **{name: common[name] for name in _OF_FORM if name in common},
            **common["movie"],
            "session": self.session.strip() or None,
            "movie": Path(movie).expanduser().resolve() if movie else None,
            "raw_movie": bool(movie) and self.raw,
            "neuropil_factor": _share(self.neuropil) if is_drawn(path) else None,
        }


def _share(typed: str) -> float | None:
    text = typed.strip().replace(",", ".")
    if not text:
        return None
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= _MOST_NEUROPIL:
        raise ParameterError("Neuropil", f"{typed!r} is no share of it", "Type a number from 0 to 2, such as 0.7.")
    return share


def look(project: Project, form: ImportForm, progress: Callable[[int, int], None]) -> list[dict[str, Any]]:
    """What is at the path that was typed and what would become of it, each result JSON-able and in words of the page.

    Raises
    ------
    FluoriteError
        When nothing is there, or a field holds what cannot be used.
    """
    planned = plan_import(project, form.path, form.values(), progress)
    return [{**one.as_dict(), "problem": field_words(one.problem)} for one in planned]


def check_chosen(
    project: Project, form: ImportForm, chosen: Sequence[str], progress: Callable[[int, int], None]
) -> tuple[list[dict[str, Any]], str]:
    """Look once more at the chosen ones, with all fields.

    Parameters
    ----------
    chosen
        Paths of the results.

    Returns
    -------
    checked
        What `start_checked` takes, JSON-able; nothing where one of them cannot be imported.
    problem
        Why not, in words of the page, or empty.

    Raises
    ------
    FluoriteError
        As `look`.
    """
    planned = plan_import(project, form.path, form.values(), progress)
    wanted = [one for one in planned if str(one.request.results) in set(chosen)]
    if not wanted:
        raise ResultsError("Results", "none is chosen", "Choose at least one that is ready.")
    refused = next((one.problem for one in wanted if one.problem), "")
    if refused:
        return [], field_words(refused)
    return [{"spec": one.request.model_dump(mode="json"), "sample": one.sample} for one in wanted], ""


def start_checked(project: Project, checked: Sequence[Mapping[str, Any]], actor: str) -> list[Job]:
    """Start what `check_chosen` found fit, all of it or nothing.

    Not where it was checked: Dash ends the process of a background callback with everything that it started.

    Raises
    ------
    FluoriteError
        When a sample of the same name was started meanwhile.
    """
    planned = [(ImportRequest.model_validate(one["spec"]), str(one["sample"])) for one in checked]
    return submit_imports(project, planned, actor=actor)


def here_words(listing: FolderListing) -> str:
    """Which results a folder is, or what to do in one that is none."""
    try:
        paths = results_at(listing.folder)
    except (FluoriteError, OSError):
        files = f"Choose one of {count(len(listing.files), 'file')}, or a" if listing.files else "Choose a"
        return f"{files} folder of Suite2p or mesmerize-core."
    made_by = "Suite2p" if paths[0].is_dir() else "mesmerize-core"
    held = "This is a result" if len(paths) == 1 else f"There are {len(paths)} results"
    return f"{held} of {made_by}: press Use this folder."


def program_words(facts: Mapping[str, Any]) -> str:
    """What made it, with its version."""
    return f"{_PROGRAMS.get(facts['program'], facts['program'])} {facts['version']}".strip()


def cells_words(facts: Mapping[str, Any]) -> str:
    """How many cells there are."""
    if facts["n_accepted"] is None:
        return f"{count(facts['n_rois'], 'ROI')}, none judged: all count as cells"
    return f"{facts['n_accepted']:,} accepted of {count(facts['n_rois'], 'ROI')}"


def recording_words(facts: Mapping[str, Any]) -> str:
    """Frames, size, rate and duration, as far as they are known."""
    shape, n_frames, rate_hz = facts["shape"], facts["n_frames"], facts["rate_hz"]
    parts = [
        count(n_frames, "frame") if n_frames is not None else "",
        frame_size(shape[0], shape[1]) if shape is not None else "",
        count(shape[2], "plane") if shape is not None and len(shape) == 3 else "",
        f"{number(rate_hz)} Hz" if rate_hz is not None else "",
        duration(n_frames / rate_hz) if n_frames is not None and rate_hz else "",
        "one-photon" if facts["one_photon"] else "",
    ]
    return " \u00b7 ".join(part for part in parts if part)


def movie_words(one: Mapping[str, Any], typed: str) -> str:
    """Which movie it gets.

    Parameters
    ----------
    typed
        The movie that was chosen, or empty.
    """
    if typed.strip():
        return f"{Path(typed.strip()).name}, which you chose"
    facts = one["facts"]
    if facts["movie"]:
        return f"{Path(facts['movie']).name}, found beside the results"
    if not facts["has_traces"]:
        return "needed: the traces are read from it"
    return "not found beside the results. Choose it, or go on without: cells and traces, and no movie to look at"


def session_words(one: Mapping[str, Any] | None, typed_movie: str) -> str:
    """The session that counts where nobody types one."""
    typed = unquoted(typed_movie)
    if typed:
        return default_session(Path(typed))
    return (one["facts"]["session"] if one is not None and one["facts"] else "") or "from the name"


def summary(planned: Sequence[Mapping[str, Any]]) -> str:
    """How many of several results can be imported."""
    ready = sum(one["state"] == "ready" for one in planned)
    refused = len(planned) - ready
    return f"{count(ready, 'result')} ready" + (f", {refused} refused." if refused else ".")


def sample_words(file_name: str) -> str:
    """A sample's name without what all of them have."""
    return file_name.removesuffix(".nwb").removesuffix("_ophys")


def said(error: FluoriteError) -> str:
    """An error in the words of the page."""
    return field_words(str(error))
