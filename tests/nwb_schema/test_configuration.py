"""A project's configuration: what is changed stays changed, and nothing that a sample holds is ever lost."""

from __future__ import annotations

import multiprocessing
import threading
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nwb_schema import configure
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType, UnfitValue, column_key
from nwb_schema.configuration import Configuration, add_column
from nwb_schema.configuration_file import change_configuration, read_configuration
from nwb_schema.errors import ConfigurationError, FluoriteError
from nwb_schema.file_lock import file_lock
from nwb_schema.layout import PLANE_SEGMENTATION
from nwb_schema.project import Project
from nwb_schema.stored_values import sample_values
from tests.nwb_schema.made_samples import made_sample

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "..",
    "../../etc/passwd",
    "a/b:c.d",
    'quo"te\\n',
    "\N{SNOWMAN} 🐭",
    "'); DROP TABLE roi;--",
    "x" * 100,
    '"""',
    "# not a comment",
    "[[columns]]",
)


def texts(kind: ColumnKind, project: Project) -> list[str]:
    return [column.name for column in project.columns(kind)]


def tag(path: Path, key: str, values: list[Any]) -> None:
    """Store an ROI tag column in a sample, as an edit does."""

    with h5py.File(path, "r+") as file:
        table = file[PLANE_SEGMENTATION]
        column = table.create_dataset(key, data=np.array(values, dtype=h5py.string_dtype()))
        column.attrs.update(
            {"neurodata_type": "VectorData", "namespace": "hdmf-common", "object_id": key, "description": key}
        )
        table.attrs["colnames"] = np.array([*table.attrs["colnames"], key], dtype=object)


def test_a_new_project_has_nothing_configured_and_lines_to_fill_in(project: Project) -> None:
    assert project.configuration() == Configuration(source=str(project.config_path))
    assert 'indicator = ""' in project.config_path.read_text(encoding="utf-8")


def test_a_file_from_before_there_were_columns_is_configured(project: Project) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    project.config_path.write_text(text[: text.index("[configuration]")], encoding="utf-8")
    configure.add_column(project, ColumnDefinition("region", ColumnKind.ROI_TAG))

    assert texts(ColumnKind.ROI_TAG, project) == ["region"]
    assert project.configuration().version == 1
    assert Project.open(project.folder).caiman_python is None


def test_every_change_raises_the_version_and_reads_back(project: Project) -> None:
    drug = ColumnDefinition(
        "drug state", ColumnKind.CUSTOM, vocabulary=("control", "ptz"), description="In the bath", hidden=True
    )
    after = [
        configure.add_column(project, drug),
        configure.add_column(project, ColumnDefinition("stage", ColumnKind.CUSTOM, ColumnType.INTEGER)),
        configure.show_column(project, "drug state"),
        configure.rename_column(project, "drug state", "bath"),
        configure.hide_column(project, "stage"),
        configure.reorder(project, ["stage", "bath"]),
        configure.set_vocabulary(project, "bath", ["ringer"]),
        configure.set_replacement(project, "stage", "48"),
        configure.set_description(project, "stage", "Days"),
        configure.change_type(project, "stage", ColumnType.DECIMAL),
        configure.set_lab_defaults(project, {"experimenter": "Doe, Jane", "excitation_lambda_nm": "920"}),
    ]

    assert [configuration.version for configuration in after] == list(range(1, len(after) + 1))
    assert read_configuration(project.config_path) == after[-1]
    stage, bath = project.columns(ColumnKind.CUSTOM)
    assert (bath.name, bath.key, bath.vocabulary, bath.hidden) == ("bath", "drug state", ("ringer",), False)
    assert (stage.type, stage.replacement, stage.description, stage.hidden) == (ColumnType.DECIMAL, 48.0, "Days", True)
    assert after[-1].defaults == {"experimenter": ["Doe, Jane"], "excitation_lambda_nm": 920.0}


def test_what_changes_nothing_writes_nothing(project: Project) -> None:
    configure.add_column(project, ColumnDefinition("region", ColumnKind.ROI_TAG))
    before = project.config_path.stat()
    configure.rename_column(project, "region", "region")
    configure.show_column(project, "region")

    after = project.config_path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(path.name for path in project.folder.glob(".*")) == [".fluorite"]


