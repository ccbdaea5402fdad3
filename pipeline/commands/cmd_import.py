"""``fluorite import RESULTS``: what another program found becomes a sample."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nwb_schema.errors import FluoriteError
from pipeline.commands.console import ends_cleanly, fail, log_to_stderr, print_json, print_report
from pipeline.commands.options import (
    assigned,
    custom_option,
    json_option,
    movie_options,
    project_option,
    read_metadata,
    sample_options,
)

if TYPE_CHECKING:
    from nwb_schema.project import Project
    from pipeline.import_plan import Facts
    from pipeline.importing import ImportRequest


@click.command("import")
@click.argument("results", metavar="RESULTS", type=click.Path(path_type=Path))
@click.option(
    "--movie",
    "movie_file",
    metavar="MOVIE",
    type=click.Path(path_type=Path),
    help="The registered (motion-corrected) movie that the results belong to.",
)
@click.option("--raw-movie", is_flag=True, help="MOVIE is not registered yet: shift it as the results say.")
@click.option(
    "--neuropil-factor",
    metavar="SHARE",
    type=click.FloatRange(0, 2),
    help="Of ROIs without traces: take off this share of what surrounds each; 0.7 is usual.",
)
@click.option("--into", metavar="SAMPLE", help="Replace the segmentation of this sample of the project.")
@click.option("--reason", default="", metavar="TEXT", help="With --into: why; kept with the edit.")
@click.option(
    "--variant-of",
    metavar="SAMPLE",
    help="Make no sample, but keep the results as another one for the movie of this one.",
)
@click.option("--dry-run", is_flag=True, help="Say what is found and what would become of it, and make nothing.")
@project_option
@sample_options
@custom_option
@movie_options
@json_option
@ends_cleanly
def import_(
    results: Path,
    movie_file: Path | None,
    raw_movie: bool,
    neuropil_factor: float | None,
    into: str | None,
    reason: str,
    variant_of: str | None,
    dry_run: bool,
    project_folder: Path,
    subject: str | None,
    session: str | None,
    metadata_file: Path | None,
    custom: tuple[str, ...],
    as_json: bool,
    **movie: Any,
) -> None:
    """Make a sample of RESULTS: of CaImAn (HDF5), Suite2p (folder or Fall.mat), mesmerize-core (batch folder), or ROIs.

    A folder with several results makes several samples.
    """
    others = (movie_file, raw_movie, neuropil_factor is not None, subject, session, metadata_file, custom, dry_run)
    others = (*others, *movie.values())
    if (into is not None or variant_of is not None) and any(others):
        name = "--into" if into is not None else "--variant-of"
        raise click.UsageError(f"{name} keeps the sample's movie, name and metadata: leave the other options out")
    if into is not None and variant_of is not None:
        raise click.UsageError("--into replaces the sample's segmentation, --variant-of leaves it: give one of them")
    if into is not None:
        _replace(project_folder, into, results, reason, as_json)
        return
    from nwb_schema.project import Project
    from nwb_schema.reader import read_identifier
    from pipeline.foreign.drawn import is_drawn
    from pipeline.foreign.finding import results_at
    from pipeline.import_plan import import_requests

    log_to_stderr()
    project = Project.open(project_folder)
    n_results = len(results_at(results.resolve()))
    if n_results > 1 and movie_file is not None:
        raise click.UsageError(f"{results} holds {n_results} results: give the movie of one with that one alone")
    if neuropil_factor is not None and not is_drawn(results):
        raise click.UsageError("--neuropil-factor is for ROIs without traces")
    known = None if variant_of is None else project.find_sample(variant_of)
    values = {
        "movie": movie_file.resolve() if movie_file else None,
        "raw_movie": raw_movie,
        "neuropil_factor": neuropil_factor,
        "subject": subject,
        "session": session,
        "custom": assigned(custom),
        "variant_of": None if known is None else read_identifier(known),
        "variant_of_name": "" if known is None else known.stem,
        **read_metadata(metadata_file),
        **movie,
    }
    if dry_run:
        _show(project, results, values, as_json)
        return
    done: list[Mapping[str, Any]] = []
    failures: list[FluoriteError] = []
    for request in import_requests(results, values):
        try:
            done.append(_import_one(project, request))
        except FluoriteError as error:
            failures.append(error)
            if not as_json and n_results > 1:
                click.echo(f"error: {error}", err=True)
    if as_json:
        print_json({"samples": done, **({"errors": [str(error) for error in failures]} if failures else {})})
    else:
        for report in done:
            print_report(report)
    if failures:
        fail(failures[0])


def _import_one(project: Project, request: ImportRequest) -> Mapping[str, Any]:
    from pipeline.commands.running import recovered, run_in_foreground

    spec = request.model_dump(mode="json")
    return recovered(project, "import", spec) or run_in_foreground(project, "import", spec, title=request.title)


def _show(project: Project, results: Path, values: Mapping[str, Any], as_json: bool) -> None:
    """Print what was found and what would become of it; exit 1 when something of it would be refused."""
    from pipeline.import_plan import plan_import

    planned = plan_import(project, results, values)
    if as_json:
        print_json({"planned": [one.as_dict() for one in planned]})
    for one in planned if not as_json else ():
        if one.facts is not None:
            click.echo(f"{one.name}: {_in_a_line(one.facts)}")
        click.echo(f"  refused: {one.problem}" if one.problem else f"  becomes {one.sample}")
    if any(one.problem for one in planned):
        sys.exit(1)


def _in_a_line(facts: Facts) -> str:
    cells = f"{facts.n_rois} ROIs"
    if facts.n_accepted is not None:
        cells = f"{facts.n_accepted} of {facts.n_rois} cells"
    parts = (
        f"{facts.program} {facts.version}".strip(),
        cells,
        "" if facts.n_frames is None else f"{facts.n_frames} frames",
        "" if facts.shape is None else " x ".join(map(str, facts.shape)),
        "" if facts.rate_hz is None else f"{facts.rate_hz:g} Hz",
        f"movie {facts.movie}" if facts.movie else "no movie beside them",
    )
    return ", ".join(filter(None, parts))


def _replace(folder: Path, sample: str, results: Path, reason: str, as_json: bool) -> None:
    from pipeline.commands.editing import open_sample, report
    from pipeline.curation.replacing import import_into
    from pipeline.jobs.submission import current_actor

    project, path = open_sample(folder, sample)
    report(import_into(project, path, results, actor=current_actor(), reason=reason).committed, as_json)
