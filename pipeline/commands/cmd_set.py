"""``fluorite set``: change metadata and custom columns of a sample."""

from __future__ import annotations

from pathlib import Path

import click

from nwb_schema.errors import EditError
from pipeline.commands.console import ends_cleanly
from pipeline.commands.editing import open_sample, reason_option, report, sample_arguments
from pipeline.commands.options import json_option


@click.command("set")
@sample_arguments
@click.argument("assignments", metavar="NAME=VALUE...", nargs=-1, required=True)
@reason_option
@json_option
@ends_cleanly
def set_values(folder: Path, sample: str, assignments: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Change metadata (subject.age=P90D, imaging.indicator=GCaMP6f) or custom columns of SAMPLE."""
    from nwb_schema.columns import ColumnKind
    from nwb_schema.edits import SetCustom, SetField, commit
    from nwb_schema.edits.fields import FIELDS
    from nwb_schema.edits.lookup import find_column
    from pipeline.jobs.submission import current_actor

    pairs = [text.partition("=")[::2] for text in assignments]
    if not all(name and "=" in text for (name, _), text in zip(pairs, assignments, strict=True)):
        raise click.UsageError("give NAME=VALUE, such as imaging.indicator=GCaMP6f")
    project, path = open_sample(folder, sample)
    custom = project.columns(ColumnKind.CUSTOM)
    edits: list[SetField | SetCustom] = []
    for name, value in pairs:
        if name in FIELDS:
            edits.append(SetField(name, value))
            continue
        try:
            edits.append(SetCustom(find_column(custom, name.removeprefix("custom:")), value))
        except EditError:
            if "." not in name:
                raise
            edits.append(SetField(name, value))  # says which fields there are
    report(commit(project, path, edits, actor=current_actor(), reason=reason), as_json)
