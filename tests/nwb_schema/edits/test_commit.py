"""What an edit changes in the file, and what it never does."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest
from nwbinspector import Importance, inspect_nwbfile

from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.edits import (
    Accept,
    Delete,
    Edit,
    EditKind,
    Reject,
    SetCustom,
    SetField,
    Tag,
    all_edits,
    commit,
    edits_of,
    redo,
    undo,
)
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import EditError, SampleError
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import (
    read_footprints,
    read_images,
    read_pixel_size_um,
    read_rois,
    read_summary,
    read_traces,
    registered_movie_path,
)
from tests.nwb_schema.made_samples import HEIGHT, N_FRAMES, WIDTH

HOSTILE = (
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "@x",
    "\N{MICROSCOPE} \u202e",
    "a\x00b\x1b[2J",
    "x" * 10_000,
    "{a: b}",
    "../..",
)


def test_accepting_and_rejecting_say_that_a_person_decided(filled: Project, sample: Path, rois: list[str]) -> None:
    assert read_rois(sample)["is_accepted"].tolist() == [True, False, True, False, True]

    commit(filled, sample, Reject(rois[:2]), actor="Ada")
    commit(filled, sample, Accept(rois[3:4]), actor="Ada")

    table = read_rois(sample)
    assert table["is_accepted"].tolist() == [False, False, True, True, True]
    assert table["curated"].tolist() == [True, True, False, True, False]
    assert table["evaluated"].tolist() == [True] * 5
    assert table["roi_uuid"].tolist() == rois


def test_a_deleted_roi_stays_and_counts_no_more(filled: Project, sample: Path, rois: list[str]) -> None:
    traces = read_traces(sample, "raw")
    commit(filled, sample, Delete((rois[0],)), actor="Ada")

    assert read_rois(sample)["deleted"].tolist() == [True, False, False, False, False]
    assert read_rois(sample)["is_accepted"].tolist() == [True, False, True, False, True]
    assert (read_summary(sample).n_rois, read_summary(sample).n_accepted) == (5, 2)
    np.testing.assert_array_equal(read_traces(sample, "raw"), traces)

    commit(filled, sample, Delete((rois[0],), deleted=False), actor="Ada")
    assert read_summary(sample).n_accepted == 3


@pytest.mark.parametrize(
    ("type_", "replacement", "typed", "stored"),
    [
        (ColumnType.TEXT, "untagged", "good", "good"),
        (ColumnType.INTEGER, 7, "-3", -3),
        (ColumnType.DECIMAL, 0.5, "2.25", 2.25),
        (ColumnType.YES_NO, True, "no", False),
    ],
)
def test_a_tag_of_every_type_and_the_replacement_value_elsewhere(
    filled: Project, sample: Path, rois: list[str], type_: ColumnType, replacement: object, typed: str, stored: object
) -> None:
    column = ColumnDefinition("my tag/layer", ColumnKind.ROI_TAG, type_, replacement)
    commit(filled, sample, Tag((rois[1],), column, typed), actor="Ada")

    values = read_rois(sample)[column.key].tolist()
    assert values == [replacement, stored, replacement, replacement, replacement]
    assert {type(value) for value in values} == {type(stored)}
    with pynwb.NWBHDF5IO(sample, "r") as io:
        table = io.read().processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"].to_dataframe()
    assert table[column.key].tolist() == values


def test_everything_else_of_the_file_stays(filled: Project, sample: Path, rois: list[str], quality) -> None:
    def content() -> list[np.ndarray]:
        kinds = [read_traces(sample, kind) for kind in ("raw", "denoised", "deconvolved", "dff")]
        return [read_footprints(sample).toarray(), *read_images(sample).values(), *kinds]

    before, inode = content(), sample.stat().st_ino
    commit(filled, sample, [Tag(tuple(rois), quality, "good"), SetField("subject.sex", "male")], actor="Ada")

    assert sample.stat().st_ino != inode
    for one, other in zip(before, content(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert registered_movie_path(sample).parent == filled.movies_dir
    with pynwb.NWBHDF5IO(sample, "r") as io:
        nwbfile = io.read()
        assert nwbfile.acquisition["TwoPhotonSeries"].data.shape == (N_FRAMES, WIDTH, HEIGHT)
        assert nwbfile.subject.sex == "M"
    assert [path for path in filled.samples_dir.iterdir() if path.name.startswith(".")] == []


def test_the_movie_is_not_even_opened(filled: Project, sample: Path, rois: list[str]) -> None:
    movie = registered_movie_path(sample)
    movie.write_bytes(b"whoever reads this fails")
    commit(filled, sample, Reject(rois), actor="Ada")

    assert movie.read_bytes() == b"whoever reads this fails"


FIELD_VALUES = [
    ("subject.age", "60 days", "P60D"),
    ("subject.species", "mouse", "Mus musculus"),
    ("subject.strain", "C57BL/6", "C57BL/6"),
    ("subject.weight", "25 g", "25 g"),
    ("session.lab", "Lab of Labs", "Lab of Labs"),
    ("session.session_description", "Another day", "Another day"),
    ("session.keywords", ["a", "\N{MICROSCOPE}"], ["a", "\N{MICROSCOPE}"]),
    ("session.experimenter", "Doe, John", ["Doe, John"]),
    ("imaging.indicator", "jGCaMP8m", "jGCaMP8m"),
    ("imaging.excitation_lambda_nm", "930", 930.0),
    ("imaging.emission_lambda_nm", 525, 525.0),
    ("imaging.pixel_size_um", "1.5", [1.5e-6, 1.5e-6, "meters"]),
    ("imaging.pixel_size_um", (1.5, 0.75), [1.5e-6, 0.75e-6, "meters"]),
]


@pytest.mark.parametrize(
    ("name", "typed", "stored"), FIELD_VALUES, ids=[f"{name}={typed}" for name, typed, _ in FIELD_VALUES]
)
def test_metadata_is_where_nwb_has_it_and_comes_back_on_undo(
    filled: Project, sample: Path, name: str, typed: object, stored: object
) -> None:
    before = read_state(sample).fields[name]
    commit(filled, sample, SetField(name, typed), actor="Ada")

    assert read_state(sample).fields[name] == stored
    assert schema_problems(sample) == []
    undo(filled, sample, actor="Ada")
    assert read_state(sample).fields[name] == before


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("subject.age", "old", "ISO 8601"),
        ("subject.sex", "maybe", "M, F, O"),
        ("imaging.indicator", " ", "requires"),
        ("imaging.excitation_lambda_nm", "nan", "nanometres"),
        ("imaging.pixel_size_um", "", "scale bars"),
        ("imaging.pixel_size_um", "0", "between 0.001 and 10000"),
        ("imaging.pixel_size_um", "1.2, -1.2", "between 0.001 and 10000"),
        ("imaging.pixel_size_um", "nan", "between 0.001 and 10000"),
        ("imaging.pixel_size_um", "1.2e-6", "in micrometres"),
        ("imaging.pixel_size_um", "1,2", "decimals with a point"),
        ("imaging.pixel_size_um", "1.2 by 1.1", "one number of micrometres"),
        ("imaging.pixel_size_um", "1.2, 1.2, 5", "a plane has no third number"),
        ("imaging.pixel_size_um", "1, 2, 3, 4.0", "three for a volume"),
        ("subject.subject_id", "m2", "cannot be edited"),
        ("subject.agee", "P9D", "no such field"),
    ],
)
def test_metadata_that_nwb_cannot_take_is_refused(
    filled: Project, sample: Path, name: str, value: str, cause: str
) -> None:
    content = sample.read_bytes()
    with pytest.raises(EditError, match=cause):
        commit(filled, sample, SetField(name, value), actor="Ada")
    assert sample.read_bytes() == content
    assert all_edits(filled) == []


@pytest.mark.parametrize(
    "former", [None, ([2e-6, 1e-6], "meters"), ([2.0, 1.0], "micrometers"), ([np.nan, np.nan], None)]
)
def test_pixel_size_is_stored_as_x_y_in_metres_and_comes_back_exactly(
    filled: Project, sample: Path, former: tuple[list[float], str | None] | None
) -> None:
    place = "general/optophysiology/ImagingPlane/grid_spacing"
    with h5py.File(sample, "r+") as file:
        del file[place]
        if former is not None:
            file[place] = np.array(former[0])
            if former[1] is not None:
                file[place].attrs["unit"] = former[1]

    [record] = commit(
        filled, sample, SetField("imaging.pixel_size_um", "1.2, 0.9 \N{MICRO SIGN}m"), actor="Ada"
    ).records

    assert record.what == "set imaging.pixel_size_um = 1.2, 0.9"
    with pynwb.NWBHDF5IO(sample, "r") as io:
        plane = io.read().imaging_planes["ImagingPlane"]
        assert plane.grid_spacing[:].tolist() == pytest.approx([1.2e-6, 0.9e-6], rel=1e-12)
        assert plane.grid_spacing_unit == "meters"
    assert read_pixel_size_um(sample) == pytest.approx((0.9, 1.2))
    undo(filled, sample, actor="Ada")
    with h5py.File(sample) as file:
        assert (place in file) == (former is not None)
        if former is not None:
            np.testing.assert_array_equal(file[place][()], former[0])
            assert file[place].attrs.get("unit") == former[1]


def test_imaging_of_a_plane_with_another_name_is_edited_there(filled: Project, sample: Path) -> None:
    with h5py.File(sample, "r+") as file:
        file.move("general/optophysiology/ImagingPlane", "general/optophysiology/plane_7")

    commit(filled, sample, SetField("imaging.pixel_size_um", "1.5, 0.75"), actor="Ada")

    with h5py.File(sample) as file:
        assert list(file["general/optophysiology"]) == ["plane_7"]
    assert read_pixel_size_um(sample) == pytest.approx((0.75, 1.5))


def test_a_placeholder_that_somebody_replaced_is_none_any_more(filled: Project, sample: Path) -> None:
    with h5py.File(sample, "r+") as file:
        file["general/fluorite"].create_dataset(
            "not_given",
            data=np.array(["Subject.sex", "ImagingPlane.indicator"], dtype=object),
            dtype=h5py.string_dtype(),
        )
    commit(filled, sample, SetField("imaging.indicator", "jGCaMP8f"), actor="Ada")
    assert read_state(sample).fields["fluorite.not_given"] == ["Subject.sex"]

    undo(filled, sample, actor="Ada")
    assert read_state(sample).fields["fluorite.not_given"] == ["Subject.sex", "ImagingPlane.indicator"]


def test_custom_columns_are_a_table_that_pynwb_reads(filled: Project, sample: Path) -> None:
    drug = ColumnDefinition("drug", ColumnKind.CUSTOM)
    dose = ColumnDefinition("dose mg", ColumnKind.CUSTOM, ColumnType.DECIMAL, 0.0)
    commit(filled, sample, [SetCustom(drug, "saline"), SetCustom(dose, 2)], actor="Ada")

    with pynwb.NWBHDF5IO(sample, "r") as io:
        table = io.read().processing["fluorite"]["custom_columns"].to_dataframe()
    assert table.to_dict("records") == [{"drug": "saline", "dose mg": 2.0}]
    undo(filled, sample, actor="Ada")
    undo(filled, sample, actor="Ada")
    assert read_state(sample).custom == {}
    assert schema_problems(sample) == []
    redo(filled, sample, actor="Ada")
    assert read_state(sample).custom == {"drug": "saline"}


def test_the_file_alone_tells_its_history(filled: Project, sample: Path, rois: list[str], quality) -> None:
    moment = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    commit(filled, sample, Reject(rois[:1]), actor="Ada", reason="dim", clock=lambda: moment)
    commit(filled, sample, Tag(tuple(rois), quality, "good"), actor="Bob", clock=lambda: moment.replace(year=2025))

    with pynwb.NWBHDF5IO(sample, "r") as io:
        table = io.read().processing["fluorite"]["edits"].to_dataframe()
    assert table.index.tolist() == [0, 1]
    assert table["actor"].tolist() == ["Ada", "Bob"]
    assert table["reason"].tolist() == ["dim", ""]
    assert table["timestamp"].tolist() == ["2026-05-04T03:02:01.000+00:00", "2025-05-04T03:02:01.000+00:00"]
    assert f'["roi","{rois[0]}","is_accepted",true,false]' in table["changes"][0]
    # The clock was moved back between the two; the order stays.
    assert [entry.record.actor for entry in all_edits(filled)] == ["Ada", "Bob"]
    assert edits_of(filled, sample) == tuple(entry.record for entry in all_edits(filled))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_kept_as_text(filled: Project, sample: Path, rois: list[str], quality, text: str) -> None:
    commit(filled, sample, [Tag((rois[0],), quality, text), SetField("session.notes", text)], actor=text, reason=text)

    stored = text.replace("\x00", "").replace("\x1b", "")
    assert read_rois(sample)["quality"][0] == stored
    assert [edit.reason for edit in edits_of(filled, sample)] == [stored] * 2
    assert edits_of(filled, sample)[0].changes[-1].after == stored
    assert Catalogue(filled).rois({"roi_uuid": rois[0]})[0]["tags"] == {"quality": stored}
    assert schema_problems(sample) == []


def test_nwbinspector_finds_nothing_above_a_suggestion(
    filled: Project, sample: Path, rois: list[str], quality, grade
) -> None:
    edits: list[Edit] = [Reject(rois[:2]), Delete((rois[0],)), Tag(tuple(rois[:3]), quality, "good")]
    edits += [Tag(tuple(rois[1:]), grade, 3), SetCustom(ColumnDefinition("drug", ColumnKind.CUSTOM), "saline")]
    known = {(m.check_function_name, m.message) for m in inspect_nwbfile(nwbfile_path=sample)}
    commit(filled, sample, edits, actor="Ada", reason="because")
    undo(filled, sample, actor="Ada")

    assert schema_problems(sample) == []
    found = [m for m in inspect_nwbfile(nwbfile_path=sample) if (m.check_function_name, m.message) not in known]
    assert [m.message for m in found if m.importance.value > Importance.BEST_PRACTICE_SUGGESTION.value] == []


def test_the_catalogue_knows_at_once(filled: Project, sample: Path, rois: list[str], quality) -> None:
    Catalogue(filled).refresh()
    commit(filled, sample, [Tag((rois[2],), quality, "good"), Delete((rois[2],)), Reject(rois[4:])], actor="Ada")

    (deleted,) = Catalogue(filled).rois({"deleted": "yes"})
    assert (deleted["roi_uuid"], deleted["tags"]) == (rois[2], {"quality": "good"})
    assert [roi["roi_uuid"] for roi in Catalogue(filled).rois({"curated": "yes"})] == [rois[4]]
    assert Catalogue(filled).samples({"subject_id": "m1"})[0]["n_accepted"] == 1
    assert not Catalogue(filled).refresh().anything


def test_what_changes_nothing_is_no_edit(filled: Project, sample: Path, rois: list[str], quality) -> None:
    commit(filled, sample, [Accept(rois[:1]), Tag((rois[0],), quality, "good")], actor="Ada")
    inode = sample.stat().st_ino

    again = [
        Accept(rois[:1]),
        Tag((rois[0],), quality, "good"),
        SetField("subject.sex", "F"),
        Delete((rois[0],), False),
    ]
    done = commit(filled, sample, again, actor="Bob")
    assert done.records == ()
    assert sample.stat().st_ino == inode
    assert len(all_edits(filled)) == 2


def test_several_edits_are_made_together_or_not_at_all(filled: Project, sample: Path, rois: list[str], grade) -> None:
    content = sample.read_bytes()
    with pytest.raises(EditError, match="whole number"):
        commit(filled, sample, [Reject(rois), Tag(tuple(rois), grade, "good")], actor="Ada")
    with pytest.raises(EditError, match="no such ROI"):
        commit(filled, sample, [Reject(rois), Reject(["0" * 36])], actor="Ada")
    assert sample.read_bytes() == content
    assert all_edits(filled) == []

    done = commit(filled, sample, [Reject(rois), Tag(tuple(rois), grade, "4")], actor="Ada")
    assert [record.kind for record in done.records] == [EditKind.REJECT, EditKind.TAG]


def test_a_value_outside_the_vocabulary_is_refused(filled: Project, sample: Path, rois: list[str]) -> None:
    column = ColumnDefinition("state", ColumnKind.ROI_TAG, vocabulary=("good", "bad"))
    with pytest.raises(EditError, match="the vocabulary is good, bad"):
        commit(filled, sample, Tag((rois[0],), column, "ugly"), actor="Ada")


def test_a_column_whose_type_was_changed_is_converted(filled: Project, sample: Path, rois: list[str], quality) -> None:
    commit(filled, sample, Tag((rois[0],), quality, "3"), actor="Ada")
    number = replace(quality, type=ColumnType.INTEGER, replacement=0)
    commit(filled, sample, Tag((rois[1],), number, 5), actor="Ada")

    assert read_rois(sample)["quality"].tolist() == [3, 5, 0, 0, 0]
    undo(filled, sample, actor="Ada")
    assert read_rois(sample)["quality"].tolist() == [3, 0, 0, 0, 0]
    assert schema_problems(sample) == []


def test_a_tag_cannot_pass_for_a_decision(filled: Project, sample: Path, rois: list[str]) -> None:
    column = ColumnDefinition("d", ColumnKind.ROI_TAG, ColumnType.YES_NO, False, key="deleted")
    with pytest.raises(EditError, match="Fluorite's own"):
        commit(filled, sample, Tag((rois[0],), column, True), actor="Ada")


def test_a_foreign_file_is_not_edited(filled: Project, sample: Path, rois: list[str]) -> None:
    with h5py.File(sample, "r+") as file:
        del file["general/fluorite"]
    content = sample.read_bytes()
    with pytest.raises(SampleError, match="only browsed"):
        commit(filled, sample, Reject(rois), actor="Ada")
    assert sample.read_bytes() == content


def test_two_files_with_one_identifier_are_both_left_alone(filled: Project, sample: Path, rois: list[str]) -> None:
    twin = sample.with_name("copy.nwb")
    twin.write_bytes(sample.read_bytes())
    Catalogue(filled).refresh()
    for path in (sample, twin):
        with pytest.raises(EditError, match="same identifier"):
            commit(filled, path, Reject(rois), actor="Ada")
    twin.unlink()
    assert commit(filled, sample, Reject(rois), actor="Ada").records


def test_a_sample_without_rois_takes_metadata(filled: Project, movieless: Path) -> None:
    commit(filled, movieless, SetField("subject.age", "P30D"), actor="Ada")

    assert read_state(movieless).fields["subject.age"] == "P30D"
    assert read_state(movieless).movie is None


@pytest.mark.parametrize("step", ["copy_bytes", "write_edits", "fsync_file", "replace"])
def test_a_failure_at_any_step_changes_nothing(
    filled: Project, sample: Path, rois: list[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    commit(filled, sample, Reject(rois[:1]), actor="Ada")
    content, edits = sample.read_bytes(), all_edits(filled)
    monkeypatch.setattr(f"nwb_schema.edits.replacing.{step}", fail)
    with pytest.raises(SampleError, match=f"{sample.name}: cannot be edited .No space left"):
        commit(filled, sample, Reject(rois), actor="Ada")

    assert sample.read_bytes() == content
    assert all_edits(filled) == edits
    assert [path for path in filled.samples_dir.iterdir() if path.name.startswith(".")] == []
    monkeypatch.undo()
    assert commit(filled, sample, Reject(rois), actor="Ada").outside is None


def test_a_copy_that_does_not_read_back_is_thrown_away(
    filled: Project, sample: Path, rois: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = sample.read_bytes()
    monkeypatch.setattr("nwb_schema.edits.replacing.apply_changes", lambda *_: None)
    with pytest.raises(SampleError, match="did not read back"):
        commit(filled, sample, Reject(rois), actor="Ada")
    assert sample.read_bytes() == content
    assert all_edits(filled) == []


def test_a_folder_that_cannot_be_written_is_said(
    filled: Project, sample: Path, rois: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(target))

    # Not by a folder without permissions: root, as whom CI may run, writes there all the same.
    monkeypatch.setattr("nwb_schema.edits.replacing.copy_bytes", refuse)
    with pytest.raises((EditError, SampleError), match=r"(?i)permission"):
        commit(filled, sample, Reject(rois), actor="Ada")
    assert all_edits(filled) == []
