"""``fluorite import RESULTS``: an existing CaImAn result becomes a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nwb_schema.errors import FluoriteError
from pipeline.commands.console import ends_cleanly, log_to_stderr, print_json, print_report
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
    """Make a sample of RESULTS, the HDF5 file that CaImAn's CNMF.save wrote."""
    has_others = movie_file is not None or raw_movie or subject or session or metadata_file or any(movie.values())
    if (into is not None or variant_of is not None) and has_others:
        name = "--into" if into is not None else "--variant-of"
        raise click.UsageError(f"{name} keeps the sample's movie, name and metadata: leave the other options out")
    if into is not None and variant_of is not None:
        raise click.UsageError("--into replaces the sample's segmentation, --variant-of leaves it: give one of them")
    if into is not None:
        _replace(project_folder, into, results, reason, as_json)
        return
    from nwb_schema.project import Project
    from nwb_schema.reader import read_identifier
    from pipeline.commands.running import recovered, run_in_foreground
    from pipeline.importing import ImportRequest

    log_to_stderr()
    project = Project.open(project_folder)
    request = ImportRequest(
        results=results.resolve(),
        movie=movie_file.resolve() if movie_file else None,
        raw_movie=raw_movie,
        subject=subject,
        session=session,
        variant_of=None if variant_of is None else read_identifier(project.find_sample(variant_of)),
        **read_metadata(metadata_file),
        **movie,
    )
    spec = request.model_dump(mode="json")
    try:
        report = recovered(project, "import", spec) or run_in_foreground(project, "import", spec, title=results.name)
    except FluoriteError as error:
        if as_json:
            print_json({"samples": [], "errors": [str(error)]})
        raise
    if as_json:
        print_json({"samples": [report]})
        return
    print_report(report)


def _replace(folder: Path, sample: str, results: Path, reason: str, as_json: bool) -> None:
    from pipeline.commands.editing import open_sample, report
    from pipeline.curation.replacing import import_into
    from pipeline.jobs.submission import current_actor

    project, path = open_sample(folder, sample)
    report(import_into(project, path, results, actor=current_actor(), reason=reason).committed, as_json)
