"""Parameters under a name, kept with the project: ``parameters/<name>.json``, in CaImAn's grouped layout.

Such a file is what ``fluorite process --params`` takes and ``fluorite params`` prints, so it can be sent to a colleague
or written by hand.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from nwb_schema.errors import FluoriteError, ParameterError, ProjectError
from nwb_schema.project import Project
from nwb_schema.publishing import partial_path, publish, publish_over
from pipeline.parameters import Parameters, load_parameters

_NAME = re.compile(r"[^\W_][\w .+-]{0,79}")


@dataclass(frozen=True)
class ParameterSet:
    """One set.

    Attributes
    ----------
    name
        As people call it: the file's name without ``.json``.
    path
        The file.
    parameters
        What it holds; None where it cannot be read.
    preset
        The preset that it belongs to: ``2p``, ``1p`` or ``3d``.
    problem
        Why it cannot be read, or None.
    """

    name: str
    path: Path
    parameters: Parameters | None
    preset: str = "2p"
    problem: str | None = None


def sets_folder(project: Project) -> Path:
    """Where the sets are; the folder is made when the first is saved."""
    return project.folder / "parameters"


def parameter_sets(project: Project) -> list[ParameterSet]:
    """All sets of a project by name; one that cannot be read is listed with the reason."""
    found = []
    for path in sorted(sets_folder(project).glob("*.json"), key=lambda path: path.stem.casefold()):
        if path.name.startswith("."):
            continue
        try:
            parameters = load_parameters(path)
        except FluoriteError as error:
            found.append(ParameterSet(path.stem, path, None, problem=f"{error.cause}. {error.remedy}"))
        else:
            found.append(ParameterSet(path.stem, path, parameters, parameters.nearest_preset()))
    return found


def read_parameter_set(project: Project, name: str) -> ParameterSet:
    """The set of that name.

    Raises
    ------
    ParameterError
        When there is none, or its file cannot be used.
    """
    path = sets_folder(project) / f"{checked_name(name)}.json"
    parameters = load_parameters(path)
    return ParameterSet(path.stem, path, parameters, parameters.nearest_preset())


def save_parameter_set(project: Project, name: str, parameters: Parameters, *, replace: bool = False) -> ParameterSet:
    """Keep `parameters` under a name.

    Raises
    ------
    ParameterError
        When the name cannot be a file's, or is taken and `replace` is False.
    ProjectError
        When the project cannot be written.
    """
    project.require_writable()
    path = sets_folder(project) / f"{checked_name(name)}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        temporary = partial_path(path.parent)
        temporary.write_text(json.dumps(parameters.to_dict(), indent=2) + "\n", encoding="utf-8")
        try:
            (publish_over if replace else publish)(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise ParameterError(path, "is there already", "Choose another name, or replace it on purpose.") from error
    except OSError as error:
        raise ProjectError(path, f"cannot be written ({error.strerror or error})", "Check permissions.") from error
    return ParameterSet(path.stem, path, parameters, parameters.nearest_preset())


def checked_name(name: str) -> str:
    """`name` as a file's name.

    Raises
    ------
    ParameterError
        When it is empty, too long, or holds what a file's name cannot.
    """
    name = " ".join(name.split()).removesuffix(".json")
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise ParameterError(
            "name of the set",
            f"'{name}' cannot be a file's name" if name else "no name was given",
            "Use up to 80 letters, digits, spaces, points, hyphens, underscores; begin with a letter or digit.",
        )
    return name
