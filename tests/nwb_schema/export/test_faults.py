"""Exports that are killed, and disks that are full: nothing partial is ever visible."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest

from nwb_schema.errors import ExportError
from nwb_schema.export import ExportOptions, export_samples
from nwb_schema.export.verification import verify_export
from nwb_schema.linked_movie import registered_movie_path
from nwb_schema.project import Project
from tests.kills import attempts

NAME = "sub-m1/sub-m1_ses-s1_ophys.nwb"
# Says when each stage begins, then does what the command does.
RUN = """
import sys
from pathlib import Path
from nwb_schema.export import ExportOptions, export_samples
from nwb_schema.project import Project
export_samples(Project.open(Path(sys.argv[1])), Path(sys.argv[2]), ExportOptions(samples=("sub-m1_ses-s1_ophys",)),
               lambda stage, fraction: print(stage, flush=True))
"""
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(good: Path) -> Project:
    return Project.open(good.parents[1])


@pytest.mark.parametrize("attempt", attempts(4, 50))
def test_a_killed_export_leaves_a_whole_file_or_none(
    project: Project, good: Path, tmp_path: Path, attempt: int
) -> None:
    chance = random.Random(attempt)
    out = tmp_path / "out"
    running = subprocess.Popen(
        [sys.executable, "-c", RUN, str(project.folder), str(out)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert running.stdout is not None
    for _ in range(chance.randint(1, 5)):
        running.stdout.readline()
    threading.Timer(chance.uniform(0, 0.3), lambda: running.send_signal(signal.SIGKILL)).start()
    running.communicate()

    visible = [path for path in out.rglob("*.nwb") if not path.name.startswith(".")]
    for path in visible:
        verify_export(good, path, movie=registered_movie_path(good), keep_movie=True)
    report = export_samples(project, out, ExportOptions(samples=(good.name,)))

    assert report.files[0].unchanged == bool(visible)
    verify_export(good, out / NAME, movie=registered_movie_path(good), keep_movie=True)
    assert list(out.rglob(".writing_*")) == []


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk mounted with the options that the test asks for."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    mount = ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("disk", ["ro"], indirect=True)
def test_a_folder_that_cannot_be_written_is_named(project: Project, good: Path, disk: Path) -> None:
    with pytest.raises(ExportError) as error:
        export_samples(project, disk, ExportOptions(samples=(good.name,)))

    assert str(error.value) == (
        f"{disk}: cannot be written (Read-only file system). Check permissions and free space; then export again."
    )


# Too small for the copy, for its repacked twin, and for the movie.
@pytest.mark.parametrize("disk", ["size=200k", "size=500k", "size=620k"], indirect=True)
def test_a_full_disk_is_said_and_nothing_is_left(project: Project, good: Path, disk: Path) -> None:
    with pytest.raises(ExportError) as error:
        export_samples(project, disk / "out", ExportOptions(samples=(good.name,)))

    assert "cannot be written" in str(error.value)
    assert "Check permissions and free space; then export again." in str(error.value)
    assert sorted(path.name for path in (disk / "out").rglob("*")) == ["dandiset.yaml"]


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda file: file["acquisition/TwoPhotonSeries/data"].__setitem__((49, 39, 23), 7), "frames 0 to 49"),
        (lambda file: file["general/lab"].__setitem__((), "Lob"), "the content of general/lab changed"),
        (lambda file: file.__delitem__("general/institution"), "general/institution is missing"),
        (
            lambda file: file["processing/ophys"].attrs.__setitem__("description", "x"),
            "the attributes of processing/ophys",
        ),
    ],
    ids=["a pixel", "a text", "a field", "an attribute"],
)
def test_verification_sees_the_smallest_difference(
    project: Project, good: Path, tmp_path: Path, spoil: object, cause: str
) -> None:
    out = tmp_path / "out"
    export_samples(project, out, ExportOptions(samples=(good.name,)))
    with h5py.File(out / NAME, "r+") as file:
        assert callable(spoil)
        spoil(file)

    with pytest.raises(ExportError, match=cause):
        verify_export(good, out / NAME, movie=registered_movie_path(good), keep_movie=True)
