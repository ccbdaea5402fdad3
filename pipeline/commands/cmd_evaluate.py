"""``fluorite evaluate DIR SAMPLE``: accept and reject by other thresholds, where no person decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import ends_cleanly
from pipeline.commands.editing import open_sample, reason_option, report, sample_arguments
from pipeline.commands.options import json_option


@click.command("evaluate")
@sample_arguments
@click.argument("thresholds", metavar="[NAME=VALUE...]", nargs=-1)
@click.option(
    "--params",
    "params_file",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help="Thresholds as a JSON object; NAME=VALUE wins over it.",
)
@reason_option
@json_option
@ends_cleanly
def evaluate(
    folder: Path, sample: str, thresholds: tuple[str, ...], params_file: Path | None, reason: str, as_json: bool
) -> None:
    """Judge the ROIs of SAMPLE anew by their scores, such as: min_SNR=3 rval_thr=0.85."""
    from pipeline.curation.evaluating import evaluate_sample
    from pipeline.jobs.submission import current_actor

    overrides = {} if params_file is None else _read(params_file)
    for word in thresholds:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{word!r} is not NAME=VALUE, such as min_SNR=3")
        try:
            overrides[name] = json.loads(value)
        except json.JSONDecodeError:
            overrides[name] = value
    project, path = open_sample(folder, sample)
    source = "thresholds" if params_file is None else params_file
    done = evaluate_sample(project, path, overrides, actor=current_actor(), source=source, reason=reason)
    report(done, as_json)


def _read(path: Path) -> dict[str, Any]:
    from nwb_schema.errors import ParameterError

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(path, f"cannot be read as JSON ({error})", "Correct the file.") from error
    if not isinstance(content, dict):
        raise ParameterError(path, "holds no JSON object at its top", 'Write one such as {"min_SNR": 3}.')
    return content
