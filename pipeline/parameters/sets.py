"""Sets of parameters that people keep in a project: ``parameters/<name>.json``, in CaImAn's groups."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nwb_schema.errors import ParameterError
from nwb_schema.project import Project


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
