"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import FrameRate

AnyCommand = Callable[..., Any]

project_option = click.option(
    "--project", "project_folder", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The project."
)
custom_option = click.option(
    "--set", "custom", metavar="COLUMN=VALUE", multiple=True, help="A custom column of the project; may be repeated."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def sample_options(command: AnyCommand) -> AnyCommand:
    """Who was recorded, and what else is known of it."""
    for option in (
        click.option(
            "--metadata",
            "metadata_file",
            metavar="FILE.yaml",
            type=click.Path(path_type=Path),
            help="Metadata in neuroconv's layout: NWBFile, Subject, Ophys (Device, ImagingPlane).",
        ),
        click.option("--session", metavar="ID", help="The session; the movie's name when not given."),
        click.option("--subject", metavar="ID", help="The animal."),
    ):
        command = option(command)
    return command


def movie_options(command: AnyCommand) -> AnyCommand:
    """How to read a movie whose file leaves something open."""
    for option in (
        click.option("--plane", type=click.IntRange(min=0), help="Which plane of a volume, from 0."),
        click.option("--channel", type=click.IntRange(min=0), help="Which channel, from 0."),
        click.option("--dataset", metavar="NAME", help="Which dataset of an HDF5 or NWB file."),
        click.option("--axes", metavar="TYX", help="The order of the axes, where the file does not say: T, Y and X."),
        click.option("--frame-rate", "frame_rate_hz", metavar="HZ", type=FrameRate(), help="Frames per second."),
    ):
        command = option(command)
    return command


def read_metadata(path: Path | None) -> dict[str, Any]:
    """The metadata file's content as a part of a request; empty when there is no file."""
    if path is None:
        return {}
    from nwb_schema.metadata_file import load_metadata_file

    return {"metadata": load_metadata_file(path), "metadata_file": str(path)}


def assigned(texts: tuple[str, ...]) -> dict[str, str]:
    """``{column: value}`` of what was given as COLUMN=VALUE."""
    pairs = [text.partition("=") for text in texts]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise click.UsageError("give COLUMN=VALUE, such as --set dose=2.5")
    return {name.strip(): value for name, _, value in pairs}
