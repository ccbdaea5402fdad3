"""Cells that a page asks for: each test ends with what is in the file."""

from __future__ import annotations

import base64
import io
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from roifile import ROI_TYPE, ImagejRoi

from app.components.roi_tools import roi_tools
from app.samples.curation import make_edits
from app.samples.new_rois import drawn_mask, file_masks, split_masks
from app.samples.roi_rows import roi_rows
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import Reject, commit, edits_of
from nwb_schema.errors import EditError
from nwb_schema.project import Project
from nwb_schema.reader import read_footprints, read_rois, read_traces
from pipeline.curation import rois as curation_rois
from pipeline.simulate import Simulation
from tests.app.small_project import HEIGHT, WIDTH, MadeSample, add_sample, simulate

PLANE = (HEIGHT, WIDTH)
SQUARE = {"polygon": [[60, 20], [70, 20], [70, 26], [60, 26]]}


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    project = Project.create(tmp_path / "project", "Drawn")
    add_column(project, ColumnDefinition("cell type", ColumnKind.ROI_TAG, vocabulary=("neuron", "astrocyte")))
    return Workspace.of(project)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory, simulation: Simulation) -> tuple[Workspace, MadeSample]:
    """A sample that no test changes."""
    project = Project.create(tmp_path_factory.mktemp("unchanged") / "project", "Drawn")
    add_column(project, ColumnDefinition("cell type", ColumnKind.ROI_TAG, vocabulary=("neuron", "astrocyte")))
    return Workspace.of(project), add_sample(project, simulation)


@pytest.fixture
def sample(workspace: Workspace, simulation: Simulation) -> MadeSample:
    return add_sample(workspace.project, simulation)


def ask(workspace: Workspace, sample: MadeSample, *, based_on: str | None = None, **request: Any) -> dict[str, Any]:
    request = {"id": str(uuid.uuid4()), **request}
    data = workspace.samples.get(sample.identifier)
    return make_edits(workspace, data, [request], actor="Ada", based_on=based_on)


def mask(sample: MadeSample, row: int) -> np.ndarray:
    return read_footprints(sample.path)[[row]].toarray().reshape(PLANE) > 0


def imagej_zip(*rois: ImagejRoi) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for number, roi in enumerate(rois):
            file.writestr(f"{number}.roi", roi.tobytes())
    return "data:application/zip;base64," + base64.b64encode(packed.getvalue()).decode()


def test_a_drawn_cell_has_mask_traces_and_tags_in_one_edit(workspace: Workspace, sample: MadeSample) -> None:
    answer = ask(workspace, sample, action="draw", shape=SQUARE, tags={"cell type": "neuron"})

    assert answer["error"] is None
    rois = read_rois(sample.path)
    assert answer["made"] == [rois["roi_uuid"][9]]
    assert list(rois["cell type"]) == ["untagged"] * 9 + ["neuron"]
    expected = np.zeros(PLANE, bool)
    expected[20:26, 60:70] = True
    np.testing.assert_array_equal(mask(sample, 9), expected)
    own = sample.simulation.frames[:, 20:26, 60:70].mean((1, 2))
    np.testing.assert_allclose(read_traces(sample.path, "raw", [9])[0], own, rtol=1e-5)
    # The page gets all rows and where the outlines are now, with which it shows the new one in place.
    assert answer["all"]
    assert [row["roi_origin"] for row in answer["rows"]] == ["engine"] * 9 + ["manual"]
    assert workspace.samples.get(sample.identifier).signature in answer["contours"]

    undone = ask(workspace, sample, action="undo")
    assert undone["error"] is None
    assert read_rois(sample.path)["deleted"][9]


def test_neuropil_is_taken_off_when_it_is_asked_for(workspace: Workspace, sample: MadeSample) -> None:
    for neuropil in (False, True):
        assert ask(workspace, sample, action="draw", shape=SQUARE, neuropil=neuropil)["error"] is None

    plain, corrected = read_traces(sample.path, "raw", [9, 10])
    assert np.abs(plain - corrected).max() > 0.1


def test_a_request_whose_answer_was_lost_makes_its_cell_once(workspace: Workspace, sample: MadeSample) -> None:
    name = str(uuid.uuid4())

    first = ask(workspace, sample, action="draw", id=name, shape=SQUARE)
    again = ask(workspace, sample, action="draw", id=name, shape=SQUARE, based_on="")

    assert (first["error"], again["error"], again["conflict"]) == (None, None, None)
    assert again["version"] == first["version"]
    assert len(read_rois(sample.path)) == 10


