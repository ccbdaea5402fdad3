"""``fluorite process MOVIE...``: from movies to samples."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from nwb_schema.errors import FluoriteError, JobError, MovieError, ParameterError
from pipeline.commands.console import CANCELLED_EXIT, ends_cleanly, fail, log_to_stderr, print_json, print_report
from pipeline.commands.options import (
    assigned,
    custom_option,
    json_option,
    movie_options,
    project_option,
    read_metadata,
    sample_options,
)
from pipeline.progress import Cancelled


@click.command("process")
@click.argument("movies", metavar="MOVIE...", nargs=-1, type=click.Path(path_type=Path))
@project_option
@click.option("--series", is_flag=True, help="The movies are one recording, in this order.")
@click.option("--preset", type=click.Choice(["2p", "1p", "3d"]), default="2p", show_default=True)
@click.option(
    "--params",
    "parameters_file",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help="What to change in the preset; see `fluorite params`.",
)
@click.option(
    "--param",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="One parameter, such as --param gSig=5 or --param init.K=auto; may be repeated. Counts more than --params.",
)
@click.option("--params-win", is_flag=True, help="Where --param and --params both have a value, the file's counts.")
@click.option("--crop", metavar="Y0:Y1,X0:X1|auto", help="Process these rows and columns only; auto: no dead border.")
@click.option(
    "--resize",
    metavar="FACTOR",
    type=click.FloatRange(min=0, min_open=True, max=1),
    help="Then make frames smaller: 0.5 for half as many rows and columns.",
)
@click.option(
    "--seeds",
    "seeds_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Masks to start from instead of looking for cells: .npy, .npz, .tif, RoiSet.zip, .json, .nwb or .hdf5.",
)
@click.option("--engine", type=click.Choice(["auto", "builtin", "caiman"]), default="auto", show_default=True)
@click.option(
    "--load-method",
    type=click.Choice(["asarray", "asarray-multi", "imread"]),
    help="Which of Mesmerize's ways to read a TIFF; chosen from its metadata when not given.",
)
@click.option("--online", is_flag=True, help="Process it frame by frame, as if it were just being recorded (OnACID).")
@click.option("--follow", is_flag=True, help="With --online: the movie is still being written; wait for its frames.")
@click.option(
    "--idle-s",
    metavar="S",
    type=click.FloatRange(min=0, min_open=True),
    help="With --follow: the recording has ended when no frame has come for so long; 30 when not given.",
)
@click.option(
    "--pattern",
    metavar="PATTERN",
    help="What the files' names say, such as {subject}_{session}_{date}.tif; a MOVIE may then be a folder.",
)
@click.option("--dry-run", is_flag=True, help="With --pattern: only say what would become of each file.")
@click.option(
    "--into", metavar="SAMPLE", help="Find the cells of this sample anew, in its movie; MOVIE may be left out then."
)
@click.option("--reason", default="", metavar="TEXT", help="With --into: why; kept with the edit.")
@click.option(
    "--variant-of",
    metavar="SAMPLE",
    help="Make no sample, but another result for the movie of this one; MOVIE may be left out then.",
)
@click.option("--label", default="", metavar="TEXT", help="With --variant-of: what to call the result.")
@sample_options
@custom_option
@movie_options
@json_option
@ends_cleanly
def process(
    movies: tuple[Path, ...],
    project_folder: Path,
    series: bool,
    preset: str,
    parameters_file: Path | None,
    settings: tuple[str, ...],
    params_win: bool,
    crop: str | None,
    resize: float | None,
    seeds_file: Path | None,
    engine: str,
    load_method: str | None,
    online: bool,
    follow: bool,
    idle_s: float | None,
    pattern: str | None,
    dry_run: bool,
    into: str | None,
    reason: str,
    variant_of: str | None,
    label: str,
    subject: str | None,
    session: str | None,
    metadata_file: Path | None,
    custom: tuple[str, ...],
    as_json: bool,
    **movie: Any,
) -> None:
    """Find the cells in each MOVIE and write one sample (NWB file) a recording."""
    if follow and not online:
        raise click.UsageError("--follow needs --online: only frame by frame can a growing movie be processed.")
    if follow and len(movies) > 1:
        raise click.UsageError("--follow takes one movie.")
    if idle_s is not None and not follow:
        raise click.UsageError("--idle-s needs --follow.")
    if params_win and not (parameters_file and settings):
        raise click.UsageError("--params-win needs --params and --param.")
    if follow and (crop is not None or resize is not None):
        raise click.UsageError("--crop and --resize need a movie that is whole; they cannot go with --follow.")
    if not movies and variant_of is None and into is None:
        raise click.UsageError("Missing argument 'MOVIE...'.")
    if dry_run and pattern is None:
        raise click.UsageError("--dry-run needs --pattern.")
    if pattern is not None and (series or follow or session):
        raise click.UsageError("--pattern makes a recording of each file and names it: leave the other option out.")
    if variant_of is not None and into is not None:
        raise click.UsageError("--into replaces the sample's segmentation, --variant-of leaves it: give one of them.")
    sample = variant_of or into
    if sample is not None and (subject or session or metadata_file or follow or custom or pattern):
        option = "--into" if variant_of is None else "--variant-of"
        raise click.UsageError(f"{option} keeps the sample's name and metadata, and needs a movie that is complete.")
    if label and variant_of is None:
        raise click.UsageError("--label needs --variant-of: a sample is called by its subject and session.")
    if reason and into is None:
        raise click.UsageError("--reason needs --into: only what replaces something has one.")
    from nwb_schema.project import Project

    log_to_stderr()
    project = Project.open(project_folder)
    if engine == "caiman":
        # Before the readers of movies are imported: who has no CaImAn should know at once.
        from pipeline.engines.caiman.installation import find_python, probe

        probe(find_python(project)).require()
    from pipeline.request import split_into_recordings

    values = {
        "movies": movies,
        "preset": preset,
        "engine": engine,
        "subject": subject,
        "session": session,
        "movie": {**movie, "load_method": load_method, "crop": crop, "resize": resize},
        "online": online,
        "follow": follow,
        **({} if idle_s is None else {"idle_s": idle_s}),
        **read_metadata(metadata_file),
        "custom": assigned(custom),
        **_parameters(parameters_file, settings, file_wins=params_win),
    }
    if seeds_file is not None:
        # The job runs in a folder of its own.
        values["parameters"] = {**values.get("parameters", {}), "init.Ain": str(seeds_file.expanduser().resolve())}
    there: list[str] = []
    failures: list[FluoriteError] = []
    if sample is not None:
        replacing = {} if into is None else {"into": True, "reason": reason}
        requests = [_variant(project, sample, values, label=label, is_series=series, **replacing)]
    elif pattern is None:
        requests = split_into_recordings(values, series=series)
    else:
        requests, there, failures = _planned(project, movies, pattern, values, as_json=as_json, dry_run=dry_run)
    tell = not as_json and (bool(pattern) or (len(movies) > 1 and not series))
    done, failed, cancelled = _process_all(project, requests, tell=tell)
    failures += failed
    if as_json:
        errors = {"errors": [str(error) for error in failures]} if failures else {}
        print_json({"samples": done, **({"there": there} if pattern else {}), **errors})
    else:
        for report in done:
            print_report(report)
    if cancelled is not None:
        fail(cancelled, exit_code=CANCELLED_EXIT)
    if failures:
        fail(failures[0])


def _process_all(
    project: Any, requests: Sequence[Any], *, tell: bool
) -> tuple[list[Mapping[str, Any]], list[FluoriteError], FluoriteError | None]:
    """Reports, failures and what was cancelled, if anything; with `tell`, each failure is said at once."""
    done: list[Mapping[str, Any]] = []
    failures: list[FluoriteError] = []
    for request in requests:
        try:
            done.append(_process_one(project, request))
        except Cancelled:
            cancelled = JobError(request.title, "was cancelled", "Nothing of it is left; what came before it is done.")
            return done, [*failures, cancelled], cancelled
        except FluoriteError as error:
            failures.append(error)
            if tell:
                click.echo(f"error: {error}", err=True)
    return done, failures, None


def _planned(
    project: Any, movies: tuple[Path, ...], pattern: str, values: Mapping[str, Any], *, as_json: bool, dry_run: bool
) -> tuple[list[Any], list[str], list[FluoriteError]]:
    """Requests for the files that are ready, the names of those that are samples already, and what is refused."""
    from nwb_schema.columns import ColumnKind
    from pipeline.batch import movies_of, plan_batch
    from pipeline.naming_pattern import NamingPattern

    parsed = NamingPattern.parse(pattern, [column.name for column in project.columns(ColumnKind.CUSTOM)])
    common = {key: value for key, value in values.items() if key not in ("movies", "session")}
    planned: list[Any] = []
    for path in movies:
        folder = path.expanduser().resolve() if path.is_dir() else None
        files = [path] if folder is None else movies_of(folder, parsed)
        if not files:
            raise MovieError(path, "holds no movie", "A / in the pattern goes one folder down.")
        taken = [one.sample.lower() for one in planned if one.is_ready]
        for one in plan_batch(project, files, parsed, common, folder=folder):
            twice = one.is_ready and one.sample.lower() in taken
            planned.append(replace(one, problem="another of these files becomes the same sample") if twice else one)
    if dry_run and as_json:
        print_json({"planned": [one.as_dict() for one in planned]})
    elif not as_json:
        for one in planned:
            what = "there already" if one.is_there else one.sample if one.is_ready else f"refused: {one.problem}"
            click.echo(f"{one.name}: {what}", err=not dry_run)
    if dry_run:
        sys.exit(0 if all(one.is_ready or one.is_there for one in planned) else 1)
    refused = [MovieError(one.file, one.problem, "Then run it again.") for one in planned if one.problem]
    return [one.request for one in planned if one.is_ready], [one.name for one in planned if one.is_there], [*refused]


def _variant(
    project: Any, sample: str, values: Mapping[str, Any], *, label: str, is_series: bool, **replacing: Any
) -> Any:
    """The request for another result of a sample's movie; without a preset, its own parameters are changed.

    `replacing` says whether, and why, that takes the place of the sample's own.
    """
    from pipeline.variants.requesting import variant_request

    movies = values["movies"]
    if len(movies) > 1 and not is_series:
        raise click.UsageError("A sample has one movie: give that one, or the files of one recording with --series.")
    given = click.get_current_context().get_parameter_source("preset") is not ParameterSource.DEFAULT
    reading = {name: value for name, value in values["movie"].items() if value is not None}
    if reading and not movies:
        raise click.UsageError("--axes, --frame-rate and the like say how to read a MOVIE, but none was given.")
    return variant_request(
        project,
        sample,
        values.get("parameters"),
        movies=movies,
        preset=values["preset"] if given else None,
        label=label,
        changes_file=values.get("parameters_file", "parameters"),
        engine=values["engine"],
        online=values["online"],
        movie=reading,
        **replacing,
    )


def _process_one(project: Any, request: Any) -> Mapping[str, Any]:
    from pipeline.commands.running import recovered, run_in_foreground
    from pipeline.process import check_request

    spec = request.model_dump(mode="json")
    report = recovered(project, "process", spec)
    if report is not None:
        return report
    sample = check_request(project, request)
    makes = "" if request.variant_of else sample.name
    return run_in_foreground(project, "process", spec, title=request.title, sample=makes)


def _parameters(path: Path | None, settings: Sequence[str], *, file_wins: bool) -> dict[str, Any]:
    """What --params and --param say together."""
    read = _read_parameters(path)
    if not settings:
        return read
    from pipeline.parameters.parameters import layered

    said: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ParameterError("--param", f"'{setting}' has no value", "Write NAME=VALUE, such as --param gSig=5.")
        try:
            said[name.strip()] = json.loads(text)
        except ValueError:
            said[name.strip()] = text.strip()  # a word, such as copy or auto
    file = read.get("parameters", {})
    together = layered(said, file, file_wins=file_wins, source=read.get("parameters_file", "parameters"))
    return {**read, "parameters": together}


def _read_parameters(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(
            path, f"cannot be read as JSON ({error})", "Correct it there; `fluorite params` prints one that is right."
        ) from error
    if not isinstance(values, dict):
        raise ParameterError(path, "is not a JSON object", "Write one with `fluorite params > FILE.json` and edit it.")
    return {"parameters": values, "parameters_file": str(path)}
