from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.background import private_folder, remove_left_overs
from app.serve import ServeError, serve
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


def test_folder_of_background_callbacks_is_private_and_empty(tmp_path: Path) -> None:
    folder = tmp_path / "callbacks"
    folder.mkdir(mode=0o755)
    (folder / "left-over").touch()

    private_folder(folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


def test_folders_of_servers_that_run_no_more_are_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (str(gone.pid), str(os.getpid()), "notes"):
        (tmp_path / name).mkdir()

    remove_left_overs(tmp_path)

    assert sorted(folder.name for folder in tmp_path.iterdir()) == sorted([str(os.getpid()), "notes"])


def test_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (tmp_path / "callbacks").symlink_to(elsewhere)

    private_folder(tmp_path / "callbacks")

    assert (elsewhere / "precious").exists()
    assert not (tmp_path / "callbacks").is_symlink()