def test_edits_of_others_do_not_have_the_movie_read_again(
    workspace: Workspace, sample: MadeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = str(read_rois(sample.path)["roi_uuid"][0])
    commit(workspace.project, sample.path, Reject([key]), actor="Grace")
    read = []
    mean = curation_rois.mean_in_masks
    monkeypatch.setattr(curation_rois, "mean_in_masks", lambda *args, **more: read.append(1) or mean(*args, **more))

    answer = ask(workspace, sample, action="draw", shape=SQUARE, based_on="")

    assert "Grace rejected" in answer["said"]
    assert len(read_rois(sample.path)) == 10
    assert read == [1]


def test_merge_and_cut(workspace: Workspace, sample: MadeSample) -> None:
    keys = [str(key) for key in read_rois(sample.path)["roi_uuid"]]
    merged = ask(workspace, sample, action="merge", rois=keys[:2])["made"]
    np.testing.assert_array_equal(mask(sample, 9), mask(sample, 0) | mask(sample, 1))

    x = float(read_rois(sample.path)["centroid_x"][9]) + 0.5
    cut = ask(workspace, sample, action="split", rois=merged, shape={"line": [[x, 5], [x, 60]]})

    assert cut["error"] is None
    rois = read_rois(sample.path)
    assert list(rois["roi_origin"][9:]) == ["merge", "split", "split"]
    assert list(rois["deleted"]) == [True, True] + [False] * 7 + [True, False, False]
    columns = [np.nonzero(mask(sample, row))[1] for row in (10, 11)]
    sides = sorted((values.min() + 0.5, values.max() + 0.5) for values in columns)
    assert sides[0][1] < x <= sides[1][0]
    assert len(edits_of(workspace.project, sample.path)) == 2


def test_an_imagej_file_becomes_cells(workspace: Workspace, sample: MadeSample) -> None:
    square = ImagejRoi.frompoints([[60, 20], [70, 20], [70, 26], [60, 26]])
    oval = ImagejRoi(roitype=ROI_TYPE.OVAL, left=10, top=40, right=22, bottom=50, version=228)

    answer = ask(workspace, sample, action="import", name="Set.ZIP", content=imagej_zip(square, oval))

    assert answer["error"] is None
    assert len(answer["made"]) == 2
    assert mask(sample, 9).sum() == 60
    assert mask(sample, 10)[45, 16]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"action": "draw", "shape": {"polygon": [[1, 1], [2, 2]]}}, "three or more corners"),
        ({"action": "draw", "shape": {"polygon": [[1, 1], [2, None], [3, 3]]}}, "cannot be used"),
        ({"action": "draw", "shape": {"polygon": [[1, 1], [10**400, 2], [3, 3]]}}, "cannot be used"),
        ({"action": "draw", "shape": {"polygon": [[0, 0]] * 5001}}, "more than 5000 corners"),
        ({"action": "draw", "shape": {"polygon": [[1.6, 1.6], [1.9, 1.6], [1.9, 1.9]]}}, "centre of no pixel"),
        ({"action": "draw", "shape": {"ellipse": [1, 1, 0, 0]}}, "cannot be used"),
        ({"action": "draw", "shape": [1]}, "a shape that is none"),
        ({"action": "draw", "shape": SQUARE, "id": "../x"}, "without a name"),
        ({"action": "draw", "shape": SQUARE, "tags": {"cell type": "neutrino"}}, "the vocabulary is"),
        ({"action": "draw", "shape": SQUARE, "tags": {"gone": "x"}}, "no such tag column"),
        ({"action": "import", "name": "a.png", "content": "data:,"}, "no ImageJ file"),
        ({"action": "import", "name": "a.zip", "content": "data:x;base64,AAAA"}, "a.zip"),
        ({"action": "import", "name": "a.roi", "content": "data:x;base64,!!"}, "did not arrive whole"),
        ({"action": "merge", "rois": []}, "cannot be merged"),
        ({"action": "split", "rois": []}, "0 cells are selected"),
    ],
)
def test_what_cannot_be_made_changes_nothing_and_says_why(
    unchanged: tuple[Workspace, MadeSample], request_: dict[str, Any], said: str
) -> None:
    workspace, sample = unchanged
    before = sample.path.read_bytes()

    answer = ask(workspace, sample, **request_)

    assert said in answer["error"]
    assert answer["made"] == []
    assert len(answer["rows"]) == 9
    assert sample.path.read_bytes() == before
    kept = workspace.project.folder / "edits"
    assert not kept.exists() or list(kept.glob("*.h5")) == []


def test_new_cells_come_alone(unchanged: tuple[Workspace, MadeSample]) -> None:
    workspace, sample = unchanged
    key = str(read_rois(sample.path)["roi_uuid"][0])
    sent = [{"action": "accept", "rois": [key]}, {"action": "draw", "id": str(uuid.uuid4()), "shape": SQUARE}]

    answer = make_edits(workspace, workspace.samples.get(sample.identifier), sent, actor="Ada", based_on=None)

    assert "has to come alone" in answer["error"]


def test_shapes_cut_the_frame_in_two() -> None:
    left, right = split_masks({"line": [[40, 10], [40, 30], [40, 30]]}, PLANE)
    assert {int(left[:, :40].sum()), int(right[:, :40].sum())} == {0, HEIGHT * 40}
    np.testing.assert_array_equal(left, ~right)
    # A bent line: what lies within its angle is one side, beyond its ends, too.
    one, other = split_masks({"line": [[20, 20], [40, 40], [60, 20]]}, PLANE)
    assert one[21, 40] == one[5, 40] != one[60, 40]
    np.testing.assert_array_equal(one, ~other)

    inside, outside = split_masks(SQUARE, PLANE)
    np.testing.assert_array_equal(inside, drawn_mask(SQUARE, PLANE))
    np.testing.assert_array_equal(outside, ~inside)
    with pytest.raises(EditError, match="two or more points"):
        split_masks({"line": [[1, 1], [1, 1]]}, PLANE)


def test_files_that_unpack_to_more_than_rois_are_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("0.roi", bytes(65 << 20))
    content = base64.b64encode(packed.getvalue()).decode()

    with pytest.raises(EditError, match="64 MiB when unpacked"):
        file_masks("bomb.zip", content, PLANE)


def test_rows_say_where_cells_are_from(unchanged: tuple[Workspace, MadeSample]) -> None:
    workspace, sample = unchanged
    rois = workspace.samples.get(sample.identifier).rois
    assert {row["roi_origin"] for row in roi_rows(rois)} == {"engine"}


def test_nothing_is_drawn_on_a_volume_nor_by_who_may_not_edit() -> None:
    assert "polygon" in str(roi_tools({"refused": None, "flat": True}))
    volume = str(roi_tools({"refused": None, "flat": False}))
    assert "polygon" not in volume
    assert "merge" in volume
    assert getattr(roi_tools({"refused": "read only", "flat": True}), "hidden", False)
