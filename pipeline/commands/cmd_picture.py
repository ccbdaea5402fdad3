"""``fluorite picture DIR SAMPLE --to FILE``: a frame, a clip or the values of an image as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ProgressLine, ends_cleanly, print_json
from pipeline.commands.editing import sample_arguments
from pipeline.commands.options import json_option


class Pair(click.ParamType[tuple[float | None, float | None]]):
    """Two numbers with a colon between them; either may be missing."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The numbers, or a usage error."""
        first, colon, second = str(value).partition(":")
        try:
            if not colon:
                raise ValueError
            return tuple(float(text) if text.strip() else None for text in (first, second))
        except ValueError:
            self.fail(f"{value!r} is not two numbers with a colon between them, such as 100:300", param, ctx)


@click.command("picture")
@sample_arguments
@click.option(
    "--to",
    "out",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Its ending says what: .png picture, .mp4 or .gif clip, .tif values as 32-bit floats.",
)
@click.option(
    "--image",
    default="movie",
    show_default=True,
    help="movie, raw, background_subtracted, reconstructed, residual, background, or mean, max, std, correlation, pnr.",
)
@click.option("--frame", type=click.IntRange(min=0), default=0, help="Which frame of a movie, from 0.")
@click.option("--frames", type=Pair(), help="The frames of a clip; the second one is the first that is left out.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Of a clip: times as fast as recorded.")
@click.option("--mean", type=int, default=1, show_default=True, help="Frames in the running mean.")
@click.option("--plane", type=click.IntRange(min=0), help="Of a volume: which plane; all from above without it.")
@click.option("--levels", type=Pair(), help="Values shown as black and white; automatic without it.")
@click.option("--gamma", type=float, default=1.0, show_default=True, help="Below 1, what is dark becomes brighter.")
@click.option("--colours", default="grey", show_default=True, help="grey, inverted, viridis, cividis or inferno.")
@click.option("--outlines", type=click.Choice(["none", "accepted", "all"]), default="none", show_default=True)
@click.option("--scale-bar", is_flag=True, help="With a scale bar; in pixels where their size is unknown.")
@click.option("--enlarge", type=int, default=1, show_default=True, help="Pixels of the picture per pixel, each way.")
@json_option
@ends_cleanly
def picture(folder: Path, sample: str, out: Path, as_json: bool, **values: Any) -> None:
    """Save a picture, a clip or the values of SAMPLE in the project DIR, as the viewer shows them."""
    from nwb_schema.project import Project
    from pipeline.viewing.saving import parse_picture, save_picture

    frames, levels = values.pop("frames"), values["levels"]
    if frames is not None:
        values |= {"frame": int(frames[0] or 0), "stop": None if frames[1] is None else int(frames[1])}
    if levels is not None and None in levels:
        raise click.UsageError("--levels needs both values, such as 100:900")
    project = Project.open(folder)
    line = ProgressLine(out.name)
    try:
        what = save_picture(
            project, project.find_sample(sample), out, parse_picture(values), lambda done: line("saving", done)
        )
    finally:
        line.close()
    if as_json:
        print_json({"file": str(out), "what": what})
    else:
        click.echo(f"{out}: {what}")
