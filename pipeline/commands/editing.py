"""What the commands that edit a sample share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.commands.console import print_json

AnyCommand = Callable[..., Any]

reason_option = click.option("--reason", default="", metavar="TEXT", help="Why; kept with the edit.")


def sample_arguments(command: AnyCommand) -> AnyCommand:
    """DIR and SAMPLE."""
    sample = click.argument("sample", metavar="SAMPLE")
    return click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))(sample(command))


def open_sample(folder: Path, sample: str) -> tuple[Any, Path]:
    """The project in `folder` and the file of its sample, after making up for what a killed program left undone."""
    from nwb_schema.catalogue import Catalogue
    from nwb_schema.edits import recover
    from nwb_schema.project import Project

    project = Project.open(folder)
    project.require_writable()
    recover(project)
    # A copy that somebody just made of the sample is a second file with its identifier, which the edit must notice.
    Catalogue(project).refresh()
    return project, project.find_sample(sample)


def edit_rois(folder: Path, sample: str, rois: tuple[str, ...], make: Callable[..., Any], **options: Any) -> None:
    """Make the edits that `make` gives for the ROIs that were typed, and say what was done.

    Parameters
    ----------
    make
        Called with the project and the ``roi_uuid`` of each ROI.
    options
        ``reason``, ``as_json``.
    """
    from nwb_schema.edits import commit
    from pipeline.jobs.submission import current_actor

    project, path = open_sample(folder, sample)
    edits = make(project, find_typed(path, rois))
    report(commit(project, path, edits, actor=current_actor(), reason=options["reason"]), options["as_json"])


def find_typed(path: Path, rois: tuple[str, ...]) -> tuple[str, ...]:
    """The ``roi_uuid`` of each ROI that was typed, as a whole or as a prefix."""
    from nwb_schema.edits.lookup import find_rois
    from nwb_schema.reader import read_rois

    return find_rois([roi for roi in read_rois(path)["roi_uuid"] if roi is not None], rois)


def report(done: Any, as_json: bool) -> None:
    """Say what was done: one JSON object, or a line an edit."""
    if done.outside is not None:
        click.echo(f"{done.path.name}: {done.outside}", err=True)
    if as_json:
        outside = None if done.outside is None else str(done.outside)
        edits = [as_plain(record) for record in done.records]
        print_json({"sample": str(done.path), "version": done.version, "outside": outside, "edits": edits})
        return
    for record in done.records:
        click.echo(f"{done.path.name}: {record.what}")
    if not done.records:
        click.echo(f"{done.path.name}: nothing to change", err=True)


def as_plain(record: Any) -> dict[str, Any]:
    """An edit for JSON."""
    return {
        "id": record.id,
        "identifier": record.sample,
        "at": record.at,
        "actor": record.actor,
        "kind": record.kind.value,
        "what": record.what,
        "reason": record.reason,
        "undoes": record.undoes or None,
        "changes": [
            {
                "kind": change.target.kind,
                "roi_uuid": change.target.roi or None,
                "name": change.target.name,
                "before": change.before,
                "after": change.after,
            }
            for change in record.changes
        ],
    }
