"""Files appear whole, never over another, and what the dead left behind is swept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from nwb_schema.publishing import partial_path, publish, sweep_partials


def test_a_published_file_has_its_name_and_no_other(tmp_path: Path) -> None:
    temporary = partial_path(tmp_path)
    temporary.write_text("whole")
    publish(temporary, tmp_path / "final")

    assert [path.name for path in tmp_path.iterdir()] == ["final"]
    assert (tmp_path / "final").read_text() == "whole"


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_nothing_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", unsupported)
    first, second = partial_path(tmp_path), partial_path(tmp_path)
    first.write_text("first")
    second.write_text("second")
    publish(first, tmp_path / "final")
    with pytest.raises(FileExistsError):
        publish(second, tmp_path / "final")

    assert (tmp_path / "final").read_text() == "first"
    assert second.exists()


def test_only_what_dead_processes_left_is_swept(tmp_path: Path) -> None:
    code = "import sys; from nwb_schema.publishing import partial_path; from pathlib import Path; "
    code += f"partial_path(Path({str(tmp_path)!r})).touch()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    (dead,) = tmp_path.iterdir()
    mine = partial_path(tmp_path)
    mine.touch()
    host, pid = mine.name.split("_")[1:3]
    elsewhere = tmp_path / f".writing_not-{host}_1_1_ab.partial"
    elsewhere.touch()
    started = int(psutil.Process().create_time())
    reused = tmp_path / f".writing_{host}_{pid}_{started - 1000}_ab.partial"
    reused.touch()
    other = tmp_path / ".writing_my_own.partial"
    other.touch()

    assert set(sweep_partials(tmp_path)) == {dead, reused}
    assert set(tmp_path.iterdir()) == {mine, elsewhere, other}