@pytest.mark.parametrize("nothing", [None, "", " ", [], [" "], "\n", "\x08", ["\x00"]])
def test_a_default_that_says_nothing_is_none(project: Project, nothing: Any) -> None:
    configure.set_lab_defaults(project, {"experimenter": "Doe, Jane", "lab": "Lab"})
    configure.set_lab_defaults(project, {"experimenter": nothing})
    assert project.configuration().defaults == {"lab": "Lab"}


def test_comments_and_foreign_sections_of_a_person_survive(project: Project) -> None:
    configure.add_column(project, ColumnDefinition("region", ColumnKind.ROI_TAG, vocabulary=("V1",)))
    text = project.config_path.read_text(encoding="utf-8")
    text = text.replace('vocabulary = ["V1"]', '# as in the atlas\nvocabulary = ["V1"]  # ask Ada')
    text = text.replace('lab = ""', 'lab = ""  # ours\nfavourite = 1').replace("favourite = 1\n", "")
    project.config_path.write_text(text + "\n[mine]\n# hands off\nanswer = 42\n", encoding="utf-8")

    configure.add_column(project, ColumnDefinition("stage", ColumnKind.CUSTOM))
    configure.reorder(project, ["stage"])
    configure.set_vocabulary(project, "region", ["V1", "V2"])
    configure.set_lab_defaults(project, {"lab": "Ours"})
    configure.set_lab_defaults(project, {"lab": ""})

    text = project.config_path.read_text(encoding="utf-8")
    for comment in ("# as in the atlas", "# ask Ada", "# ours", "# hands off", "# GCaMP6f"):
        assert comment in text
    assert tomllib.loads(text)["mine"] == {"answer": 42}
    assert 'lab = ""' in text


def test_a_column_written_by_hand_needs_no_key(project: Project) -> None:
    with project.config_path.open("a", encoding="utf-8") as file:
        file.write('\n[[columns]]\n# mine\nname = "cell/type"\nkind = "roi_tag"\n')
    assert project.columns(ColumnKind.ROI_TAG)[0].key == "cell_type"

    configure.rename_column(project, "cell/type", "kind of cell")
    (column,) = project.columns(ColumnKind.ROI_TAG)
    assert (column.name, column.key) == ("kind of cell", "cell_type")
    assert "# mine" in project.config_path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('columns = ["a"]\n', r"\[\[columns\]\] number 1 is not a table"),
        ('[[columns]]\nkind = "custom"\n', "number 1 has no name"),
        ('[[columns]]\nname = "a"\nkind = "colour"\n', "colour"),
        ('[[columns]]\nname = "a"\nkind = "custom"\nreplacment = 1\n', "unknown field 'replacment'"),
        ('[[columns]]\nname = "a"\nkind = "custom"\ntype = "integer"\nreplacement = "x"\n', "replacement"),
        ('[[columns]]\nname = "a"\nkind = "custom"\nhidden = "yes"\n', "hidden"),
        ('[[columns]]\nname = "a"\nkind = "custom"\nvocabulary = [1]\n', "list of texts"),
        ('[[columns]]\nname = "a"\nkind = "custom"\n[[columns]]\nname = "a"\nkind = "custom"\n', "two columns"),
        ('defaults = "x"\n', "defaults is not a section"),
        ('[defaults]\nindicatr = "x"\n', "Did you mean indicator"),
        ("[defaults]\nexcitation_lambda_nm = 9200.0\n", "nanometres"),
        ("[defaults]\nimaging_rate_hz = -1\n", "positive"),
        ('[configuration]\nversion = "x"\n', "version"),
    ],
)
def test_a_mistake_by_hand_is_named_and_nothing_is_overwritten(project: Project, text: str, cause: str) -> None:
    project.config_path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=cause):
        project.configuration()
    with pytest.raises(ConfigurationError, match=cause):
        configure.add_column(project, ColumnDefinition("b", ColumnKind.CUSTOM))
    assert project.config_path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(project: Project, name: str) -> None:
    kinds = (ColumnKind.ROI_TAG, ColumnKind.STIMULUS)
    for kind in kinds:
        column = ColumnDefinition(name, kind, vocabulary=HOSTILE, replacement=name, description=name)
        configure.add_column(project, column)
    for kind in kinds:
        (column,) = project.columns(kind)
        assert (column.name, column.vocabulary, column.replacement, column.description) == (name, HOSTILE, name, name)
        assert "/" not in column.key
        assert column.key not in (".", "..", "")


