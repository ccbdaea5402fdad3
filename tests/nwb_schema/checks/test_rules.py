"""Each rule of ours: what it says, word for word, and that it is silent on a good sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from nwb_schema.checks import RULES, Severity, check_sample

PLANE = "general/optophysiology/ImagingPlane"
OWN = "general/fluorite"
RAW = "processing/ophys/Fluorescence/RoiResponseSeries"
ROIS = "processing/ophys/ImageSegmentation/PlaneSegmentation"
REPORT = "Write the file again from the results that it was made from."


def put(path: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        if path in file:
            del file[path]
        file[path] = value

    return change


def drop(path: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[path]

    return change


def both(*changes: Callable[[h5py.File], None]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        for one in changes:
            one(file)

    return change


def set_rate(file: h5py.File) -> None:
    file[f"{RAW}/starting_time"].attrs["rate"] = 1.0


def shorten_traces(file: h5py.File) -> None:
    data = file[f"{RAW}/data"][:-1]
    put(f"{RAW}/data", data)(file)


def repeat_uuid(file: h5py.File) -> None:
    file[f"{ROIS}/roi_uuid"][1] = "00000000-0000-4000-8000-000000000000"
    file[f"{ROIS}/roi_uuid"][2] = "00000000-0000-4000-8000-000000000000"


def spoil_uuid(file: h5py.File) -> None:
    file[f"{ROIS}/roi_uuid"][0] = "cell 1"


def swap_mask(file: h5py.File) -> None:
    masks = file[f"{ROIS}/pixel_mask"]
    pixels = masks[()]
    pixels["y"][0] = 30  # a column that exists; a row that does not
    masks[...] = pixels


METADATA_FILE = "in the metadata file."
START = f"Give it: NWBFile: session_start_time: 2026-03-01T14:30:00+01:00 {METADATA_FILE}"
SEX = f"Give M, F, O (other) or U (unknown): Subject: sex: F {METADATA_FILE}"
AGE = f"Give it as an ISO 8601 duration: Subject: age: P90D {METADATA_FILE}"

CASES = {
    "excitation is NaN": (
        put(f"{PLANE}/excitation_lambda", np.nan),
        f"error: the excitation wavelength of ImagingPlane is not given. Give it in nanometres: Ophys: ImagingPlane: "
        f"excitation_lambda: 920.0 {METADATA_FILE} (fluorite: excitation-wavelength) [/{PLANE}/excitation_lambda]",
    ),
    "excitation in metres": (
        put(f"{PLANE}/excitation_lambda", 9.2e-7),
        f"error: the excitation wavelength of ImagingPlane is 9.2e-07. Give it in nanometres: Ophys: ImagingPlane: "
        f"excitation_lambda: 920.0 {METADATA_FILE} (fluorite: excitation-wavelength) [/{PLANE}/excitation_lambda]",
    ),
    "emission is missing": (
        drop(f"{PLANE}/Green/emission_lambda"),
        f"error: the emission wavelength of Green is missing. Give it in nanometres: Ophys: ImagingPlane: "
        f"optical_channel: emission_lambda: 510.0 {METADATA_FILE} (fluorite: emission-wavelength) "
        f"[/{PLANE}/Green/emission_lambda]",
    ),
    "indicator is unknown": (
        put(f"{PLANE}/indicator", "Unknown"),
        f"error: the indicator of ImagingPlane is 'Unknown'. Give it: Ophys: ImagingPlane: indicator: GCaMP6f "
        f"{METADATA_FILE} (fluorite: indicator) [/{PLANE}/indicator]",
    ),
    "location is unknown": (
        put(f"{PLANE}/location", "unknown"),
        f"error: the location of ImagingPlane is 'unknown'. Give it: Ophys: ImagingPlane: location: VISp "
        f"{METADATA_FILE} (fluorite: location) [/{PLANE}/location]",
    ),
    "rate of the plane is missing": (
        drop(f"{PLANE}/imaging_rate"),
        "warning: the imaging rate of ImagingPlane is missing, though the traces have one. "
        f"Set imaging_rate of the plane to 7.5. (fluorite: plane-rate) [/{PLANE}/imaging_rate]",
    ),
    "grid spacing is missing": (
        drop(f"{PLANE}/grid_spacing"),
        "warning: ImagingPlane does not say how far apart its pixels are. Give it in micrometres as x, y, or one "
        "number: Pixel size on the page of its details; or in metres as [x, y]: Ophys: "
        f"ImagingPlane: grid_spacing: [1.2e-6, 1.2e-6] {METADATA_FILE} (fluorite: grid-spacing) "
        f"[/{PLANE}/grid_spacing]",
    ),
    "start has no zone": (
        put("session_start_time", "2025-03-01T14:30:00"),
        f"error: the session's start 2025-03-01T14:30:00 has no time zone. {START} (fluorite: session-start) "
        "[/session_start_time]",
    ),
    "start is the file's date": (
        put(f"{OWN}/session_start_time_source", "file date"),
        "error: nobody gave the session's start; the date of the input file (2025-03-01 14:30 UTC) stands for "
        f"it. {START} (fluorite: session-start) [/session_start_time]",
    ),
    "subject has no id": (
        drop("general/subject/subject_id"),
        "error: the subject's id is missing. Give it: --subject ID. (fluorite: subject-id) "
        "[/general/subject/subject_id]",
    ),
    "species is no binomial": (
        put("general/subject/species", "mouse"),
        "error: the subject's species is 'mouse'. Give the Latin name: Subject: species: Mus musculus "
        f"{METADATA_FILE} (fluorite: subject-species) [/general/subject/species]",
    ),
    "sex is a word": (
        put("general/subject/sex", "male"),
        f"error: the subject's sex is 'male'. {SEX} (fluorite: subject-sex) [/general/subject/sex]",
    ),
    "sex is a placeholder": (
        both(put("general/subject/sex", "U"), put(f"{OWN}/not_given", ["Subject.sex"])),
        f"error: nobody gave the subject's sex; 'U' stands for it. {SEX} (fluorite: subject-sex) "
        "[/general/subject/sex]",
    ),
    "age is a placeholder": (
        put("general/subject/age", "P0D/"),
        f"error: nobody gave the subject's age; 'P0D/' (any age) stands for it. {AGE} (fluorite: subject-age) "
        "[/general/subject/age]",
    ),
    "age is prose": (
        put("general/subject/age", "90 days"),
        f"error: the subject's age is '90 days'. {AGE} (fluorite: subject-age) [/general/subject/age]",
    ),
    "traces are short": (
        shorten_traces,
        f"error: RoiResponseSeries has 49 values a trace, but the recording has 50 frames. Process the movie again. "
        f"(fluorite: trace-length) [/{RAW}]",
    ),
    "timestamps do not fit": (
        put(f"{RAW}/timestamps", np.arange(7.0)),
        f"error: RoiResponseSeries has 50 values a trace but 7 timestamps. {REPORT} (fluorite: trace-length) [/{RAW}]",
    ),
    "rates differ": (
        set_rate,
        "error: RoiResponseSeries has a rate of 1 Hz, but the recording 7.5 Hz. Find out which is true and write the "
        f"file again: times of events depend on it. (fluorite: rates-agree) [/{RAW}/starting_time]",
    ),
    "a uuid twice": (
        repeat_uuid,
        "error: 1 roi_uuid belong to several ROIs (the first is '00000000-0000-4000-8000-000000000000'). "
        f"Restore the file from a backup. (fluorite: roi-uuid) [/{ROIS}/roi_uuid]",
    ),
    "no uuid": (
        spoil_uuid,
        "error: 1 roi_uuid are no UUID (the first is 'cell 1'). Restore the file from a backup. (fluorite: roi-uuid) "
        f"[/{ROIS}/roi_uuid]",
    ),
    "mask below the frame": (
        swap_mask,
        "error: 1 masks reach beyond the frame of 24 x 40 (height x width), the first is ROI 0. "
        f"x and y may be swapped: write the file again from the results that it was made from. (fluorite: masks) "
        f"[/{ROIS}]",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_says_what_is_wrong_and_what_to_do(good: Path, case: str) -> None:
    change, message = CASES[case]
    with h5py.File(good, "r+") as file:
        change(file)

    assert [str(finding) for finding in check_sample(good).findings] == [message]


def test_a_good_sample_has_no_findings(good: Path) -> None:
    report = check_sample(good)

    assert report.findings == ()
    assert report.ok


def test_a_trace_of_a_roi_that_is_not_there_is_an_error(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file[f"{RAW}/rois"][0] = 5

    (finding,) = check_sample(good).findings
    assert finding.message == "RoiResponseSeries names ROI 5, but there are 5"
    assert (finding.check, finding.severity) == ("trace-rois", Severity.ERROR)


def test_parameters_that_were_changed_are_an_error(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        recorded = file[f"{OWN}/parameters_sha256"][()].decode()
        file[f"{OWN}/parameters"][()] = '{"init":{"K":6}}'

    (finding,) = check_sample(good).findings
    assert finding.check == "parameters"
    assert finding.message.endswith(f", but the sample records {recorded[:12]}...")


def test_a_missing_movie_is_named(good: Path) -> None:
    (movie,) = (good.parents[1] / "movies").iterdir()
    movie.unlink()

    (finding,) = check_sample(good).findings
    assert finding.message == f"its movie {movie.name} is missing"
    assert finding.check == "movie"


def test_a_movie_of_another_shape_is_an_error(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file[f"{OWN}/n_frames"][()] = 51

    messages = [finding.message for finding in check_sample(good).findings if finding.check == "movie"]
    assert len(messages) == 1
    assert messages[0].endswith("has 50 frames of 24 x 40, but the sample records 51 of 24 x 40")


def test_a_second_file_with_the_same_identifier_is_named(good: Path) -> None:
    (good.parent / "copy.nwb").write_bytes(good.read_bytes())

    (finding,) = check_sample(good).findings
    assert finding.message.startswith("copy.nwb has the same identifier (")
    assert finding.remedy == "Keep only one of the two."


def test_a_link_to_another_file_is_named_and_not_followed(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file["processing/ophys/secret"] = h5py.ExternalLink("/etc/passwd", "/")

    (finding,) = check_sample(good).findings
    assert finding.message == "/processing/ophys/secret is read from another file (/etc/passwd)"


def test_a_file_that_is_no_nwb_is_one_finding(tmp_path: Path) -> None:
    path = tmp_path / "broken.nwb"
    path.write_bytes(b"not HDF5 at all")

    (finding,) = check_sample(path).findings
    assert (finding.check, finding.severity) == ("readable", Severity.ERROR)


def test_rules_have_ids_of_their_own_and_say_what_they_demand() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.description.endswith(".") for rule in RULES)
