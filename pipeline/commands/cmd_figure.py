"""``fluorite figure DIR SAMPLE traces|heatmap|image --to FILE``: a figure at a journal's size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ends_cleanly, print_json
from pipeline.commands.editing import find_typed, sample_arguments
from pipeline.commands.options import json_option


@click.command("figure")
@sample_arguments
@click.argument("what", type=click.Choice(["traces", "heatmap", "image"]))
@click.option(
    "--to", "target", metavar="FILE", required=True, type=click.Path(path_type=Path), help="A .svg, .png or .pdf file."
)
@click.option("--roi", "rois", metavar="ROI", multiple=True, help="A cell; again for each. Else the clearest, or all.")
@click.option("--cells", type=click.Choice(["accepted", "all"]), default="accepted", show_default=True)
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="raw, denoised, residual, dff or deconvolved.")
@click.option("--stacked/--overlaid", default=True, help="Each cell on a level of its own, or all on one axis.")
@click.option("--normalise", "normalised", is_flag=True, help="Each cell from 0 to 1.")
@click.option("--from", "start_s", type=float, metavar="S", help="First second.")
@click.option("--until", "stop_s", type=float, metavar="S", help="Last second.")
@click.option("--scale", type=click.Choice(["z", "own", "plain"]), default="z", show_default=True)
@click.option("--order", type=click.Choice(["snr", "peak", "similarity", "file"]), default="snr", show_default=True)
@click.option("--tag", metavar="COLUMN", help="Sort the rows of a heat map by a tag column instead.")
@click.option("--image", "image", metavar="NAME", default="mean", show_default=True, help="Which summary image.")
@click.option("--plane", type=click.IntRange(min=0), help="Of a volume: which plane of the image; all from above.")
@click.option("--stimuli", metavar="TYPE", multiple=True, help="A stimulus type to shade; all when none is given.")
@click.option("--no-stimuli", is_flag=True, help="Shade none.")
@click.option("--width", metavar="WIDTH", default="single", show_default=True, help="single, 1.5, double or mm.")
@click.option("--height", "height_mm", type=float, metavar="MM", help="As suits the figure when not given.")
@click.option("--font", "font_pt", type=float, metavar="PT", default=7.0, show_default=True, help="5 to 8 points.")
@click.option("--dpi", type=click.Choice(["150", "300", "600", "1200"]), default="300", show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace FILE.")
@json_option
@ends_cleanly
def figure(folder: Path, sample: str, what: str, target: Path, overwrite: bool, as_json: bool, **options: Any) -> None:
    """Draw the traces or the heat map of SAMPLE's cells, or its mean image with their outlines, into FILE."""
    from nwb_schema.columns import ColumnKind
    from nwb_schema.edits.lookup import find_column
    from nwb_schema.project import Project
    from pipeline.figures.journal import FORMATS, FigureError, write
    from pipeline.figures.sample_figure import FigureRequest, sample_figure

    file_format = target.suffix.lower().removeprefix(".")
    if file_format not in FORMATS:
        raise click.UsageError(f"--to {target}: give a file that ends with {', '.join(f'.{one}' for one in FORMATS)}")
    if target.exists() and not overwrite:
        raise FigureError(target, "is there already", "Give another name, or --overwrite.")
    project = Project.open(folder)
    path = project.find_sample(sample)
    tag, stimuli = options.pop("tag"), options.pop("stimuli")
    start_s, stop_s = options.pop("start_s"), options.pop("stop_s")
    if (start_s is None) != (stop_s is None):
        raise click.UsageError("--from and --until go together")
    types = project.columns(ColumnKind.STIMULUS)
    request = FigureRequest(
        what=what,  # type: ignore[arg-type]  # of the choices above
        rois=find_typed(path, options.pop("rois")),
        window_s=None if start_s is None else (start_s, stop_s),
        tag=None if tag is None else find_column(project.columns(ColumnKind.ROI_TAG), tag).key,
        stimuli=() if options.pop("no_stimuli") else tuple(find_column(types, one).key for one in stimuli) or None,
        width=_width(options.pop("width")),
        dpi=int(options.pop("dpi")),
        file_format=file_format,
        **options,
    )
    drawn = sample_figure(path, request, stimulus_names=project.column_names(ColumnKind.STIMULUS))
    write(target, drawn.content)
    if as_json:
        print_json({"figure": str(target), "width_mm": drawn.width_mm, "height_mm": drawn.height_mm, **drawn.record})
    else:
        click.echo(f"{target}: {drawn.width_mm:g} x {drawn.height_mm:.1f} mm, {len(drawn.record['rows'])} cells")


def _width(text: str) -> str | float:
    """One of the names, or a number of millimetres."""
    from pipeline.figures.journal import WIDTHS_MM

    if text in WIDTHS_MM:
        return text
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"--width {text}: give {', '.join(WIDTHS_MM)} or millimetres") from None