@pytest.mark.parametrize("name", ["", " ", " a", "a\nb", "a\x00", "\ud800", "x" * 101, "snr", "Subject_ID"])
def test_names_that_cannot_be_are_refused(project: Project, name: str) -> None:
    with pytest.raises(ConfigurationError):
        configure.add_column(project, ColumnDefinition(name, ColumnKind.ROI_TAG))
    assert project.configuration().version == 0


def test_a_name_is_taken_once_among_tags_and_custom_columns(project: Project) -> None:
    configure.add_column(project, ColumnDefinition("region", ColumnKind.ROI_TAG))
    configure.add_column(project, ColumnDefinition("region", ColumnKind.STIMULUS))
    configure.hide_column(project, "region", ColumnKind.ROI_TAG)
    with pytest.raises(ConfigurationError, match="show-column"):
        configure.add_column(project, ColumnDefinition("Region", ColumnKind.CUSTOM))
    with pytest.raises(ConfigurationError, match="--kind"):
        configure.rename_column(project, "region", "area")


def test_a_key_is_never_given_twice(project: Project) -> None:
    configure.add_column(project, ColumnDefinition("region", ColumnKind.ROI_TAG))
    configure.rename_column(project, "region", "old region")
    configure.add_column(project, ColumnDefinition("region", ColumnKind.ROI_TAG))
    assert [column.key for column in project.columns(ColumnKind.ROI_TAG)] == ["region", "region_2"]


def test_an_unknown_column_names_the_nearest(project: Project) -> None:
    configure.add_column(project, ColumnDefinition("region", ColumnKind.ROI_TAG))
    with pytest.raises(ConfigurationError, match="Did you mean 'region'"):
        configure.hide_column(project, "regoin")
    with pytest.raises(ConfigurationError, match="add-column"):
        configure.hide_column(project, "zzzz")


def test_renaming_and_hiding_keep_what_samples_store(filled: Project, sample: Path) -> None:
    configure.add_column(filled, ColumnDefinition("region", ColumnKind.ROI_TAG))
    tag(sample, "region", ["V1", "V2", "V1", "untagged", "V1"])
    before = sample.stat().st_ino
    configure.rename_column(filled, "region", "area")
    configure.hide_column(filled, "area")

    (column,) = filled.columns(ColumnKind.ROI_TAG)
    assert sample_values(sample, column) == ["V1", "V2", "V1", "untagged", "V1"]
    assert sample.stat().st_ino == before


def test_a_sample_without_the_column_reads_as_the_replacement(filled: Project, movieless: Path) -> None:
    configure.add_column(filled, ColumnDefinition("height in slice", ColumnKind.ROI_TAG, ColumnType.DECIMAL, 1.5))
    (column,) = filled.columns(ColumnKind.ROI_TAG)
    assert sample_values(movieless, column) == []
    assert column.read(None) == 1.5


def test_a_type_that_would_lose_a_value_is_refused_naming_the_samples(filled: Project, sample: Path) -> None:
    configure.add_column(filled, ColumnDefinition("count", ColumnKind.ROI_TAG))
    other = made_sample(filled, subject="m3")
    tag(sample, "count", ["1", "2", "three", "4", "untagged"])
    tag(other, "count", ["1", "2", "3", "4", "untagged"])
    before = filled.config_path.read_bytes()

    with pytest.raises(ConfigurationError, match=sample.name) as caught:
        configure.change_type(filled, "count", ColumnType.INTEGER)
    assert other.name not in str(caught.value)
    assert "three" in str(caught.value)
    assert filled.config_path.read_bytes() == before


