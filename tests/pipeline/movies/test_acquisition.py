"""What microscopes wrote beside their movies arrives in the sample, and what a person says wins over it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from fluorite.cli import main
from nwb_schema.metadata import build_metadata
from pipeline.movies import open_movie
from pipeline.movies.acquisition import read_acquisition
from pipeline.simulate import simulate_movie

THOR = """<?xml version="1.0"?>
<ThorImageExperiment>
  <Software version="4.3.2021" />
  <Date date="03/07/2026 10:11:12" uTime="1772878272" />
  <Wavelengths><Wavelength name="ChanA" exposuretimeMS="0" /></Wavelengths>
  <LSM name="ResonanceGalvo" pixelX="{width}" pixelY="{height}" pixelSizeUM="1.25" widthUM="120" heightUM="100"
       frameRate="{rate}" />
</ThorImageExperiment>
"""
BRUKER_FRAME = """<Frame relativeTime="{time}" absoluteTime="{time}" index="{number}">
  <File channel="2" channelName="Ch2" page="1" filename="{name}" /></Frame>"""
BRUKER = """<?xml version="1.0" encoding="utf-8"?>
<PVScan version="5.6.64.400" date="2/11/2026 3:48:21 PM" notes="">
  <PVStateShard>
    <PVStateValue key="micronsPerPixel">
      <IndexedValue index="XAxis" value="1.1" /><IndexedValue index="YAxis" value="1.1" />
      <IndexedValue index="ZAxis" value="5" />
    </PVStateValue>
    <PVStateValue key="scanLinePeriod" value="6.3e-05" />
    <PVStateValue key="positionCurrent">
      <SubindexedValues index="XAxis"><SubindexedValue subindex="0" value="1" /></SubindexedValues>
      <SubindexedValues index="YAxis"><SubindexedValue subindex="0" value="2" /></SubindexedValues>
      <SubindexedValues index="ZAxis"><SubindexedValue subindex="0" value="3" /></SubindexedValues>
    </PVStateValue>
  </PVStateShard>
  <Sequence type="TSeries Timed Element" cycle="1">{frames}</Sequence>
