from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nwb_schema.project import Project
from nwb_schema.reader import read_rois, read_summary
from pipeline.figures.drawing import nice_length
from pipeline.figures.journal import WIDTHS_MM, FigureError, read_record
from pipeline.figures.sample_figure import FigureRequest, sample_figure
from tests.app.small_project import HEIGHT, WIDTH, MadeSample


def svg(sample: MadeSample, **request: object) -> str:
    return sample_figure(sample.path, FigureRequest(**request)).content.decode()  # type: ignore[arg-type]


def texts(content: str) -> list[str]:
    """The texts in an SVG that are texts, not outlines of letters."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", content)


@pytest.mark.parametrize("width", WIDTHS_MM)
@pytest.mark.parametrize("what", ["traces", "heatmap", "image"])
def test_svg_is_as_wide_as_the_column_and_its_text_is_text(sample: MadeSample, what: str, width: str) -> None:
    content = svg(sample, what=what, width=width)

    points = float(re.search(r'<svg[^>]* width="([0-9.]+)pt"', content).group(1))  # type: ignore[union-attr]
    assert points / 72 * 25.4 == pytest.approx(WIDTHS_MM[width], abs=0.01)
    assert texts(content)
    sizes = {float(size) for size in re.findall(r"font(?:-size)?: (?:\d+ )?([0-9.]+)px", content)}
    assert sizes
    assert all(5 <= size <= 8 for size in sizes)


@pytest.mark.parametrize("dpi", [300, 600])
def test_png_has_its_width_in_dots(sample: MadeSample, dpi: int) -> None:
    drawn = sample_figure(sample.path, FigureRequest(what="heatmap", width="single", dpi=dpi, file_format="png"))

    image = Image.open(io.BytesIO(drawn.content))
    assert image.size[0] == pytest.approx(89 / 25.4 * dpi, abs=1)
    assert image.info["dpi"][0] == pytest.approx(dpi, abs=1)


@pytest.mark.parametrize("file_format", ["svg", "png"])
def test_file_leads_back_to_sample_cells_and_parameters(sample: MadeSample, tmp_path: Path, file_format: str) -> None:
    rois = list(read_rois(sample.path)["roi_uuid"])
    request = FigureRequest(rois=(rois[4], rois[1]), kinds=("dff",), window_s=(1.0, 5.0), file_format=file_format)
    file = tmp_path / f"figure.{file_format}"
    file.write_bytes(sample_figure(sample.path, request).content)

    record = read_record(file)

    assert record["sample_identifier"] == sample.identifier
    assert record["roi_uuids"] == [rois[4], rois[1]]
    assert record["parameters_sha256"] == read_summary(sample.path).parameters_sha256
    assert len(record["parameters_sha256"]) == 64
    again = replace(request, **{name: _tuples(value) for name, value in record["figure"].items()})
    assert sample_figure(sample.path, again).content == file.read_bytes()


def _tuples(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def test_pdf_is_drawn_with_fonts_that_can_be_edited(sample: MadeSample) -> None:
    content = sample_figure(sample.path, FigureRequest(file_format="pdf")).content

    assert content.startswith(b"%PDF")
    assert b"/Type3" not in content


def test_without_named_cells_the_clearest_accepted_ones_are_drawn(sample: MadeSample) -> None:
    record = sample_figure(sample.path, FigureRequest()).record

    assert record["rows"] == [7, 6, 5, 4, 3]  # the last cell, with the highest SNR, is rejected
    assert set("76543") <= set(texts(svg(sample)))


def test_image_keeps_its_shape_and_has_a_scale_bar(sample: MadeSample) -> None:
    drawn = sample_figure(sample.path, FigureRequest(what="image", cells="all"))

    assert drawn.height_mm / drawn.width_mm == pytest.approx(HEIGHT / WIDTH, rel=0.01)
    assert any(re.fullmatch(r"\d+ (px|µm)", text) for text in texts(drawn.content.decode()))


def test_what_a_file_calls_a_stimulus_is_only_text(sample: MadeSample, project: Project) -> None:
    from pipeline.figures import drawing
    from pipeline.figures.shades import Shade

    handles = drawing._shade_handles(
        [Shade("$x^{bad$", "red; }", np.array([[0.0, 1.0]])), Shade("_a", "red", np.empty((0, 2)))]
    )

    assert [handle.get_label() for handle in handles] == [r"\$x^{bad\$", " _a"]


def test_names_of_a_legend_are_cut_and_stand_in_as_many_columns_as_there_is_room_for() -> None:
    from pipeline.figures import drawing
    from pipeline.figures.shades import Shade

    (handle,) = drawing._shade_handles([Shade("very_" * 40, "red", np.empty((0, 2)))])
    assert len(handle.get_label()) == 36
    assert handle.get_label().endswith("\u2026")
    short, long = ["angle 45"] * 4, ["very_" * 40] * 4
    assert drawing.names_per_row(short, width_mm=89, font_pt=6) == 5
    assert drawing.names_per_row(long, width_mm=89, font_pt=6) == 1
    assert drawing.names_per_row(long, width_mm=183, font_pt=6) == 3


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (FigureRequest(font_pt=12), "12 pt"),
        (FigureRequest(width="huge"), "huge"),
        (FigureRequest(width=500.0), "500 mm"),
        (FigureRequest(file_format="bmp"), "bmp"),
        (FigureRequest(rois=("none",)), "no ROI"),
        (FigureRequest(kinds=("nothing",)), "It has: raw"),
        (FigureRequest(what="heatmap", order="random"), "sorted by 'random'"),
        (FigureRequest(what="image", image="max2"), "It has: max, mean"),
        (FigureRequest(window_s=(5.0, 5.0)), "time"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(sample: MadeSample, request_: FigureRequest, message: str) -> None:
    with pytest.raises(FigureError, match=re.escape(message)):
        sample_figure(sample.path, request_)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG broken", b"<dc:description>no JSON</dc:description>"])
def test_file_of_others_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "figure"
    file.write_bytes(content)

    with pytest.raises(FigureError, match="no metadata of Fluorite"):
        read_record(file)


@pytest.mark.parametrize(("longest", "nice"), [(1.0, 1.0), (4.9, 2.0), (50.0, 50.0), (0.03, 0.02), (99.0, 50.0)])
def test_scale_bars_are_of_round_lengths(longest: float, nice: float) -> None:
    assert nice_length(longest) == pytest.approx(nice)