def test_a_type_that_loses_nothing_is_changed_and_read_virtually(filled: Project, sample: Path) -> None:
    configure.add_column(filled, ColumnDefinition("count", ColumnKind.ROI_TAG))
    tag(sample, "count", ["1", "2", "-3", "4", "untagged"])
    configure.change_type(filled, "count", ColumnType.INTEGER)

    (column,) = filled.columns(ColumnKind.ROI_TAG)
    # What was "not set" as a text is not set as a number either.
    assert [column.read(value) for value in sample_values(sample, column)] == [1, 2, -3, 4, 0]
    with pytest.raises(UnfitValue):
        column.read("five")
    back = configure.change_type(filled, "count", ColumnType.TEXT).columns[0]
    assert [back.read(value) for value in sample_values(sample, back)] == ["1", "2", "-3", "4", "untagged"]


def test_an_unreadable_sample_does_not_stand_in_the_way(filled: Project) -> None:
    configure.add_column(filled, ColumnDefinition("count", ColumnKind.ROI_TAG))
    (filled.samples_dir / "broken.nwb").write_bytes(b"not HDF5")
    assert configure.change_type(filled, "count", ColumnType.INTEGER).columns[0].type is ColumnType.INTEGER


def test_a_stimulus_type_and_a_vocabulary_keep_their_type(project: Project) -> None:
    configure.add_column(project, ColumnDefinition("odour", ColumnKind.STIMULUS))
    configure.add_column(project, ColumnDefinition("region", ColumnKind.ROI_TAG, vocabulary=("V1",)))
    for name in ("odour", "region"):
        with pytest.raises(ConfigurationError):
            configure.change_type(project, name, ColumnType.INTEGER)


def test_values_outside_a_new_vocabulary_stay_and_are_listed(filled: Project, sample: Path) -> None:
    configure.add_column(filled, ColumnDefinition("region", ColumnKind.ROI_TAG))
    tag(sample, "region", ["V1", "V2", "V3", "untagged", "V1"])
    configure.set_vocabulary(filled, "region", ["V1"])

    assert configure.outside_vocabulary(filled, "region") == {sample.name: ["V2", "V3"]}
    (column,) = filled.columns(ColumnKind.ROI_TAG)
    assert column.check("V1") == "V1"
    assert column.check("untagged") == "untagged"
    with pytest.raises(UnfitValue, match="V1"):
        column.check("V2")


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (ColumnType.INTEGER, " 7 ", 7),
        (ColumnType.INTEGER, 7.0, 7),
        (ColumnType.INTEGER, np.int64(7), 7),
        (ColumnType.INTEGER, True, 1),
        (ColumnType.DECIMAL, "1e3", 1000.0),
        (ColumnType.DECIMAL, 7, 7.0),
        (ColumnType.YES_NO, "Yes", True),
        (ColumnType.YES_NO, np.bool_(False), False),
        (ColumnType.YES_NO, "0", False),
        (ColumnType.TEXT, True, "yes"),
        (ColumnType.TEXT, 2.5, "2.5"),
    ],
)
def test_values_convert_without_loss(type_: ColumnType, value: Any, expected: Any) -> None:
    converted = type_.convert(value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (ColumnType.INTEGER, "2.5"),
        (ColumnType.INTEGER, 2.5),
        (ColumnType.INTEGER, ""),
        (ColumnType.INTEGER, "9" * 19),
        (ColumnType.INTEGER, "1_000"),
        (ColumnType.DECIMAL, "nan"),
        (ColumnType.DECIMAL, "inf"),
        (ColumnType.DECIMAL, "1e999"),
        (ColumnType.DECIMAL, 2**60 + 1),
        (ColumnType.YES_NO, "maybe"),
        (ColumnType.YES_NO, 2),
    ],
)
def test_what_would_be_lost_does_not_convert(type_: ColumnType, value: Any) -> None:
    with pytest.raises(UnfitValue):
        type_.convert(value)


def _add(path: Path, name: str) -> None:
    project = Project.open(path)
    configure.add_column(project, ColumnDefinition(name, ColumnKind.CUSTOM))


def test_two_writers_lose_nothing(project: Project) -> None:
    context = multiprocessing.get_context("spawn")
    names = [f"column {number}" for number in range(4)]
    writers = [context.Process(target=_add, args=(project.folder, name)) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0] * 4
    assert sorted(texts(ColumnKind.CUSTOM, project)) == names
    assert project.configuration().version == 4