</PVScan>
"""


def thor(folder: Path, frames: np.ndarray, rate_hz: float) -> Path:
    folder.mkdir()
    height, width = frames.shape[1:]
    (folder / "Experiment.xml").write_text(THOR.format(height=height, width=width, rate=rate_hz))
    path = folder / "ChanA_001_001_001_001.tif"
    tifffile.imwrite(path, frames, ome=True, metadata={"axes": "TYX"})
    return path


def bruker(folder: Path, n_frames: int = 6) -> Path:
    folder.mkdir()
    names = [f"{folder.name}_Cycle00001_Ch2_{number:06d}.ome.tif" for number in range(1, n_frames + 1)]
    listed = [
        BRUKER_FRAME.format(time=0.125 * number, number=number + 1, name=name) for number, name in enumerate(names)
    ]
    (folder / f"{folder.name}.xml").write_text(BRUKER.format(frames="".join(listed)))
    for name in names:
        tifffile.imwrite(folder / name, np.zeros((12, 20), np.uint16), ome=True)
    return folder / names[0]


def test_what_thorimage_wrote_is_read(tmp_path: Path) -> None:
    found = read_acquisition(thor(tmp_path / "run1", np.zeros((5, 12, 20), np.uint16), 15.5))

    assert found is not None
    assert found.rate_hz == 15.5
    device, plane = found.metadata["Ophys"]["Device"], found.metadata["Ophys"]["ImagingPlane"]
    assert "4.3.2021" in device["description"]
    np.testing.assert_allclose(plane["grid_spacing"], 1.25e-6)
    # neuroconv fills these in because NWB demands them; nobody said them.
    assert not {"indicator", "location", "excitation_lambda"} & set(plane)
    assert found.metadata["NWBFile"]["session_start_time"].timestamp() == 1772878272


def test_what_prairie_view_wrote_is_read(tmp_path: Path) -> None:
    found = read_acquisition(bruker(tmp_path / "day1-001"))

    assert found is not None
    assert found.rate_hz == pytest.approx(8)
    assert found.metadata["Ophys"]["Device"]["name"] == "BrukerFluorescenceMicroscope"
    assert found.metadata["NWBFile"]["session_start_time"].isoformat() == "2026-02-11T15:48:21"


def test_what_the_miniscope_software_wrote_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "10_11_12" / "My_V4_Miniscope"
    folder.mkdir(parents=True)
    writer = cv2.VideoWriter(str(folder / "0.avi"), cv2.VideoWriter.fourcc(*"GREY"), 60, (40, 24), isColor=False)
    for number in range(5):
        writer.write(np.full((24, 40), 10 * number, np.uint8))
    writer.release()
    rows = [f"{number},{50 * number},0" for number in range(5)]
    (folder / "timeStamps.csv").write_text("\n".join(["Frame Number,Time Stamp (ms),Buffer Index", *rows]))
    device = {"deviceName": "My V4 Miniscope", "deviceType": "Miniscope_V4_BNO", "frameRate": "20FPS", "gain": "Low"}
    (folder / "metaData.json").write_text(json.dumps({**device, "compression": "FFV1", "ewl": 24, "led0": 12}))
    began = {"year": 2026, "month": 3, "day": 4, "hour": 10, "minute": 11, "second": 12, "msec": 500}
    session = {"animalName": "m7", "recordingStartTime": began, "miniscopes": ["My V4 Miniscope"], "cameras": []}
    (folder.parent / "metaData.json").write_text(json.dumps(session))

    found = read_acquisition(folder / "0.avi")

    assert found is not None
    assert found.rate_hz == 20
    assert found.metadata["Ophys"]["Device"]["name"] == "My V4 Miniscope"
    assert found.metadata["NWBFile"]["session_start_time"].isoformat() == "2026-03-04T10:11:12.500000"


def test_a_movie_of_no_such_microscope_does_without_neuroconv(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", np.zeros((5, 12, 20), np.uint16))
    program = (
        "import sys; from pathlib import Path; from pipeline.movies.acquisition import read_acquisition\n"
        f"print(read_acquisition(Path({str(tmp_path / 'plain.tif')!r})), 'neuroconv' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["None", "False"]


def test_a_damaged_file_beside_the_movie_is_no_obstacle(tmp_path: Path) -> None:
    path = thor(tmp_path / "run1", np.zeros((5, 12, 20), np.uint16), 15.5)
    (path.parent / "Experiment.xml").write_text("<ThorImageExperiment>")

    assert read_acquisition(path) is None


def process(movie: Path, project: Path, *options: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["process", str(movie), "--project", str(project), "--json", *options])
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)["samples"]
    return dict(report)


def test_a_person_wins_over_the_microscope_and_that_over_the_labs_defaults(tmp_path: Path) -> None:
    frames = simulate_movie("2p", n_frames=160, height=48, width=64, n_cells=4, rate_hz=12.5, seed=3).frames
    movie = thor(tmp_path / "run1", frames, 12.5)
    CliRunner().invoke(main, ["init", str(tmp_path / "project")])
    for default in ("device=Lab microscope", "indicator=GCaMP6s"):
        done = CliRunner().invoke(main, ["config", str(tmp_path / "project"), "defaults", default])
        assert done.exit_code == 0, done.output
    (tmp_path / "said.yaml").write_text("Ophys:\n  Device:\n    description: said by a person\n")

    report = process(movie, tmp_path / "project", "--metadata", str(tmp_path / "said.yaml"))

    recording = report["recording"]
    assert recording["imaging_rate_hz"]["value"] == 12.5  # the movie itself does not say it
    assert recording["device_description"] == {"value": "said by a person", "from": "metadata"}
    assert recording["device_name"] == {"value": "ThorMicroscope", "from": "movie"}
    assert recording["indicator"] == {"value": "GCaMP6s", "from": "lab defaults"}
    assert recording["grid_spacing_um"]["from"] == "movie"
    assert recording["session_start_time"]["from"] == "movie"
    assert any("Thorlabs ThorImage wrote" in note for note in report["notes"])


def test_what_nwb_cannot_take_of_it_is_left_out_with_a_note() -> None:
    found = build_metadata(
        subject="m1",
        session="s1",
        recorded={"Ophys": {"ImagingPlane": {"excitation_lambda": 0.92, "indicator": "GCaMP8m"}}},
        recorded_by="Some microscope",
    )

    assert found.indicator == "GCaMP8m"
    assert np.isnan(found.excitation_lambda_nm)
    assert any("Some microscope says Ophys.ImagingPlane.excitation_lambda" in note for note in found.notes)


def test_what_an_inscopix_microscope_wrote_of_itself_is_read(shared_data: Path) -> None:
    with open_movie(shared_data / "formats/inscopix_movie.isxd") as movie:
        found = build_metadata(subject="m1", session="s1", recorded=movie.metadata.recorded, recorded_by="Inscopix")

    assert found.device_name == "NVista3"
    assert found.device_description == "Inscopix microscope, serial number FA-11092903, software 1.3.0"
    assert "gain 5.9" in (found.imaging_plane_description or "")
    assert found.said_by["device_name"] == "movie"
