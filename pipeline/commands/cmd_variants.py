"""``fluorite variants DIR SAMPLE``: all results for the movie of a sample, and which of them it has."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.commands.console import ends_cleanly, print_json
from pipeline.commands.editing import open_sample, report, sample_arguments
from pipeline.commands.options import json_option


@click.command("variants")
@sample_arguments
@click.option(
    "--choose",
    metavar="RESULT",
    help="Let this one (its number in the list, or the start of its id) replace the sample's segmentation.",
)
@click.option("--reason", default="", metavar="TEXT", help="With --choose: why; kept with the edit.")
@json_option
@ends_cleanly
def variants(folder: Path, sample: str, choose: str | None, reason: str, as_json: bool) -> None:
    """List the results that there are for the movie of SAMPLE; the one that it has is marked *."""
    if reason and choose is None:
        raise click.UsageError("--reason needs --choose: a list changes nothing.")
    if choose is not None:
        from pipeline.jobs.submission import current_actor
        from pipeline.variants.choosing import choose_variant

        project, path = open_sample(folder, sample)
        report(choose_variant(project, path, choose, actor=current_actor(), reason=reason).committed, as_json)
        return
    from nwb_schema.project import Project
    from pipeline.variants.listing import list_variants

    project = Project.open(folder)
    path = project.find_sample(sample)
    found = list_variants(project, path)
    if as_json:
        print_json({"sample": str(path), "variants": [asdict(variant) for variant in found]})
        return
    for number, variant in enumerate(found, start=1):
        took = f"{variant.seconds['total']:.1f} s" if "total" in variant.seconds else "- s"
        memory = "- MB" if variant.peak_rss_mb is None else f"{variant.peak_rss_mb:.0f} MB"
        cells = f"{variant.n_accepted} of {variant.n_rois} accepted"
        mark = "*" if variant.is_chosen else " "
        words = [variant.id[:8], f"{variant.engine} {variant.engine_version}", cells, took, memory, variant.title]
        click.echo(f"{mark}{number:3d}  {'  '.join(filter(None, words))}")
    if not found:
        click.echo(f"{path.name}: no results file is left of it", err=True)
