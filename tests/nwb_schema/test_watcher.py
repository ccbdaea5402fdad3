"""The catalogue is kept up to date in the background, by one scan at a time, whoever asks for it."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nwb_schema import configure
from nwb_schema.catalogue import Catalogue, Refreshed, Watcher, scan
from nwb_schema.catalogue.entry import Entry
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.project import Project
from tests.kills import rounds

REPOSITORY = Path(__file__).resolve().parents[2]
WAIT_S = 60


def test_listeners_hear_of_every_change_and_of_nothing_else(filled: Project) -> None:
    heard = threading.Semaphore(0)
    first = filled.sample_path("m1", "s1")
    watcher = Watcher(Catalogue(filled), every_s=0.01)
    watcher.listen(lambda: [][1])  # one that fails
    end = watcher.listen(heard.release)
    with watcher:
        assert heard.acquire(timeout=WAIT_S), "what was there"
        shutil.copyfile(first, first.with_name("copy.nwb"))
        assert heard.acquire(timeout=WAIT_S), "a new file"
        scans = watcher.state.n_scans
        while watcher.state.n_scans < scans + 3:
            watcher.look_now()
        assert not heard.acquire(blocking=False), "nothing happened"
        Catalogue(filled).rebuild()
        assert heard.acquire(timeout=WAIT_S), "another program changed the catalogue"
        end()
        (first.with_name("copy.nwb")).unlink()
    assert not heard.acquire(blocking=False)
    assert (watcher.state.problem, watcher.state.scanning) == (None, False)


def test_a_watcher_says_how_far_it_is_and_survives_trouble(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    watcher = Watcher(Catalogue(filled), every_s=0.01)
    monkeypatch.setattr(scan, "_BATCH", 1)
    set_state = watcher._set
    monkeypatch.setattr(watcher, "_set", lambda state: (seen.append((state.done, state.of)), set_state(state)))
    hidden = filled.folder.with_name("away")
    filled.folder.rename(hidden)
    with watcher:
        while watcher.state.problem is None:
            assert watcher.state.n_scans < 100
        hidden.rename(filled.folder)
        while watcher.state.problem is not None or not watcher.state.n_scans:
            watcher.look_now()
    assert {(1, 2), (2, 2)} <= set(seen)


def test_a_watcher_survives_what_nobody_thought_of(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher(Catalogue(filled), every_s=0.01)

    def fail(*_: object) -> None:
        raise OSError("stale file handle")

    with monkeypatch.context() as patched:
        patched.setattr(Project, "sample_paths", fail)
        watcher.start()
        while watcher.state.problem is None:
            assert watcher._thread is not None
            assert watcher._thread.is_alive()
    assert watcher.state.problem == "OSError: stale file handle"
    while watcher.state.problem is not None or watcher.state.scanning:
        watcher.look_now()
    watcher.stop()


def test_only_one_scan_runs_at_a_time(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, together, most = threading.Lock(), [], []
    read = scan.read_entry

    def watched(path: Path) -> Entry:
        with reading:
            together.append(path)
            most.append(len(together))
        entry = read(path)
        with reading:
            together.remove(path)
        return entry

    monkeypatch.setattr(scan, "read_entry", watched)
    found: list[Refreshed] = []
    threads = [threading.Thread(target=lambda: found.append(Catalogue(filled).refresh())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert sorted(len(one.added) for one in found) == [0, 0, 0, 2]


def test_while_somebody_scans_lists_have_what_is_there_already(
    filled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_BATCH", 1)
    seen: list[tuple[int, bool]] = []
    other = Catalogue(filled)
    filled.catalogue_path.unlink(missing_ok=True)
    Catalogue(filled).refresh(lambda done, of: seen.append((len(other.samples()), other.complete())))
    assert seen == [(1, False), (2, False)]
    assert (len(other.samples()), other.complete()) == (2, True)


@pytest.mark.parametrize("kills", rounds(2, 50))
def test_a_kill_while_it_is_indexed_loses_nothing(filled: Project, kills: int) -> None:
    template = filled.sample_path("m2", "s1")
    for number in range(30):
        shutil.copyfile(template, filled.samples_dir / f"copy{number:02d}.nwb")
    made = Catalogue(filled)
    made.rebuild()
    expected = made.samples(), made.rois()
    code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from pathlib import Path
from nwb_schema.catalogue import Catalogue, scan
from nwb_schema.project import Project
scan._BATCH = 1
catalogue = Catalogue(Project.open(Path({str(filled.folder)!r})))
catalogue.rebuild(lambda done, of: print(done, flush=True))
"""
    moments = random.Random(3)
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(moments.randint(1, 30)):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert (Catalogue(filled).samples(), Catalogue(filled).rois()) == expected


def test_deleting_the_cache_folder_gives_the_identical_catalogue(filled: Project) -> None:
    configure.add_column(filled, ColumnDefinition("note", ColumnKind.ROI_TAG))
    (filled.samples_dir / "text.nwb").write_text("hello")
    made = Catalogue(filled)
    made.refresh()
    filled.sample_path("m2", "s1").rename(filled.samples_dir / "other.nwb")
    made.refresh()
    before = dump(made)
    shutil.rmtree(filled.cache_dir)
    fresh = Catalogue(Project.open(filled.folder))
    fresh.refresh()
    assert dump(fresh) == before
    assert len(before) > 20


def dump(catalogue: Catalogue) -> set[tuple[object, ...]]:
    """Everything in the database but numbers of rows, tokens and the time of indexing."""
    found: set[tuple[object, ...]] = set()
    with catalogue._store.database() as db:
        for row in db.execute("SELECT * FROM file"):
            found.add(tuple(value for name, value in dict(row).items() if name not in ("id", "indexed_at")))
        for row in db.execute("SELECT file.name AS f, roi_column.* FROM roi_column JOIN file ON file.id = file"):
            found.add(tuple(value for name, value in dict(row).items() if name != "file"))
    return found
