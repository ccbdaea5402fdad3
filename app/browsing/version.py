"""What changes whenever anybody changes what the browse page lists: samples, cells, columns or saved filters."""

from __future__ import annotations

from pathlib import Path

from app.workspace import Workspace
from nwb_schema.saved_filters import filters_path


def project_version(workspace: Workspace) -> str:
    """The version of the lists, as the catalogue knows the files; cheap to ask for."""
    project = workspace.project
    return " ".join((workspace.catalogue.token(), _stamp(project.config_path), _stamp(filters_path(project))))


def _stamp(path: Path) -> str:
    """What is another for every new content of a file; empty where there is none."""
    try:
        known = path.stat()
    except OSError:
        return ""
    return f"{known.st_mtime_ns}-{known.st_ino}-{known.st_size}"
