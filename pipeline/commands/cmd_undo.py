"""``fluorite undo|redo DIR SAMPLE``: take the last edit back, or do it again."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import ends_cleanly
from pipeline.commands.editing import open_sample, reason_option, report, sample_arguments
from pipeline.commands.options import json_option


def _command(name: str, summary: str) -> click.Command:
    @click.command(name, help=summary)
    @sample_arguments
    @reason_option
    @json_option
    @ends_cleanly
    def step(folder: Path, sample: str, reason: str, as_json: bool) -> None:
        from nwb_schema import edits
        from pipeline.jobs.submission import current_actor

        project, path = open_sample(folder, sample)
        take = edits.undo if name == "undo" else edits.redo
        report(take(project, path, actor=current_actor(), reason=reason), as_json)

    return step


undo = _command("undo", "Take back the last edit of SAMPLE that is not undone.")
redo = _command("redo", "Do again what was undone last in SAMPLE.")
