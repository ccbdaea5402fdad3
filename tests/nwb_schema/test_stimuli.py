"""Periods get from any table into a sample in seconds, and nothing odd about them goes unsaid."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pynapple
import pynwb
import pytest
from nwbinspector import Importance, inspect_nwbfile
from pynwb.epoch import TimeIntervals

from nwb_schema import configure, reader
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.errors import ConfigurationError, FluoriteError, SampleError, StimulusError
from nwb_schema.project import Project
from nwb_schema.stimuli import load_stimuli, read_events, read_stimuli
from nwb_schema.stimulus_periods import PALETTE, build_periods
from nwb_schema.stimulus_table import StimulusTable, read_table
from tests.nwb_schema.made_samples import N_FRAMES, RATE_HZ

DURATION_S = N_FRAMES / RATE_HZ  # 6.67 s
TABLE = "start,stop,name,dose,well,ok\n0.5,1.5,left,1,007,yes\n2.0,3.25,right,2,008,no\n4,4.5,left,3,009,yes\n"


@pytest.fixture
def prepared(filled: Project) -> Project:
    """A project with a stimulus type."""
    configure.add_column(filled, ColumnDefinition("side", ColumnKind.STIMULUS, description="Side of the screen."))
    return filled


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "periods.csv"
    path.write_text(TABLE)
    return path


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"start": [1.0, 3.0], "stop": [2.0, 4.0], "name": ["a", "b"], **columns})


def built(source: pd.DataFrame, **options: Any) -> Any:
    defaults: dict[str, Any] = {"type_name": "side", "unit": "seconds", "rate_hz": RATE_HZ, "duration_s": DURATION_S}
    return build_periods(read_table(source), **{**defaults, **options})


def test_a_table_in_seconds_reads_back_as_it_was(prepared: Project, sample: Path, table: Path) -> None:
    loaded = load_stimuli(prepared, sample.name, table, "side", unit="seconds")
    periods = read_stimuli(sample)["side"]

    assert loaded.periods.problems == ()
    assert periods["start_s"].tolist() == [0.5, 2.0, 4.0]
    assert periods["stop_s"].tolist() == [1.5, 3.25, 4.5]
    assert periods["name"].tolist() == ["left", "right", "left"]
    assert periods["colour"].tolist() == [PALETTE[0], PALETTE[1], PALETTE[0]]
    assert periods["dose"].tolist() == [1, 2, 3]
    assert periods["dose"].dtype == np.int64
    assert periods["well"].tolist() == ["007", "008", "009"]
    assert periods["ok"].tolist() == [True, False, True]


@pytest.mark.parametrize("rate_hz", [15.49, 29.97, 7.5])
def test_frames_become_seconds_at_any_rate(rate_hz: float) -> None:
    source = pd.DataFrame({"start": [30, 0], "stop": [45, 15], "name": ["b", "a"]})
    periods = built(source, unit="frames", rate_hz=rate_hz, duration_s=45 / rate_hz)

    assert periods.problems == ()
    assert periods.frame["name"].tolist() == ["a", "b"]
    assert periods.frame["start_s"].tolist() == [0.0, 30 / rate_hz]
    assert periods.frame["stop_s"].tolist() == [15 / rate_hz, 45 / rate_hz]


def test_frames_of_a_sample_use_its_own_rate(prepared: Project, sample: Path) -> None:
    source = pd.DataFrame({"start_frame": [15], "end_frame": [30], "name": ["a"]})
    load_stimuli(prepared, sample.stem, source, "side")
    periods = read_stimuli(sample)["side"]
    assert (periods["start_s"][0], periods["stop_s"][0]) == (15 / RATE_HZ, 30 / RATE_HZ)


def test_the_rest_of_the_sample_stays_the_same(prepared: Project, sample: Path, table: Path) -> None:
    before = reader.read_summary(sample), reader.read_traces(sample, "raw"), reader.read_provenance(sample)
    rois = reader.read_rois(sample)
    with h5py.File(sample) as file:
        link = file["acquisition/TwoPhotonSeries"].get("data", getlink=True).filename
    load_stimuli(prepared, sample.name, table, "side", unit="seconds")

    assert reader.read_summary(sample) == before[0]
    assert np.array_equal(reader.read_traces(sample, "raw"), before[1])
    assert reader.read_provenance(sample) == before[2]
    pd.testing.assert_frame_equal(reader.read_rois(sample), rois)
    with h5py.File(sample) as file:
        assert file["acquisition/TwoPhotonSeries"].get("data", getlink=True).filename == link
    assert sorted(path.name for path in sample.parent.glob(".*")) == []


def test_the_movie_is_never_opened_for_writing(prepared: Project, sample: Path, table: Path) -> None:
    movie = reader.registered_movie_path(sample)
    movie.chmod(0o444)
    before = movie.stat()
    load_stimuli(prepared, sample.name, table, "side", unit="seconds")
    assert (movie.stat().st_mtime_ns, movie.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_pynwb_pynapple_and_nwbinspector_take_it(prepared: Project, sample: Path, table: Path) -> None:
    load_stimuli(prepared, sample.name, table, "side", unit="seconds")

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pynwb.NWBHDF5IO(str(sample), "r") as io:
            nwbfile = io.read()
            intervals = nwbfile.intervals["side"]
            assert isinstance(intervals, TimeIntervals)
            assert "Side of the screen." in intervals.description
            shown = intervals.to_dataframe()
            assert nwbfile.acquisition["TwoPhotonSeries"].data.shape[0] == N_FRAMES
    assert shown["label"].tolist() == ["left", "right", "left"]
    assert shown["start_time"].tolist() == [0.5, 2.0, 4.0]
    assert shown["dose"].tolist() == [1, 2, 3]

    epochs = pynapple.load_file(str(sample))["side"]
    assert epochs.start.tolist() == [0.5, 2.0, 4.0]
    assert epochs["label"].tolist() == ["left", "right", "left"]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        messages = list(inspect_nwbfile(nwbfile_path=str(sample)))
    ours = [message for message in messages if "intervals" in (message.location or "")]
    assert [m for m in ours if m.importance not in (Importance.BEST_PRACTICE_SUGGESTION,)] == []


def test_the_real_table_of_mesmerize_loads(prepared: Project, sample: Path, shared_data: Path) -> None:
    pvc7 = shared_data / "stimuli" / "stimulus_pvc7.csv"
    loaded = load_stimuli(
        prepared, sample.name, pvc7, "side", unit="frames", mapping={"name": "ori", "orientation": "ori"}
    )
    periods = read_stimuli(sample)["side"]
    source = pd.read_csv(pvc7).sort_values("start", kind="stable")

    assert len(periods) == len(source) == 1600
    np.testing.assert_allclose(periods["start_s"], source["start"] / RATE_HZ, rtol=1e-15)
    assert periods["name"].tolist() == [str(value) for value in source["ori"]]
    assert periods["orientation"].tolist() == source["ori"].tolist()
    assert list(periods.columns[4:]) == ["orientation", "sf", "tf", "contrast"]
    # The made sample lasts seven seconds: that every period lies beyond is said for each of them.
    assert {problem.kind for problem in loaded.periods.problems} == {"beyond"}
    assert len(loaded.periods.problems) == 1600


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", TABLE.replace(",", "\t")),
        ("a.txt", TABLE.replace(",", "\t")),
        ("a.csv", TABLE.replace(",", ";")),
        ("a.csv", "\ufeff" + TABLE.replace("\n", "\r\n")),
    ],
)
def test_every_kind_of_text_table_is_the_same_table(tmp_path: Path, table: Path, name: str, text: str) -> None:
    path = tmp_path / "other" / name
    path.parent.mkdir()
    path.write_bytes(text.encode())
    pd.testing.assert_frame_equal(read_table(path).frame, read_table(table).frame)


def test_an_excel_sheet_is_the_same_table(tmp_path: Path, table: Path) -> None:
    path = tmp_path / "periods.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="first", index=False)
        read_table(table).frame.to_excel(book, sheet_name="periods", index=False)
    pd.testing.assert_frame_equal(read_table(path, part="periods").frame, read_table(table).frame)
    assert list(read_table(path).frame) == ["x"]
    with pytest.raises(StimulusError, match="nowhere"):
        read_table(path, part="nowhere")


def test_trials_of_another_nwb_file_load(prepared: Project, sample: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.nwb"
    nwbfile = pynwb.NWBFile("A session.", "other", datetime(2025, 1, 1, tzinfo=UTC))
    nwbfile.add_trial_column("condition", "What was shown.")
    nwbfile.add_trial_column("licks", "Times.", index=True)
    for start, name in ((0.25, "go"), (3.0, "no-go")):
        nwbfile.add_trial(start_time=start, stop_time=start + 1, condition=name, licks=[start, start + 0.1])
    nwbfile.add_epoch(0.0, 5.0, ["all"])
    with pynwb.NWBHDF5IO(str(other), "w") as io:
        io.write(nwbfile)

    loaded = load_stimuli(prepared, sample.name, other, "side")
    assert read_stimuli(sample)["side"]["name"].tolist() == ["go", "no-go"]
    assert any("licks" in note for note in loaded.periods.notes)
    assert read_stimuli(other)["trials"]["start_s"].tolist() == [0.25, 3.0]
    load_stimuli(prepared, sample.name, other, "side", part="epochs", existing="replace")
    assert read_stimuli(sample)["side"]["stop_s"].tolist() == [5.0]
    with pytest.raises(StimulusError, match=r"It has: \w+, \w+"):
        load_stimuli(prepared, sample.name, other, "side", part="nothing", existing="replace")


def test_overlaps_are_listed_with_both_rows_and_kept_or_refused() -> None:
    source = pd.DataFrame({"start": [0.0, 2.5, 1.0, 3.5], "stop": [2.0, 3.0, 3.0, 4.0], "name": list("abcd")})
    periods = built(source)
    assert [(p.row, p.kind, p.outcome) for p in periods.problems] == [(2, "overlap", "kept"), (3, "overlap", "kept")]
    assert "row 3 stops" in periods.problems[0].message
    assert "row 1 stops" in periods.problems[1].message
    assert len(periods.frame) == 4
    with pytest.raises(StimulusError, match="row 3 starts at 1 s, before row 1 stops at 2 s"):
        built(source, overlaps="refuse")


def test_periods_that_touch_do_not_overlap() -> None:
    source = pd.DataFrame({"start": [0, 7, 14], "stop": [7, 14, 21], "name": list("abc")})
    assert built(source, unit="frames", rate_hz=29.97, overlaps="refuse", beyond="refuse").problems == ()


def test_beyond_the_recording_is_kept_cut_or_refused() -> None:
    source = pd.DataFrame({"start": [-1.0, 1.0, 6.0, 9.5], "stop": [0.5, 2.0, 9.0, 10.0], "name": list("abcd")})

    kept = built(source)
    assert [(p.row, p.kind, p.outcome) for p in kept.problems] == [(row, "beyond", "kept") for row in (1, 3, 4)]
    assert kept.frame["stop_s"].tolist() == [0.5, 2.0, 9.0, 10.0]

    cut = built(source, beyond="cut")
    assert [(p.row, p.outcome) for p in cut.problems] == [(1, "cut"), (3, "cut"), (4, "left out")]
    assert cut.frame["name"].tolist() == ["a", "b", "c"]
    assert cut.frame["start_s"].tolist() == [0.0, 1.0, 6.0]
    assert cut.frame["stop_s"].tolist() == [0.5, 2.0, DURATION_S]

    with pytest.raises(StimulusError, match=r"row 4 .*wholly outside"):
        built(source, beyond="refuse")


def test_the_last_frame_is_within_the_recording() -> None:
    for rate_hz in (7.5, 15.49, 29.97):
        source = pd.DataFrame({"start": [0], "stop": [N_FRAMES], "name": ["all"]})
        assert built(source, unit="frames", rate_hz=rate_hz, duration_s=N_FRAMES / rate_hz).problems == ()


def test_rows_that_are_no_periods_are_refused_with_their_numbers(prepared: Project, sample: Path, table: Path) -> None:
    table.write_text("start,stop,name\n1,2,a\n,3,b\n4,3.5,c\nx,6,d\ninf,6,e\n")
    before = sample.read_bytes()
    with pytest.raises(StimulusError, match=r"row 3 .*row 4 stops at 3.5 s before .*row 5 .*row 6"):
        load_stimuli(prepared, sample.name, table, "side", unit="seconds")
    assert sample.read_bytes() == before

    loaded = load_stimuli(prepared, sample.name, table, "side", unit="seconds", invalid="leave-out")
    assert [(p.row, p.kind, p.outcome) for p in loaded.periods.problems] == [
        (3, "value", "left out"),
        (4, "order", "left out"),
        (5, "value", "left out"),
        (6, "value", "left out"),
    ]
    assert read_stimuli(sample)["side"]["name"].tolist() == ["a"]


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(StimulusError, match="no period is left"):
        built(pd.DataFrame({"start": [100.0], "stop": [101.0], "name": ["a"]}), beyond="cut")


def test_columns_are_found_mapped_or_asked_for() -> None:
    source = pd.DataFrame({"ein": [1.0], "aus": [2.0], "was": ["a"], "name": ["x"], "description": ["d"]})
    periods = built(source, mapping={"start": "ein", "end": "aus", "label": "was"})
    assert periods.frame["name"].tolist() == ["a"]
    # pynwb would take these two for the table's own name and description.
    assert list(periods.frame.columns[4:]) == ["name_2", "description_2"]
    assert any("'description_2'" in note for note in periods.notes)
    with pytest.raises(StimulusError, match="--map start=COLUMN"):
        built(source)
    with pytest.raises(StimulusError, match="no column 'nirgends'"):
        built(source, mapping={"start": "nirgends"})


def test_a_duration_stands_for_the_stop() -> None:
    periods = built(pd.DataFrame({"onset": [1.0], "duration": [0.5]}))
    assert periods.frame["stop_s"].tolist() == [1.5]
    assert periods.frame["name"].tolist() == ["side"]
    assert any("no column of names" in note for note in periods.notes)


def test_whole_numbers_may_be_frames_so_their_unit_is_asked_for() -> None:
    with pytest.raises(StimulusError, match="--frames or --seconds"):
        built(pd.DataFrame({"start": [1], "stop": [2]}), unit=None)
    assert built(pd.DataFrame({"start_time": [1], "stop_time": [2]}), unit=None).frame["stop_s"][0] == 2.0
    assert built(pd.DataFrame({"start": [1.5], "stop": [2]}), unit=None).frame["start_s"][0] == 1.5


def test_frames_need_a_rate() -> None:
    with pytest.raises(StimulusError, match="imaging rate"):
        built(frame(), unit="frames", rate_hz=None)


def test_an_unknown_length_is_said() -> None:
    periods = built(frame(), duration_s=None)
    assert periods.problems == ()
    assert any("how long" in note for note in periods.notes)


def test_colours_are_checked() -> None:
    periods = built(frame(colour=["#ff0000", "url(javascript:alert(1))"]))
    assert periods.frame["colour"].tolist() == ["#ff0000", PALETTE[1]]
    assert [(p.row, p.kind) for p in periods.problems] == [(2, "colour")]


def test_a_vocabulary_allows_only_its_names(prepared: Project, sample: Path) -> None:
    configure.set_vocabulary(prepared, "side", ["a"])
    with pytest.raises(StimulusError, match="row 2 'b' is not in the vocabulary"):
        load_stimuli(prepared, sample.name, frame(), "side", unit="seconds")


def test_an_unknown_type_says_how_to_configure_it(prepared: Project, sample: Path) -> None:
    with pytest.raises(ConfigurationError, match="--kind stimulus"):
        load_stimuli(prepared, sample.name, frame(), "odour", unit="seconds")
    with pytest.raises(ConfigurationError, match="Did you mean 'side'"):
        load_stimuli(prepared, sample.name, frame(), "sides", unit="seconds")


def test_a_renamed_type_finds_its_periods(prepared: Project, sample: Path) -> None:
    load_stimuli(prepared, sample.name, frame(), "side", unit="seconds")
    configure.rename_column(prepared, "side", "screen/side")
    with pytest.raises(StimulusError, match="--replace"):
        load_stimuli(prepared, sample.name, frame(), "screen/side", unit="seconds")
    load_stimuli(prepared, sample.name, frame(name=["c", "d"]), "screen/side", unit="seconds", existing="replace")
    assert {key: table["name"].tolist() for key, table in read_stimuli(sample).items()} == {"side": ["c", "d"]}


def test_two_types_stand_side_by_side(prepared: Project, sample: Path) -> None:
    configure.add_column(prepared, ColumnDefinition("odour ☃/x", ColumnKind.STIMULUS))
    load_stimuli(prepared, sample.name, frame(), "side", unit="seconds")
    load_stimuli(prepared, sample.name, frame(name=["A", "B"]), "odour ☃/x", unit="seconds")
    assert sorted(read_stimuli(sample)) == ["odour _x", "side"]


@pytest.mark.parametrize("text", ["=1+1", "<b>x</b>", "..", "x" * 10_000, "a\x00b", "🐭", "NA", "None", "-", "nan"])
def test_hostile_names_are_only_texts(prepared: Project, sample: Path, text: str) -> None:
    load_stimuli(prepared, sample.name, frame(name=[text, "b"], extra=[text, text]), "side", unit="seconds")
    periods = read_stimuli(sample)["side"]
    expected = text.replace("\x00", "")
    assert periods["name"].tolist() == [expected, "b"]
    if text != "nan":
        assert periods["extra"].tolist() == [expected, expected]


def test_a_name_like_na_in_a_file_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("start,stop,name\n1.0,2.0,NA\n3.0,4.0,None\n")
    assert read_table(path).frame["name"].tolist() == ["NA", "None"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "cannot be read"),
        (b"start,stop\n", "no rows"),
        (b"\xff\xfe\x00\x00", "cannot be read"),
        (b"a,b\n1,2,3\n1,2,3,4\n", "cannot be read"),
    ],
)
def test_files_that_are_no_tables_are_refused(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(StimulusError, match=cause):
        read_table(path)
    excel = tmp_path / "a.xlsx"
    excel.write_bytes(content)
    with pytest.raises(StimulusError):
        read_table(excel)


def test_a_missing_file_and_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StimulusError, match="no such file"):
        read_table(tmp_path / "missing.csv")
    with pytest.raises(StimulusError, match="two columns"):
        read_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_foreign_file_is_read_only(prepared: Project, sample: Path) -> None:
    foreign = prepared.samples_dir / "foreign.nwb"
    with pynwb.NWBHDF5IO(str(foreign), "w") as io:
        io.write(pynwb.NWBFile("A session.", "foreign", datetime(2025, 1, 1, tzinfo=UTC)))
    before = foreign.read_bytes()
    with pytest.raises(SampleError, match="only browsed"):
        load_stimuli(prepared, "foreign", frame(), "side", unit="seconds")
    assert foreign.read_bytes() == before


@pytest.mark.parametrize("place", ["intervals", "intervals/side"])
def test_a_sample_that_leads_elsewhere_does_not_get_others_changed(
    prepared: Project, sample: Path, tmp_path: Path, place: str
) -> None:
    victim = tmp_path / "victim.h5"
    with h5py.File(victim, "w") as file:
        file.create_group("target").attrs["neurodata_type"] = "TimeIntervals"
    before = victim.read_bytes()
    with h5py.File(sample, "r+") as file:
        file[place] = h5py.ExternalLink(str(victim), "/target")
    with pytest.raises(FluoriteError, match=r"leads elsewhere|already"):
        load_stimuli(prepared, sample.name, frame(), "side", unit="seconds", existing="replace")
    assert victim.read_bytes() == before


def test_the_name_of_a_table_is_used_in_messages() -> None:
    table = StimulusTable(frame(), "my table")
    with pytest.raises(StimulusError, match="my table"):
        build_periods(table, type_name="side", unit="frames")


def test_moments_become_events(prepared: Project, sample: Path) -> None:
    source = pd.DataFrame({"frame": [30, 3], "label": ["lick", "reward"], "ml": [0.1, 0.2]})
    load_stimuli(prepared, sample.name, source, "side", moments=True)
    events = read_events(sample)["side"]

    assert list(events.columns) == ["time_s", "name", "colour", "ml"]
    assert events["time_s"].tolist() == [3 / RATE_HZ, 30 / RATE_HZ]
    assert events["name"].tolist() == ["reward", "lick"]
    assert read_stimuli(sample) == {}
    with pynwb.NWBHDF5IO(str(sample), "r") as io:
        table = io.read().events["side"]
        assert type(table).__name__ == "EventsTable"
        assert table["timestamp"].data[:].tolist() == [3 / RATE_HZ, 30 / RATE_HZ]
        assert table["label"].data[:].tolist() == ["reward", "lick"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        messages = [m for m in inspect_nwbfile(nwbfile_path=str(sample)) if "events" in (m.location or "")]
    assert messages == []


def test_moments_beyond_the_recording_are_left_out_when_told_and_never_overlap() -> None:
    source = pd.DataFrame({"time": [1.0, 1.0, 7.5], "name": list("abc")})
    assert [(p.row, p.kind, p.outcome) for p in built(source, moments=True).problems] == [(3, "beyond", "kept")]
    cut = built(source, moments=True, beyond="cut", overlaps="refuse")
    assert cut.frame["name"].tolist() == ["a", "b"]
    assert [(p.row, p.outcome) for p in cut.problems] == [(3, "left out")]
    with pytest.raises(StimulusError, match="stops"):
        built(source)
