"""``fluorite accept|reject|delete|restore DIR SAMPLE ROI...``: what a person decides about ROIs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ends_cleanly
from pipeline.commands.editing import edit_rois, reason_option, sample_arguments
from pipeline.commands.options import json_option


def _command(name: str, summary: str) -> click.Command:
    @click.command(name, help=summary)
    @sample_arguments
    @click.argument("rois", metavar="ROI...", nargs=-1, required=True)
    @reason_option
    @json_option
    @ends_cleanly
    def decide(folder: Path, sample: str, rois: tuple[str, ...], reason: str, as_json: bool) -> None:
        edit_rois(folder, sample, rois, lambda _, found: _edit(name, found), reason=reason, as_json=as_json)

    return decide


def _edit(name: str, rois: tuple[str, ...]) -> Any:
    from nwb_schema.edits import Accept, Delete, Reject

    if name in ("accept", "reject"):
        return Accept(rois) if name == "accept" else Reject(rois)
    return Delete(rois, deleted=name == "delete")


accept = _command("accept", "Say that each ROI of SAMPLE counts as a cell.")
reject = _command("reject", "Say that each ROI of SAMPLE does not count as a cell.")
delete = _command("delete", "Mark each ROI of SAMPLE as deleted; it and its traces stay in the file.")
restore = _command("restore", "Bring back each deleted ROI of SAMPLE.")