def test_a_second_writer_waits_for_the_first(project: Project) -> None:
    second = threading.Thread(target=_add, args=(project.folder, "second"))

    def change(old: Configuration) -> Configuration:
        second.start()
        second.join(0.3)  # were it not to wait, it would be done by now
        return add_column(old, ColumnDefinition("first", ColumnKind.CUSTOM))

    change_configuration(project.config_path, change)
    second.join()
    assert texts(ColumnKind.CUSTOM, project) == ["first", "second"]


def test_who_waits_too_long_is_told(project: Project) -> None:
    with (
        file_lock(project.config_path, ConfigurationError),
        pytest.raises(ConfigurationError, match="by another program"),
        file_lock(project.config_path, ConfigurationError, timeout_s=0.0),
    ):
        pass


def test_an_edit_by_hand_at_that_moment_wins(project: Project) -> None:
    def change(old: Configuration) -> Configuration:
        project.config_path.write_text("# by hand\n", encoding="utf-8")
        return replace(old, defaults={"lab": "Lab"})

    with pytest.raises(ConfigurationError, match="at this moment"):
        change_configuration(project.config_path, change)
    assert project.config_path.read_text(encoding="utf-8") == "# by hand\n"
    assert not list(project.folder.glob(".writing*"))


def test_keys_suit_hdf5_and_pynwb() -> None:
    assert column_key("drug/state") == "drug_state"
    assert column_key("description", {"description"}) == "description_2"
    assert column_key("._") == column_key("._") != column_key("._.")
    assert len(column_key("x" * 500)) <= 60
    assert ColumnDefinition("name", ColumnKind.ROI_TAG).key == "name_2"
    assert ColumnDefinition("name", ColumnKind.STIMULUS).key == "name"


_words = st.text(max_size=20)
_values = {
    ColumnType.TEXT: st.text(max_size=20),
    ColumnType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    ColumnType.DECIMAL: st.floats(allow_nan=False, allow_infinity=False),
    ColumnType.YES_NO: st.booleans(),
}


@st.composite
def _columns(draw: st.DrawFn) -> ColumnDefinition:
    type_ = draw(st.sampled_from(ColumnType))
    return ColumnDefinition(
        name=draw(_words),
        kind=draw(st.sampled_from(ColumnKind)),
        type=type_,
        replacement=draw(_values[type_]),
        vocabulary=tuple(draw(st.lists(_words, max_size=3))) if type_ is ColumnType.TEXT else (),
        hidden=draw(st.booleans()),
        description=draw(_words),
    )


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_configuration_reads_back(project: Project, data: st.DataObject) -> None:
    """Any sequence of changes gives a file that reads back as the configuration in memory, or is refused whole."""
    change_configuration(project.config_path, lambda old: replace(old, columns=(), defaults={}))
    known = project.configuration()
    for _ in range(data.draw(st.integers(1, 5))):
        names = [column.name for column in known.columns]
        actions = ["add", "default", *(["rename", "hide", "reorder", "describe", "vocabulary"] if names else [])]
        action = data.draw(st.sampled_from(actions))
        try:
            if action == "add":
                known = configure.add_column(project, data.draw(_columns()))
            elif action == "default":
                name = data.draw(st.sampled_from(["lab", "device", "experimenter", "imaging_rate_hz"]))
                known = configure.set_lab_defaults(project, {name: data.draw(_words)})
            elif action == "reorder":
                known = configure.reorder(project, data.draw(st.permutations(names)))
            else:
                name = data.draw(st.sampled_from(names))
                if action == "rename":
                    known = configure.rename_column(project, name, data.draw(_words))
                elif action == "hide":
                    known = configure.hide_column(project, name)
                elif action == "describe":
                    known = configure.set_description(project, name, data.draw(_words))
                else:
                    known = configure.set_vocabulary(project, name, data.draw(st.lists(_words, max_size=3)))
        except FluoriteError as error:
            if "without damaging" in str(error):
                raise
        assert project.configuration() == known
