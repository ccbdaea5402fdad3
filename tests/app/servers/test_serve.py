from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.background.clean_processes import CleanProcessManager, private_folder
from app.servers.serve import ServeError, serve
from nwb_schema.errors import ProjectError
from nwb_schema.project import Project


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "lab-server", "::ffff:192.168.1.5"])
def test_nothing_beyond_this_computer_is_served(project: Project, host: str) -> None:
    with pytest.raises(ServeError, match="no login"):
        serve(project.folder, host=host, port=0)


def test_taken_port_names_the_remedy(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServeError, match=r"in use.*--port"):
            serve(project.folder, port=taken.getsockname()[1])


def test_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="fluorite init"):
        serve(tmp_path, port=0)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runtime"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def test_folder_of_background_callbacks_is_new_private_and_outside_the_project(project: Project, runtime: Path) -> None:
    one, two = CleanProcessManager(project), CleanProcessManager(project)

    assert one.folder != two.folder
    for manager in (one, two):
        assert manager.folder.parent == runtime
        assert manager.folder.stat().st_mode & 0o777 == 0o700
    assert not list(project.folder.rglob("callbacks"))


@pytest.mark.parametrize("case", ["none", "missing", "not a folder"])
def test_without_a_runtime_folder_the_callbacks_are_among_the_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    (tmp_path / "not a folder").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "" if case == "none" else str(tmp_path / case))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    folder = private_folder()

    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no numbers of users")
def test_runtime_folder_of_another_user_is_not_used(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: runtime.stat().st_uid + 1)

    assert private_folder().parent == tmp_path


def test_folder_of_background_callbacks_is_gone_when_the_server_ends(project: Project, runtime: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from app.background.clean_processes import CleanProcessManager;"
        "from nwb_schema.project import Project;"
        "manager = CleanProcessManager(Project.open(Path(sys.argv[1]))); manager.handle.set('key', 'value');"
        "print(manager.folder, manager.folder.is_dir())"
    )

    done = subprocess.run([sys.executable, "-c", program, project.folder], capture_output=True, text=True, check=True)

    folder, existed = done.stdout.split()
    assert Path(folder).parent == runtime
    assert existed == "True"
    assert list(runtime.iterdir()) == []
