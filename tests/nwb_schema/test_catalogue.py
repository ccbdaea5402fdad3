"""The catalogue lists what is on disk, whatever state it is in, and can be lost at any time."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from nwb_schema.catalogue import Catalogue, Refreshed, scan, workers
from nwb_schema.catalogue.store import ENTRY_VERSION, Listed
from nwb_schema.errors import FilterError, SampleError
from nwb_schema.project import Project
from nwb_schema.reader import registered_movie_path
from tests.nwb_schema.made_samples import HEIGHT, WIDTH, made_sample

REST = (ENTRY_VERSION, None, "", 0, None, {}, {})
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(filled: Project) -> Project:
    """Here it is never empty."""
    return filled


@pytest.fixture
def catalogue(project: Project) -> Catalogue:
    """The catalogue of the filled project."""
    catalogue = Catalogue(project)
    catalogue.refresh()
    return catalogue


def names(rows: list[dict[str, object]]) -> list[object]:
    return [row["subject_id"] for row in rows]


def test_samples_and_rois_are_listed_with_plain_values(project: Project, catalogue: Catalogue) -> None:
    first, second = catalogue.samples()

    assert (first["subject_id"], first["n_rois"], first["n_accepted"]) == ("m1", 5, 3)
    assert (first["height"], first["width"], first["depth"]) == (HEIGHT, WIDTH, None)
    assert (first["has_movie"], second["has_movie"], second["evaluated"]) == (True, False, False)
    assert (first["status"], first["reason"]) == ("ok", None)
    assert Path(first["path"]) == project.samples_dir / str(first["name"])
    rois = catalogue.rois()
    assert len(rois) == 8
    assert len({roi["roi_uuid"] for roi in rois}) == 8
    assert [roi.pop("tags") for roi in rois] == [{}] * 8
    assert {type(value) for roi in rois for value in roi.values()} <= {str, int, float, bool, type(None)}


def test_filters_reach_samples_rois_and_the_samples_of_rois(catalogue: Catalogue) -> None:
    assert names(catalogue.samples({"subject_id": "m1"})) == ["m1"]
    assert names(catalogue.samples({"n_rois": "$>:3"})) == ["m1"]
    assert names(catalogue.samples([("has_movie", "no"), ("status", "ok")])) == ["m2"]
    assert len(catalogue.rois({"is_accepted": "yes"})) == 5
    assert len(catalogue.rois({"is_accepted": "yes", "engine": "builtin", "subject_id": "m2"})) == 2
    assert len(catalogue.rois({"evaluated": "no"})) == 3
    assert [roi["index"] for roi in catalogue.rois({"index": "0|2", "subject_id": "m1"})] == [0, 2]
    with pytest.raises(FilterError, match="Did you mean subject_id"):
        catalogue.samples({"subject": "m1"})


def test_nothing_is_read_again_while_nothing_changed(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> None:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(scan, "read_entry", forbidden)
    assert not catalogue.refresh().anything


def test_new_changed_and_deleted_files_are_noticed(project: Project, catalogue: Catalogue) -> None:
    third = made_sample(project, subject="m3", movie=False)
    first, second = (project.sample_path(subject, "s1") for subject in ("m1", "m2"))
    second.unlink()
    temporary = first.with_suffix(".tmp")
    shutil.copy(first, temporary)
    with h5py.File(temporary, "r+") as file:
        file["processing/ophys/ImageSegmentation/PlaneSegmentation/is_accepted"][:] = True
    times = first.stat()
    os.utime(temporary, ns=(times.st_atime_ns, times.st_mtime_ns))
    temporary.replace(first)  # same size, same time, another inode

    assert catalogue.refresh() == Refreshed((third.name,), (first.name,), (second.name,))
    assert [(row["subject_id"], row["n_accepted"]) for row in catalogue.samples()] == [("m1", 5), ("m3", 3)]
    assert not catalogue.rois({"subject_id": "m2"})


def test_a_file_that_only_got_another_name_keeps_its_entry(
    project: Project, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (project.sample_path(subject, "s1") for subject in ("m1", "m2"))
    new = first.with_name("new.nwb")
    before = catalogue.rois({"subject_id": "m1"})
    monkeypatch.setattr(scan, "read_entry", lambda path: pytest.fail(f"{path} was read again"))
    first.rename(new)
    assert catalogue.refresh() == Refreshed(moved=((first.name, new.name),))
    assert catalogue.rois({"subject_id": "m1"}) == [row | {"name": new.name} for row in before]

    monkeypatch.undo()
    new.rename(first)  # two files swap their names
    second.rename(new)
    first.rename(second)
    new.rename(first)
    catalogue.refresh()
    assert [(row["subject_id"], row["name"]) for row in catalogue.samples()] == [
        ("m2", first.name),
        ("m1", second.name),
    ]


def test_a_file_that_came_back_by_another_way_is_the_same_sample(project: Project, catalogue: Catalogue) -> None:
    first = project.sample_path("m1", "s1")
    new = first.with_name("new.nwb")
    shutil.copyfile(first, new)
    first.unlink()
    assert catalogue.refresh() == Refreshed(moved=((first.name, new.name),))
    assert [row["status"] for row in catalogue.samples()] == ["ok", "ok"]


def test_a_file_whose_name_is_no_text_is_listed(project: Project, catalogue: Catalogue) -> None:
    shutil.copyfile(project.sample_path("m1", "s1"), os.fsencode(project.samples_dir) + b"/\xff.nwb")
    catalogue.refresh()
    (row,) = catalogue.samples({"status": "unreadable"})
    assert (row["name"], row["reason"]) == ("?.nwb", "has a name that is not UTF-8: rename it")
    assert not catalogue.refresh().anything


def test_many_files_are_read_by_several_processes(
    project: Project, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        os.link(project.sample_path("m2", "s1"), project.samples_dir / f"link{number:02d}.nwb")
    (project.samples_dir / "text.nwb").write_text("hello")
    expected = _after_rebuild(catalogue)
    monkeypatch.setattr(scan, "n_processes", lambda n_files: 2)
    done = []
    catalogue.rebuild(lambda number, of: done.append((number, of)))
    assert (catalogue.samples(), catalogue.rois()) == expected
    assert done[-1] == (63, 63)
    monkeypatch.setattr(workers, "ROOT", project.folder)  # where the processes do not find their program
    monkeypatch.setenv("PYTHONPATH", str(project.folder))
    monkeypatch.setattr(workers.sys, "executable", "/bin/false")
    assert _after_rebuild(catalogue) == expected


def _after_rebuild(catalogue: Catalogue) -> tuple[object, object]:
    catalogue.rebuild()
    return catalogue.samples(), catalogue.rois()


def test_a_movie_that_goes_or_comes_back_is_noticed(project: Project, catalogue: Catalogue) -> None:
    movie = registered_movie_path(project.sample_path("m1", "s1"))
    hidden = movie.with_suffix(".hidden")
    movie.rename(hidden)
    catalogue.refresh()
    assert "is missing" in catalogue.samples({"subject_id": "m1"})[0]["movie_problem"]
    hidden.rename(movie)
    catalogue.refresh()
    assert catalogue.samples({"subject_id": "m1"})[0]["has_movie"]


def test_a_file_that_cannot_be_read_is_listed_with_its_reason(project: Project, catalogue: Catalogue) -> None:
    (project.samples_dir / "text.nwb").write_text("hello")
    whole = project.sample_path("m1", "s1").read_bytes()
    (project.samples_dir / "cut.nwb").write_bytes(whole[: len(whole) // 2])
    h5py.File(project.samples_dir / "other.nwb", "w").close()
    catalogue.refresh()

    rows = {row["name"]: row for row in catalogue.samples({"status": "unreadable"})}
    assert set(rows) == {"text.nwb", "cut.nwb", "other.nwb"}
    assert "not NWB" in rows["other.nwb"]["reason"]
    assert all(row["reason"] and row["n_rois"] is None for row in rows.values())
    assert len(catalogue.samples()) == 5


def test_what_is_no_file_is_listed_with_its_reason(project: Project, catalogue: Catalogue) -> None:
    samples = project.samples_dir
    shutil.copy(project.sample_path("m2", "s1"), samples / "UPPER.NWB")
    (samples / "folder.nwb").mkdir()
    (samples / "broken.nwb").symlink_to("gone.nwb")
    (samples / "circle.nwb").symlink_to("circle.nwb")
    (samples / "link.nwb").symlink_to(project.sample_path("m1", "s1"))
    os.mkfifo(samples / "pipe.nwb")
    catalogue.refresh()

    reasons = {row["name"]: row["reason"] for row in catalogue.samples({"status": "unreadable"})}
    assert reasons.pop("circle.nwb").startswith("cannot be read (")
    assert reasons == {
        "folder.nwb": "is a folder, not a file",
        "broken.nwb": "is a link to a file that is not there (gone.nwb)",
        "pipe.nwb": "is a named pipe, not a file",
    }
    assert {row["name"] for row in catalogue.samples({"status": "duplicate"})} >= {"UPPER.NWB", "link.nwb"}
    for name in ("folder.nwb", "pipe.nwb"):
        with pytest.raises(SampleError, match="not a file"):
            registered_movie_path(samples / name)
    assert not catalogue.refresh().anything


def test_a_file_that_pynwb_refuses_is_listed_with_its_reason(
    project: Project, catalogue: Catalogue, shared_data: Path
) -> None:
    for source in (shared_data / "foreign-nwb").glob("*.nwb"):
        shutil.copyfile(source, project.samples_dir / source.name)
    catalogue.refresh()

    (refused,) = catalogue.samples({"status": "refused"})
    assert refused["name"] == "refused_by_pynwb.nwb"
    assert "Must provide at least one of 'image_mask', 'pixel_mask', or 'voxel_mask' columns" in refused["reason"]
    assert len(catalogue.samples({"is_ours": "no"})) == 6


def test_a_foreign_file_that_leads_elsewhere_is_not_followed(project: Project, catalogue: Catalogue) -> None:
    foreign = project.samples_dir / "foreign.nwb"
    shutil.copy(project.sample_path("m2", "s1"), foreign)
    with h5py.File(foreign, "r+") as file:
        del file["general/fluorite"]
        file["general/door"] = h5py.ExternalLink("/etc/passwd", "/")
    catalogue.refresh()

    (row,) = catalogue.samples({"name": "foreign"})
    assert row["reason"] == "/general/door leads to another file (/etc/passwd), which is not followed"


def test_files_with_one_identifier_are_both_listed_and_marked(project: Project, catalogue: Catalogue) -> None:
    first = project.sample_path("m1", "s1")
    shutil.copy(first, first.with_name("copy.nwb"))
    catalogue.refresh()

    marked = {row["name"]: row["reason"] for row in catalogue.samples({"status": "duplicate"})}
    assert marked == {
        "copy.nwb": f"has the same identifier as {first.name}; move one of them out of samples/",
        first.name: "has the same identifier as copy.nwb; move one of them out of samples/",
    }


def test_a_file_that_cannot_be_used_does_not_spoil_one_that_can(project: Project, catalogue: Catalogue) -> None:
    first = project.sample_path("m1", "s1")
    refused = first.with_name("refused.nwb")
    shutil.copy(first, refused)
    with h5py.File(refused, "r+") as file:
        del file["general/fluorite"]
        file["general/door"] = h5py.ExternalLink("/etc/passwd", "/")
    catalogue.refresh()

    status = {row["name"]: row["status"] for row in catalogue.samples()}
    assert status[first.name] == "ok"
    assert status["refused.nwb"] == "refused"


def test_a_catalogue_whose_columns_are_damaged_is_built_anew(project: Project, catalogue: Catalogue) -> None:
    before = catalogue.samples(), catalogue.rois()
    fresh = Catalogue(Project.open(project.folder))
    fresh.samples()
    db = sqlite3.connect(project.catalogue_path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    roots = [root for (root,) in db.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'roi_column'")]
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    with project.catalogue_path.open("r+b") as file:
        for root in roots:
            file.seek((root - 1) * size)
            file.write(b"\xff" * size)
    assert (fresh.samples(), fresh.rois()) == before, "whose list of files is in memory already"


def test_many_renamed_files_are_followed_one_by_one(project: Project, catalogue: Catalogue) -> None:
    looks = []
    gone = {
        f"old{number}.nwb": Listed(number, f"old{number}.nwb", f"{number} missing", f"{number}.h5", *REST)
        for number in range(300)
    }
    new = {f"new{number}.nwb": f"{number}" for number in range(300)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scan, "_stamp", lambda path: looks.append(path) or "missing")
        found = scan._renamed(project, gone, new)
    assert found == {f"old{number}.nwb": f"new{number}.nwb" for number in range(300)}
    assert len(looks) == 300


@pytest.mark.parametrize("damage", ["deleted", "folder deleted", "text", "cut", "another version", "empty"])
def test_a_lost_or_damaged_catalogue_is_built_anew(project: Project, catalogue: Catalogue, damage: str) -> None:
    before = catalogue.samples(), catalogue.rois()
    path = project.catalogue_path
    if damage == "folder deleted":
        shutil.rmtree(project.cache_dir)
    elif damage == "deleted":
        path.unlink()
    elif damage == "text":
        path.write_text("hello" * 1000)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:6000])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        db = sqlite3.connect(path)
        db.executescript("DROP TABLE file; PRAGMA user_version = 99;")
        db.close()
    assert (catalogue.samples(), catalogue.rois()) == before, "open, as in a dashboard"
    fresh = Catalogue(Project.open(project.folder))
    assert (fresh.samples(), fresh.rois()) == before


def test_rebuilding_gives_the_same_catalogue(catalogue: Catalogue) -> None:
    before = catalogue.samples(), catalogue.rois()
    assert len(catalogue.rebuild().added) == 2
    assert (catalogue.samples(), catalogue.rois()) == before


def test_several_processes_refresh_at_once(project: Project, catalogue: Catalogue) -> None:
    expected = catalogue.samples(), catalogue.rois()
    code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from pathlib import Path
from nwb_schema.catalogue import Catalogue
from nwb_schema.project import Project
catalogue = Catalogue(Project.open(Path({str(project.folder)!r})))
sys.stdin.readline()
for _ in range(5):
    catalogue.refresh()
    assert len(catalogue.samples()) == 2
"""
    project.catalogue_path.unlink()
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    errors = [process.communicate("go\n")[1] for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, errors
    assert (catalogue.samples(), catalogue.rois()) == expected
