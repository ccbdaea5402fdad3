"""The page on export: what is found in each sample, where it is corrected, and the job that exports.

A project may have a thousand samples, and looking at one takes a tenth of a second or more. So the table is made from
the catalogue and from what is known of the samples already (`app.checks`); the rest is looked at beside the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.addresses import details_url, sample_url
from app.checks import checks_of
from app.formatting import ABSENT, count
from nwb_schema.catalogue import Catalogue
from nwb_schema.checks import Finding, Severity, check_file, check_sample
from nwb_schema.checks.kept import Checked
from nwb_schema.errors import ExportError, FluoriteError, SampleError
from nwb_schema.export import plan_export
from nwb_schema.project import Project
from nwb_schema.reader import read_summary, registered_movie_path
from nwb_schema.saved_filters import find_saved
from pipeline.exporting import ExportRequest
from pipeline.jobs import Job, Ledger, submit

NOT_CHECKED = "not looked at yet"
_RECENT_JOBS = 200


def sample_row(path: Path) -> dict[str, Any]:
    """One sample: its size, and what Fluorite's own rules find in it now."""
    row: dict[str, Any] = {
        "path": str(path),
        "name": path.name,
        "identifier": None,
        "status": "unreadable",
        "reason": "",
        "ours": False,
        "megabytes": None,
        "movie": "no",
    }
    try:
        summary = read_summary(path)
        row |= {"identifier": summary.identifier, "status": "ok", "ours": summary.is_ours}
        row["megabytes"] = path.stat().st_size / 1e6
        if summary.has_movie:
            row["megabytes"] += registered_movie_path(path).stat().st_size / 1e6
            row["movie"] = "yes"
    except (SampleError, OSError) as error:
        row["reason"] = str(error)
    findings = found(check_sample(path).findings, row["identifier"])
    if not row["ours"] and row["status"] == "ok":
        findings = [_not_ours(path)]
    return with_findings(row, findings)


