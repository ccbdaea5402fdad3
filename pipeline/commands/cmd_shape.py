"""``fluorite merge|split|add-rois DIR SAMPLE ...``: make ROIs of others, or of what a person drew."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import ends_cleanly
from pipeline.commands.editing import find_typed, open_sample, reason_option, report, sample_arguments
from pipeline.commands.options import json_option


@click.command("merge")
@sample_arguments
@click.argument("rois", metavar="ROI ROI...", nargs=-1, required=True)
@reason_option
@json_option
@ends_cleanly
def merge(folder: Path, sample: str, rois: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Make one ROI of several of SAMPLE; these are marked deleted, and stay in the file."""
    from pipeline.curation.rois import merge_rois
    from pipeline.jobs.submission import current_actor

    project, path = open_sample(folder, sample)
    found = find_typed(path, rois)
    report(merge_rois(project, path, found, actor=current_actor(), reason=reason), as_json)


@click.command("split")
@sample_arguments
@click.argument("roi", metavar="ROI")
@click.option(
    "--mask",
    "mask_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The parts: ImageJ (.roi, .zip), a stack of masks (.npy, .npz) or polygons (.json).",
)
@click.option("--parts", "n_parts", metavar="N", type=click.IntRange(min=2), help="Into how many compact parts.")
@reason_option
@json_option
@ends_cleanly
def split(
    folder: Path, sample: str, roi: str, mask_file: Path | None, n_parts: int | None, reason: str, as_json: bool
) -> None:
    """Make several ROIs of one of SAMPLE: its connected pieces, compact parts, or as masks say."""
    from pipeline.curation.mask_files import read_masks
    from pipeline.curation.rois import plane_of, split_roi
    from pipeline.jobs.submission import current_actor

    if mask_file is not None and n_parts is not None:
        raise click.UsageError("--mask says how many parts there are: leave --parts out")
    project, path = open_sample(folder, sample)
    masks = None
    if mask_file is not None:
        plane = plane_of(path)
        masks = read_masks(mask_file, plane).toarray().reshape(-1, *plane) > 0
    (found,) = find_typed(path, (roi,))
    done = split_roi(project, path, found, masks=masks, n_parts=n_parts, actor=current_actor(), reason=reason)
    report(done, as_json)


@click.command("add-rois")
@sample_arguments
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--neuropil/--no-neuropil", default=False, help="Take off what the ring around each ROI does.")
@click.option(
    "--neuropil-factor",
    metavar="SHARE",
    type=click.FloatRange(0, 2),
    default=0.7,
    show_default=True,
    help="Share of the ring's signal that is taken off.",
)
@reason_option
@json_option
@ends_cleanly
def add_rois(
    folder: Path, sample: str, file: Path, neuropil: bool, neuropil_factor: float, reason: str, as_json: bool
) -> None:
    """Add the ROIs in FILE (.roi, .zip, .npy, .npz, .json) to SAMPLE, with traces from its registered movie."""
    from pipeline.curation.mask_files import read_masks
    from pipeline.curation.neuropil import Neuropil
    from pipeline.curation.rois import add_rois as add
    from pipeline.curation.rois import plane_of
    from pipeline.jobs.submission import current_actor

    project, path = open_sample(folder, sample)
    masks = read_masks(file, plane_of(path))
    ring = Neuropil(neuropil_factor) if neuropil else None
    report(add(project, path, masks, neuropil=ring, actor=current_actor(), reason=reason), as_json)
