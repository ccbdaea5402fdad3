"""``fluorite import RESULTS``: what another program found becomes a sample."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from nwb_schema.errors import FluoriteError
from pipeline.commands.console import ends_cleanly, fail, log_to_stderr, print_json, print_report
from pipeline.commands.options import json_option, movie_options, project_option, read_metadata, sample_options


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
@project_option
@sample_options
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
    project_folder: Path,
    subject: str | None,
    session: str | None,
    metadata_file: Path | None,
    as_json: bool,
    **movie: Any,
) -> None:
    """Make a sample of RESULTS: of CaImAn (HDF5), Suite2p (folder or Fall.mat), mesmerize-core (batch folder), or ROIs.

    A folder with several results makes several samples.
    """
    others = (movie_file, raw_movie, neuropil_factor is not None, subject, session, metadata_file, *movie.values())
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

    log_to_stderr()
    project = Project.open(project_folder)
    paths = results_at(results.resolve())
    if len(paths) > 1 and movie_file is not None:
        raise click.UsageError(f"{results} holds {len(paths)} results: give the movie of one with that one alone")
    if neuropil_factor is not None and not is_drawn(results):
        raise click.UsageError("--neuropil-factor is for ROIs without traces")
    known = None if variant_of is None else project.find_sample(variant_of)
    values = {
        "movie": movie_file.resolve() if movie_file else None,
        "raw_movie": raw_movie,
        "neuropil_factor": neuropil_factor,
        "subject": subject,
        "variant_of": None if known is None else read_identifier(known),
        "variant_of_name": "" if known is None else known.stem,
        **read_metadata(metadata_file),
        **movie,
    }
    done: list[Mapping[str, Any]] = []
    failures: list[FluoriteError] = []
    for path in paths:
        # Several results cannot all be the same session.
        own = session if len(paths) == 1 or session is None else f"{session}-{path.stem[:8]}"
        try:
            done.append(_import_one(project, {**values, "results": path, "session": own}))
        except FluoriteError as error:
            failures.append(error)
            if not as_json and len(paths) > 1:
                click.echo(f"error: {error}", err=True)
    if as_json:
        print_json({"samples": done, **({"errors": [str(error) for error in failures]} if failures else {})})
    else:
        for report in done:
            print_report(report)
    if failures:
        fail(failures[0])


def _import_one(project: Any, values: Mapping[str, Any]) -> Mapping[str, Any]:
    from pipeline.commands.running import recovered, run_in_foreground
    from pipeline.importing import ImportRequest

    spec = ImportRequest.model_validate(values).model_dump(mode="json")
    title = values["results"].name
    return recovered(project, "import", spec) or run_in_foreground(project, "import", spec, title=title)


def _replace(folder: Path, sample: str, results: Path, reason: str, as_json: bool) -> None:
    from pipeline.commands.editing import open_sample, report
    from pipeline.curation.replacing import import_into
    from pipeline.jobs.submission import current_actor

    project, path = open_sample(folder, sample)
    report(import_into(project, path, results, actor=current_actor(), reason=reason).committed, as_json)
