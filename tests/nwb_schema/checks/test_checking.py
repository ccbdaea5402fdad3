"""All checks together: ours, nwbinspector's and dandi's."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import h5py
import pytest

from nwb_schema.checks import Severity, check_file
from nwb_schema.errors import SampleError


def test_the_checks_agree_on_a_good_sample_and_ask_nobody(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a check reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    report = check_file(good)

    assert report.ok
    assert report.count(Severity.WARNING) == 0


def test_a_missing_subject_is_an_error_of_all(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        del file["general/subject"]

    report = check_file(good)

    by_source = {finding.source: finding for finding in report.findings if finding.severity is Severity.ERROR}
    assert by_source["nwbinspector"].message == "Subject is missing"
    assert by_source["fluorite"].check.startswith("subject-")
    assert not report.ok


def test_a_broken_schema_is_pynwbs_error(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        del file["general/optophysiology/ImagingPlane/location"]

    found = [finding for finding in check_file(good).findings if finding.source in ("pynwb", "dandi")]
    assert any("argument missing" in finding.message or "location" in finding.message for finding in found)


def test_a_name_that_dandi_refuses_counts_only_inside_a_dandiset(good: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dandiset"
    folder.mkdir()
    (folder / "dandiset.yaml").write_text("identifier: '000000'\n")
    (tmp_path / "movies").mkdir()
    inside = folder / "anything.nwb"
    inside.write_bytes(good.read_bytes())

    def sources(path: Path) -> set[str]:
        return {finding.source for finding in check_file(path).findings if finding.severity is Severity.ERROR}

    assert "dandi" in sources(inside)
    assert "dandi" not in sources(good)


def test_nothing_that_leads_elsewhere_is_opened_with_pynwb(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file["processing/ophys/secret"] = h5py.ExternalLink("/etc/passwd", "/")

    assert {finding.source for finding in check_file(good).findings} == {"fluorite"}


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=r"nowhere\.nwb: there is no such file\. Give the name of an NWB file\."):
        check_file(tmp_path / "nowhere.nwb")


def test_findings_are_data(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        del file["general/optophysiology/ImagingPlane/grid_spacing"]

    report = json.loads(json.dumps(check_file(good).as_dict()))

    assert report["ok"] is True
    assert report["warnings"] == 1
    assert report["findings"][0] == {
        "file": good.name,
        "source": "fluorite",
        "check": "grid-spacing",
        "severity": "warning",
        "message": "ImagingPlane does not say how far apart its pixels are",
        "remedy": "Give it in micrometres as x, y, or one number: Pixel size on the page of its details; "
        "or in metres as [x, y]: Ophys: ImagingPlane: grid_spacing: [1.2e-6, 1.2e-6] "
        "in the metadata file.",
        "location": "/general/optophysiology/ImagingPlane/grid_spacing",
        "command": f"fluorite set {good.parents[1]} {good.name} imaging.pixel_size_um=VALUE",
    }


def test_every_foreign_file_is_checked_to_the_end(shared_data: Path) -> None:
    for path in sorted((shared_data / "foreign-nwb").glob("*.nwb")):
        report = check_file(path)
        assert not report.ok, f"{path.name} has no subject, so it cannot be fine"
        assert all(len(finding.message) < 500 for finding in report.findings), path.name
    refused = check_file(shared_data / "foreign-nwb" / "refused_by_pynwb.nwb")
    assert any("Must provide at least one of" in finding.message for finding in refused.findings)
