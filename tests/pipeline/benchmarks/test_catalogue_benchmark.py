"""The catalogue's benchmark makes valid samples that all differ, and prints everything that it is compared with."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from fluorite.cli import main
from nwb_schema import configure
from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.generated import write_varied_samples
from nwb_schema.project import Project
from nwb_schema.pynwb_check import pynwb_refusal


def test_it_prints_one_json_object_and_leaves_nothing(tmp_path: Path) -> None:
    sizes = ["--samples", "3", "--rois", "20", "--frames", "20", "--frames-of-one", "50", "--repeats", "1"]
    done = CliRunner().invoke(main, ["bench", "catalogue", *sizes, "--folder", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["n_samples"], report["n_rois"]) == (3, 60)
    assert len(report["goals"]) == 12
    assert all(goal["measured"] > 0 for goal in report["goals"])
    assert list(tmp_path.iterdir()) == []


def test_generated_samples_are_valid_and_differ(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    configure.add_column(project, ColumnDefinition("quality", ColumnKind.ROI_TAG))
    paths = write_varied_samples(project, 3, 40, 20, "quality")
    assert sorted(path.name for path in paths) == sorted(path.name for path in project.sample_paths())
    assert [pynwb_refusal(path) for path in paths] == [None] * 3
    catalogue = Catalogue(project)
    assert [row["status"] for row in catalogue.samples()] == ["ok"] * 3
    assert len({roi["roi_uuid"] for roi in catalogue.rois()}) == 120
    assert len(catalogue.values("quality", level="rois")) == 4
