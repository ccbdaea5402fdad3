"""``fluorite check``, ``export`` and ``adopt`` as a user runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nwb_schema.project import Project
from pipeline.jobs import JobState, Ledger
from tests.fluorite.command import Processed, fluorite

METADATA = """
NWBFile:
  session_start_time: 2025-03-01T14:30:00+01:00
Subject: {species: Rattus norvegicus, sex: F, age: P90D}
Ophys:
  ImagingPlane:
    - indicator: GCaMP6f
      location: V1
      excitation_lambda: 920.0
      grid_spacing: [1.0e-6, 1.0e-6]
      optical_channel: [{emission_lambda: 510.0}]
"""


@pytest.fixture
def project(processed: Processed, tmp_path: Path) -> Path:
    """A copy of the processed project; of its recording nothing is known but the pixels."""
    return Path(shutil.copytree(processed.project, tmp_path / "project"))


def test_check_tells_people_what_is_wrong_and_scripts_with_the_exit_code(processed: Processed) -> None:
    done = fluorite("check", processed.report["sample"], check=False)

    assert done.returncode == 1
    assert "error: the indicator of ImagingPlane is 'unknown'. Give it: Ophys: ImagingPlane: indicator:" in done.stdout
    assert done.stdout.splitlines()[0].startswith(f"{processed.report['sample']}: 8 errors, 1 warning, ")


def test_check_prints_one_json_object(processed: Processed) -> None:
    done = fluorite("check", processed.report["sample"], "--json", check=False)

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["ok"] is False
    checks = {finding["check"] for finding in report["files"][0]["findings"] if finding["severity"] == "error"}
    assert checks >= {"indicator", "location", "excitation-wavelength", "emission-wavelength", "subject-age"}


def test_export_is_refused_with_a_checklist(project: Path, tmp_path: Path) -> None:
    done = fluorite("export", project, "--to", tmp_path / "out", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(
        "Nothing was exported. This blocks an upload:\nsub-m1_ses-s1_ophys.nwb\n  [ ] error: "
    )
    assert not (tmp_path / "out").exists()
    blocked = json.loads(fluorite("export", project, "--to", tmp_path / "out", "--json", check=False).stdout)
    assert blocked["ok"] is False
    assert "subject-age" in {finding["check"] for finding in blocked["blockers"]}


def test_export_is_a_job_and_says_how_to_upload(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    done = fluorite(
        "export", project, "--to", out, "--sample", "sub-m1_ses-s1_ophys", "--allow-blockers", "--json", check=False
    )

    report = json.loads(done.stdout)
    assert done.returncode == 1, "what was exported still cannot be uploaded"
    assert [file["file"] for file in report["files"]] == [str(out / "sub-m1" / "sub-m1_ses-s1_ophys.nwb")]
    assert report["upload"] == [f"cd {out}", "dandi validate .", "dandi upload ."]
    newest = Ledger(Project.open(project)).jobs()[0]
    assert (newest.kind, newest.state) == ("export", JobState.OK)
    again = fluorite("export", project, "--to", out, "--allow-blockers", "--without-movie", check=False)
    assert "sub-m1_ses-s1_ophys.nwb: 0." in again.stdout, "left out, the movie is not in the file any more"


def test_a_foreign_file_is_adopted_and_can_be_exported(project: Path, shared_data: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "metadata.yaml"
    metadata.write_text(METADATA)
    foreign = shared_data / "foreign-nwb" / "nwb_test.nwb"

    done = fluorite("adopt", project, foreign, "--subject", "x", "--session", "y", "--metadata", metadata, "--json")

    (report,) = json.loads(done.stdout)["samples"]
    assert report["sample"].endswith("samples/sub-x_ses-y_ophys.nwb")
    assert (report["n_rois"], report["n_accepted"]) == (15, 7)
    listed = json.loads(fluorite("samples", project, "--filter", "subject_id=x", "--json").stdout)["samples"]
    assert [(row["status"], row["indicator"]) for row in listed] == [("ok", "GCaMP6f")]
    assert [path for path in (project / "batch").rglob("scratch")] == []


def test_a_file_that_cannot_be_adopted_is_one_line(project: Path, shared_data: Path) -> None:
    done = fluorite("adopt", project, shared_data / "foreign-nwb" / "refused_by_pynwb.nwb", check=False)

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "pynwb cannot open it: Could not construct PlaneSegmentation" in last
    assert len(list((project / "samples").iterdir())) == 1


def test_a_real_recording_passes_dandi_and_nwbinspector(shared_data: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "metadata.yaml"
    metadata.write_text(FULL)
    project, out = tmp_path / "project", tmp_path / "out"
    fluorite("init", project)
    movie = shared_data / "movies" / "cortex_2p.tif"
    fluorite("process", movie, "--project", project, "--session", "s1", "--metadata", metadata, "--frame-rate", "7")

    done = fluorite("export", project, "--to", out, "--json")

    (file,) = json.loads(done.stdout)["files"]
    assert [finding for finding in file["findings"] if finding["severity"] != "suggestion"] == []
    checked = json.loads(fluorite("check", file["file"], "--json").stdout)
    assert (checked["ok"], checked["files"][0]["warnings"]) == (True, 0)


FULL = """
NWBFile:
  experimenter: ["Lovelace, Ada"]
  experiment_description: Spontaneous activity of layer 2/3 neurons.
  institution: Analytical Institute
  session_start_time: 2019-03-01T14:30:00+01:00
  keywords: [calcium imaging, cortex]
Subject: {subject_id: m1, species: Mus musculus, sex: F, age: P90D, description: Wild type.}
Ophys:
  Device: [{name: Two-photon microscope, description: Resonant scanner.}]
  ImagingPlane:
    - indicator: GCaMP6f
      location: VISp
      description: Layer 2/3.
      excitation_lambda: 920.0
      grid_spacing: [1.2e-6, 1.2e-6]
      optical_channel: [{name: Green, description: Green channel., emission_lambda: 510.0}]
"""
