"""``fluorite tag DIR SAMPLE ROI... COLUMN=VALUE``: give ROIs a value in a tag column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ends_cleanly
from pipeline.commands.editing import edit_rois, reason_option, sample_arguments
from pipeline.commands.options import json_option


@click.command("tag")
@sample_arguments
@click.argument("words", metavar="ROI... COLUMN=VALUE...", nargs=-1, required=True)
@reason_option
@json_option
@ends_cleanly
def tag(folder: Path, sample: str, words: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Give each ROI of SAMPLE the VALUE in the tag COLUMN."""
    rois = tuple(word for word in words if "=" not in word)
    assignments = [word.partition("=")[::2] for word in words if "=" in word]
    if not rois or not assignments or not all(column for column, _ in assignments):
        raise click.UsageError("give at least one ROI and one COLUMN=VALUE, such as: 3f2a91c0 quality=good")

    def make(project: Any, found: tuple[str, ...]) -> list[Any]:
        from nwb_schema.columns import ColumnKind
        from nwb_schema.edits import Tag
        from nwb_schema.edits.lookup import find_column

        columns = project.columns(ColumnKind.ROI_TAG)
        return [Tag(found, find_column(columns, column), value) for column, value in assignments]

    edit_rois(folder, sample, rois, make, reason=reason, as_json=as_json)
