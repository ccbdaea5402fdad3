"""A database is complete or is completed, whatever became of the process that made it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from nwb_schema.catalogue import Catalogue, store
from nwb_schema.errors import ProjectError
from nwb_schema.project import Project
from nwb_schema.sqlite import connect

REPOSITORY = Path(__file__).resolve().parents[2]
STATEMENTS = (
    "CREATE TABLE IF NOT EXISTS first (a TEXT)",
    "CREATE TABLE IF NOT EXISTS second (b TEXT)",
    "CREATE INDEX IF NOT EXISTS by_b ON second (b)",
)
SCHEMA = ";\n".join(STATEMENTS) + ";"


def content(path: Path) -> tuple[int, set[str]]:
    """The version that the file has, and the names of what is in it."""
    with closing(sqlite3.connect(path)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        return version, {name for (name,) in db.execute("SELECT name FROM sqlite_master")}


def python(code: str) -> subprocess.Popen[str]:
    code = f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\n{code}"
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("statement", ["EXISTS first", "EXISTS second", "EXISTS by_b", "user_version = ", "COMMIT"])
def test_a_kill_while_the_tables_are_made_leaves_none(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "jobs.sqlite"
    process = python(f"""
import os, sqlite3
from pathlib import Path
from nwb_schema.sqlite import connect
make = sqlite3.connect
def watched(*args, **options):
    db = make(*args, **options)
    db.set_trace_callback(lambda sql: os.kill(os.getpid(), 9) if {statement!r} in sql else None)
    return db
sqlite3.connect = watched
with connect(Path({str(path)!r}), {SCHEMA!r}):
    pass
""")
    assert process.communicate()[1] == ""
    assert process.returncode == -signal.SIGKILL
    assert content(path) == (0, set())

    with connect(path, SCHEMA) as db:
        db.execute("INSERT INTO second VALUES ('x')")
    assert content(path) == (1, {"first", "second", "by_b"})


@pytest.mark.parametrize("done", range(len(STATEMENTS) + 1))
def test_a_file_that_was_left_half_made_is_completed(tmp_path: Path, done: int) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(";".join(STATEMENTS[:done]))
        if done:
            db.execute("INSERT INTO first VALUES ('kept')")
            db.commit()
    with connect(path, SCHEMA) as db:
        rows = db.execute("SELECT a FROM first").fetchall()
    assert [row["a"] for row in rows] == ["kept"] * bool(done)
    assert content(path) == (1, {"first", "second", "by_b"})


def test_a_complete_file_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    for _ in range(2):
        with connect(path, "CREATE TABLE only_once (a TEXT)", 3):
            pass
    assert content(path) == (3, {"only_once"})


def test_a_schema_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with pytest.raises(ProjectError, match="syntax error"), connect(path, f"{SCHEMA} CREATE TABEL x"):
        pass
    assert content(path) == (0, set())


def test_a_catalogue_that_was_left_half_made_is_completed(filled: Project) -> None:
    with closing(sqlite3.connect(filled.catalogue_path)) as db:
        db.executescript(store.SCHEMA.split(";")[0])
    made = Catalogue(filled)
    made.refresh()
    assert [row["subject_id"] for row in made.samples()] == ["m1", "m2"]
    assert content(filled.catalogue_path)[0] == store.SCHEMA_VERSION


def test_several_processes_make_one_database_at_once(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from nwb_schema.sqlite import connect
print("ready", file=sys.stderr, flush=True)
sys.stdin.readline()
for number in range(20):
    with connect(Path({str(tmp_path)!r}) / f"{{number}}.sqlite", {SCHEMA!r}) as db:
        db.execute("INSERT INTO second VALUES ('x')")
"""
    processes = [python(code) for _ in range(4)]
    for process in processes:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate()[1] for process in processes]

    assert errors == [""] * 4
    for number in range(20):
        with connect(tmp_path / f"{number}.sqlite", SCHEMA) as db:
            assert db.execute("SELECT count(*) FROM second").fetchone()[0] == 4
