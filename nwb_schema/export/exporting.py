"""Export samples in DANDI's layout: planned, checked, written whole, verified, and taken up again where it stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nwb_schema.checks import CheckReport, check_file
from nwb_schema.errors import ExportError, FluoriteError
from nwb_schema.export.dandiset import upload_commands, write_draft
from nwb_schema.export.manifest import Manifest, source_digest, stamp_of
from nwb_schema.export.planning import ExportPlan, PlannedFile, plan_export
from nwb_schema.export.self_contained import write_self_contained
from nwb_schema.export.verification import verify_export
from nwb_schema.project import Project
from nwb_schema.publishing import fsync_file, fsync_folder, partial_path, publish, sweep_partials

__all__ = ["ExportOptions", "ExportReport", "Exported", "export_samples", "plan_export"]

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class ExportOptions:
    """How to export.

    Attributes
    ----------
    samples
        Names or identifiers; all samples of the project by default.
    keep_movie
        Whether the registered movies go into the files.
    allow_blockers
        Whether to export although something stands in the way of an upload.
    """

    samples: tuple[str, ...] = ()
    keep_movie: bool = True
    allow_blockers: bool = False


@dataclass(frozen=True)
class Exported:
    """One exported file.

    Attributes
    ----------
    sample, file
        The sample, and the file that was made of it.
    unchanged
        Whether it was there already, made from the very same sample.
    n_bytes, seconds
        Size of the file, and how long it took.
    check
        What our rules, nwbinspector and ``dandi validate`` find in it.
    """

    sample: Path
    file: Path
    unchanged: bool
    n_bytes: int
    seconds: float
    check: CheckReport


@dataclass(frozen=True)
class ExportReport:
    """What an export did.

    Attributes
    ----------
    folder
        The dandiset: upload this.
    files
        One per sample.
    left_out
        ``(name, reason)`` of samples that were not exported.
    upload
        Commands for the user to run.
    """

    folder: Path
    files: tuple[Exported, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    upload: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way of an upload."""
        return all(file.check.ok for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "out": str(self.folder),
            "ok": self.ok,
            "files": [
                {
                    "sample": str(file.sample),
                    "file": str(file.file),
                    "unchanged": file.unchanged,
                    "bytes": file.n_bytes,
                    "seconds": round(file.seconds, 3),
                    "findings": [finding.as_dict() for finding in file.check.findings],
                }
                for file in self.files
            ],
            "left_out": [{"sample": name, "reason": reason} for name, reason in self.left_out],
            "upload": list(self.upload),
        }


def export_samples(
    project: Project, folder: Path, options: ExportOptions | None = None, progress: Progress = lambda *_: None
) -> ExportReport:
    """Write one self-contained file a sample into `folder`, in DANDI's layout.

    A file appears under its name when it is complete, verified and on disk. What is there already, made from the very
    same sample, stays. `progress` may raise to stop: finished files stay, of the one in work nothing does.

    Raises
    ------
    FluoriteError
        When something blocks, or a file cannot be read or written.
    """
    options = options or ExportOptions()
    plan = plan_export(project, options.samples, keep_movie=options.keep_movie)
    if plan.blockers and not options.allow_blockers:
        raise _blocked(plan)
    folder = folder.expanduser().resolve()
    _check_folder(project, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep_partials(folder)
        write_draft(folder, project.name)
        manifest = Manifest.read(folder)
        files = [
            _export(file, manifest, options, _part(progress, file.name, number, len(plan.files)))
            for number, file in enumerate(plan.files)
        ]
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return ExportReport(folder, tuple(files), plan.left_out, upload_commands(folder))


def _export(file: PlannedFile, manifest: Manifest, options: ExportOptions, progress: Progress) -> Exported:
    started = time.monotonic()
    target = manifest.folder / file.name
    digest = source_digest(file.sample, file.movie, keep_movie=options.keep_movie)
    unchanged = manifest.is_current(file.name, digest)
    if not unchanged:
        if target.exists() and not manifest.is_ours(file.name):
            raise ExportError(
                target, "is there already and was not exported like this", "Move it away, or export into a new folder."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep_partials(target.parent)
        try:
            _write(file, target, digest, manifest, options, progress)
        finally:
            if not any(target.parent.iterdir()):
                target.parent.rmdir()
    progress("checks", 0.0)
    check = check_file(target)
    return Exported(file.sample, target, unchanged, target.stat().st_size, time.monotonic() - started, check)


def _write(
    file: PlannedFile, target: Path, digest: str, manifest: Manifest, options: ExportOptions, progress: Progress
) -> None:
    temporary = partial_path(target.parent)
    keep = options.keep_movie
    try:
        progress("writing", 0.0)
        write_self_contained(
            file.sample, temporary, movie=file.movie, keep_movie=keep, report=lambda part: progress("writing", part)
        )
        progress("verifying", 0.0)
        verify_export(
            file.sample, temporary, movie=file.movie, keep_movie=keep, report=lambda part: progress("verifying", part)
        )
        if source_digest(file.sample, file.movie, keep_movie=keep) != digest:
            raise ExportError(file.sample, "was changed while it was exported", "Export again.")
        fsync_file(temporary)
        stamp = stamp_of(temporary)
        assert stamp is not None
        manifest.record(file.name, digest, stamp)
        if target.exists():
            os.replace(temporary, target)
            fsync_folder(target.parent)
        else:
            publish(temporary, target)
    except (OSError, RuntimeError) as error:
        # HDF5 reports a full disk as one or the other, depending on what it was doing.
        raise _cannot_write(target, error) from error
    except ExportError as error:
        if error.file == str(temporary):
            raise ExportError(target, error.cause, error.remedy) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _part(progress: Progress, name: str, number: int, total: int) -> Progress:
    label = Path(name).stem if total == 1 else f"{Path(name).stem} ({number + 1} of {total})"
    return lambda stage, fraction: progress(f"{label}: {stage}", fraction)


def _blocked(plan: ExportPlan) -> FluoriteError:
    first = next(file for file in plan.files if file.blockers)
    blockers = first.blockers
    more = sum(bool(file.blockers) for file in plan.files) - 1
    cause = f"{len(blockers)} things block its upload ({blockers[0].message}, ...)"
    if len(blockers) == 1:
        cause = f"{blockers[0].message}, which blocks its upload"
    if more:
        cause += f", and {more} more samples are blocked"
    return ExportError(
        first.sample, cause, "See all of it with `fluorite check`, correct it, or export with --allow-blockers."
    )


def _check_folder(project: Project, folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ExportError(folder, "is a file, not a folder", "Give the name of a new or empty folder.")
    if folder == project.folder or any(
        folder.is_relative_to(inside) for inside in (project.samples_dir, project.movies_dir, project.batch_dir)
    ):
        raise ExportError(
            folder,
            "belongs to the project itself",
            f"Export elsewhere, such as {project.folder / 'exports' / 'dandi'}.",
        )


def _cannot_write(path: Path, error: Exception) -> ExportError:
    cause = getattr(error, "strerror", None) or " ".join(str(error).split())[:300]
    return ExportError(path, f"cannot be written ({cause})", "Check permissions and free space; then export again.")
