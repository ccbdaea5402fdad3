"""A project of somebody else, which this user may only read, is listed all the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from nwb_schema.project import Project

REPOSITORY = Path(__file__).resolve().parents[2]
NOBODY = 65534

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can act as another user (with setpriv)",
)


@pytest.fixture
def shared(filled: Project) -> Iterator[Project]:
    """The filled project where everybody can reach it; pytest's folders are closed to others."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Project.open(shutil.copytree(filled.folder, Path(folder) / "project"))


def as_nobody(project: Project, cache: Path) -> dict[str, Any]:
    """What another user sees of the project."""
    code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
import json
from pathlib import Path
from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import ProjectError
from nwb_schema.project import Project
project = Project.open(Path({str(project.folder)!r}))
found = {{"writable": project.writable, "catalogue": str(project.catalogue_path), "refusal": None}}
try:
    project.require_writable()
except ProjectError as error:
    found["refusal"] = error.cause
try:
    catalogue = Catalogue(project)
    catalogue.refresh()
    found["rois"] = len(catalogue.rois())
    catalogue.rebuild()
    found["subjects"] = [row["subject_id"] for row in catalogue.samples()]
except ProjectError as error:
    found["error"] = str(error)
print(json.dumps(found))
"""
    done = subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable, "-c", code],
        env={**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def test_a_project_that_may_only_be_read_is_listed(shared: Project) -> None:
    cache = shared.folder.parent / "cache"
    cache.mkdir()
    open_to_all(cache)
    found = as_nobody(shared, cache)

    assert (found["writable"], found["refusal"]) == (False, "cannot be written")
    assert (found["subjects"], found["rois"]) == (["m1", "m2"], 8)
    assert Path(found["catalogue"]).is_relative_to(cache)
    assert not list(shared.cache_dir.iterdir())


def test_a_cache_of_somebody_else_does_not_stop_the_work(shared: Project) -> None:
    open_to_all(shared.folder)
    shared.cache_dir.chmod(0o755)
    cache = shared.folder.parent / "cache"
    cache.mkdir()
    open_to_all(cache)
    found = as_nobody(shared, cache)

    assert (found["writable"], found["refusal"]) == (True, None)
    assert (found["subjects"], found["rois"]) == (["m1", "m2"], 8)
    assert Path(found["catalogue"]).is_relative_to(cache)


def test_a_user_without_any_cache_is_told_what_to_do(shared: Project) -> None:
    found = as_nobody(shared, shared.folder / "closed")

    assert "Set the environment variable XDG_CACHE_HOME" in found["error"]