def with_findings(row: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A row of the table with what was found."""
    counts = {severity: sum(one["severity"] == severity for one in findings) for severity in Severity}
    first = next((one["message"] for one in findings if one["severity"] == Severity.ERROR), "")
    return {
        **row,
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
        "first": first,
        "ready": bool(row["ours"]) and counts[Severity.ERROR] == 0,
        "findings": list(findings),
    }


def listed_rows(catalogue: Catalogue, tab: str = "", name: str = "") -> list[dict[str, Any]]:
    """The rows of the table, as far as they are known: nothing is looked at for it.

    Parameters
    ----------
    tab
        Name of one of the project's saved filters, or empty.
    name
        What the samples' names have to have in them, as filters do.

    Raises
    ------
    FilterError
        When there is no such filter, or it cannot be understood.
    """
    steps = list(find_saved(catalogue.project, tab, "samples").filters) if tab else []
    listed = catalogue.samples([*steps, *([("name", name.strip())] if name.strip() else [])])
    known = checks_of(catalogue.project).known([Path(row["path"]) for row in listed if row["is_ours"]])
    return [_listed_row(row, known.get(Path(row["path"])), catalogue.project.movies_dir) for row in listed]


def _listed_row(listed: Mapping[str, Any], checked: Checked | None, movies: Path) -> dict[str, Any]:
    ours = bool(listed["is_ours"])
    row = {
        "path": listed["path"],
        "name": listed["name"],
        "identifier": listed["identifier"],
        "ours": ours,
        "movie": "yes" if listed["has_movie"] else "no",
        "size": size_text(_megabytes(listed, movies)),
        "checked": True,
        "ready": False,
    }
    if not ours:
        return {**row, "errors": 1, "warnings": 0, "first": listed["reason"] or "another program wrote this file"}
    if listed["status"] != "ok":  # such as an identifier that another sample has, too
        return {**row, "errors": 1, "warnings": 0, "first": listed["reason"]}
    if checked is None:
        return {**row, "checked": False, "errors": None, "warnings": None, "first": NOT_CHECKED}
    counts = {"errors": checked.errors, "warnings": checked.warnings, "first": checked.first}
    return {**row, **counts, "ready": checked.errors == 0}


def _megabytes(listed: Mapping[str, Any], movies: Path) -> float | None:
    """What the sample and its movie take on the disk; None where it went away."""
    files = [Path(listed["path"])]
    if listed["has_movie"]:
        files.append(movies / f"{listed['identifier']}.h5")
    try:
        return sum(path.stat().st_size for path in files) / 1e6
    except OSError:
        return None


def merged(rows: Sequence[Mapping[str, Any]], thorough: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The rows with what all checkers found in some of them, by path."""
    return [
        {**with_findings(row, thorough[row["path"]]), "checked": True, "findings": []}
        if thorough and row["path"] in thorough
        else dict(row)
        for row in rows
    ]


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many of the samples are ready, blocked, and not looked at yet."""
    if not rows:
        return "No sample here."
    ready = sum(row["ready"] for row in rows)
    blocked = sum(bool(row["errors"]) for row in rows)
    done = sum(row["checked"] for row in rows)
    text = f"{ready} of {count(len(rows), 'sample')} ready" + (f", {blocked} blocked" if blocked else "")
    return text if done == len(rows) else f"{text}; {done:,} of {len(rows):,} checked"


def found(findings: Sequence[Finding], identifier: str | None) -> list[dict[str, Any]]:
    """Findings with the place where each is seen to."""
    return [_as_shown(finding, identifier) for finding in findings]


def check_thoroughly(
    paths: Sequence[Path], progress: Callable[[int, int], None] = lambda *_: None
) -> dict[str, list[dict[str, Any]]]:
    """What all three checkers find, by the sample's path; several seconds a sample."""
    results: dict[str, list[dict[str, Any]]] = {}
    for number, path in enumerate(paths):
        progress(number, len(paths))
        try:
            identifier = read_summary(path).identifier
            results[str(path)] = found(check_file(path).findings, identifier)
        except FluoriteError:
            continue  # it went away meanwhile: what was found before stays
    progress(len(paths), len(paths))
    return results


def _as_shown(finding: Finding, identifier: str | None) -> dict[str, Any]:
    href, place = "", ""
    if identifier is not None:
        if finding.command.startswith("fluorite set") or "subject" in finding.location.lower():
            href, place = details_url(identifier), "Details"
        elif finding.command.startswith("fluorite tag"):
            href, place = sample_url(identifier), "Cells"
    return {
        "source": finding.source,
        "severity": finding.severity.value,
        "message": finding.message,
        # The remedy of a placeholder speaks of the metadata file; on the page there is a form.
        "remedy": "Give it on the page of its details." if place == "Details" and finding.command else finding.remedy,
        "href": href,
        "place": place,
    }


def _not_ours(path: Path) -> dict[str, Any]:
    return {
        "source": "fluorite",
        "severity": Severity.ERROR.value,
        "message": "another program wrote this file",
        "remedy": f"Make a sample of it first: fluorite adopt DIR {path.name}",
        "href": "",
        "place": "",
    }


def default_folder(project: Project) -> Path:
    """Where an export goes when nobody says otherwise."""
    return project.folder / "exports" / "dandi"


def start_export(
    project: Project, names: Sequence[str], folder: str, *, keep_movie: bool, allow_blockers: bool, actor: str
) -> Job:
    """Start to export these samples; what blocks is said before a job exists.

    Raises
    ------
    FluoriteError
        When something blocks, a movie is missing, or the folder cannot be used.
    """
    typed = folder.strip()
    if not typed:
        raise ExportError("Folder", "none was chosen", "Type where the export goes.")
    if not names:
        raise ExportError("Samples", "none is chosen", "Choose at least one.")
    project.require_writable()
    out = Path(typed).expanduser().resolve()
    checks = checks_of(project)
    catalogue = Catalogue(project)
    catalogue.refresh()
    usable = {row["name"] for row in catalogue.samples([("status", "$STR=:ok")])}
    known = checks.known([project.samples_dir / name for name in names])

    def findings_of(path: Path) -> Sequence[Finding]:
        if path.name not in usable:
            return check_sample(path).findings
        return (known.get(path) or checks.check(path)).findings

    plan = plan_export(project, names, keep_movie=keep_movie, findings_of=findings_of)
    if plan.blockers and not allow_blockers:
        first = next(file for file in plan.files if file.blockers)
        others = sum(bool(file.blockers) for file in plan.files) - 1
        more = f", and something blocks {others} more" if others else ""
        raise ExportError(
            first.sample.name,
            f"{first.blockers[0].message}, which blocks its upload{more}",
            "Correct it, leave the sample out, or switch on \u201cExport all the same\u201d.",
        )
    request = ExportRequest(out=out, samples=tuple(names), keep_movie=keep_movie, allow_blockers=allow_blockers)
    return submit(project, "export", request.model_dump(mode="json"), title=f"export to {out.name}", actor=actor)


def last_export(project: Project) -> Job | None:
    """The newest export, whichever way it ended or stands; None where there was none."""
    return next((job for job in Ledger(project).jobs(limit=_RECENT_JOBS) if job.kind == "export"), None)


def size_text(megabytes: float | None) -> str:
    """A size as people read it."""
    if megabytes is None:
        return ABSENT
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.1f} MB"
