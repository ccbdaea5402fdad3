"""Sets of parameters that people keep in a project: ``parameters/<name>.json``, in CaImAn's groups.

Such a file is what ``fluorite process --params`` takes and ``fluorite params`` prints, so it can be sent to a colleague
or written by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nwb_schema.errors import FluoriteError, ParameterError, ProjectError
from nwb_schema.project import Project
from nwb_schema.publishing import partial_path, publish, publish_over
from pipeline.parameters.parameters import Parameters, load_parameters

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


def parameter_sets(project: Project) -> tuple[str, ...]:
    """The names of the project's sets, sorted as people sort."""
    found = (path.stem for path in project.parameters_dir.glob("*.json") if path.name[0] != "." and path.is_file())
    return tuple(sorted(found, key=lambda name: (name.casefold(), name)))


def read_parameter_set(project: Project, name: str) -> dict[str, Any]:
    """The part of a `pipeline.request.ProcessRequest` that a set of the project gives.

    Raises
    ------
    ParameterError
        When there is no such set, or it cannot be read.
    """
    if name not in parameter_sets(project):
        raise ParameterError(
            project.parameters_dir, f"has no set of parameters called {name[:60]!r}", "Choose another one."
        )
    return read_parameters_file(project.parameters_dir / f"{name}.json")


def read_parameters_file(path: Path) -> dict[str, Any]:
    """``parameters`` and ``parameters_file`` of a `pipeline.request.ProcessRequest`, from a JSON file.

    Raises
    ------
    ParameterError
        When it cannot be read, or is no JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(
            path, f"cannot be read as JSON ({error})", "Correct it there; `fluorite params` prints one that is right."
        ) from error
    if not isinstance(values, Mapping):
        raise ParameterError(path, "is not a JSON object", "Write one with `fluorite params > FILE.json` and edit it.")
    return {"parameters": dict(values), "parameters_file": str(path)}


def loaded_sets(project: Project) -> list[ParameterSet]:
    """All sets of a project; one that cannot be used is listed with the reason."""
    found = []
    for name in parameter_sets(project):
        try:
            found.append(load_parameter_set(project, name))
        except FluoriteError as error:
            path = project.parameters_dir / f"{name}.json"
            found.append(ParameterSet(name, path, None, problem=f"{error.cause}. {error.remedy}"))
    return found


def load_parameter_set(project: Project, name: str) -> ParameterSet:
    """The set of that name.

    Raises
    ------
    ParameterError
        When there is none, or its file cannot be used.
    """
    path = Path(read_parameter_set(project, name)["parameters_file"])
    parameters = load_parameters(path)
    # What a file leaves out should fit its kind of recording.
    preset = parameters.nearest_preset()
    return ParameterSet(name, path, load_parameters(path, preset=preset), preset)


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
    path = project.parameters_dir / f"{checked_name(name)}.json"
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
