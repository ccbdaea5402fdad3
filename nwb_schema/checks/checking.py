"""Run all checks on a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nwb_schema.checks.finding import Finding, Severity
from nwb_schema.checks.outside_tools import dandi_findings, inspector_findings
from nwb_schema.checks.rule import CheckedFile
from nwb_schema.checks.rules import RULES
from nwb_schema.errors import SampleError
from nwb_schema.pynwb_check import pynwb_refusal
from nwb_schema.reader import open_sample
from nwb_schema.sample_summary import summarise


@dataclass(frozen=True)
class CheckReport:
    """What was found in one file, the worst first."""

    path: Path
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return self.count(Severity.ERROR) == 0

    def count(self, severity: Severity) -> int:
        """How many findings of a severity there are."""
        return sum(finding.severity is severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "file": str(self.path),
            "ok": self.ok,
            **{f"{severity}s": self.count(severity) for severity in Severity},
            "findings": [finding.as_dict() for finding in self.findings],
        }


def check_sample(path: Path, *, beside: bool = True) -> CheckReport:
    """Our own rules alone: nothing but h5py, and nothing followed out of the file.

    Parameters
    ----------
    beside
        Whether the files beside it are asked for their identifiers; without, all depends on this sample alone.
    """
    try:
        with open_sample(path) as file:
            checked = CheckedFile(path, file, summarise(path, file), beside)
            findings = [finding for rule in RULES for finding in rule.findings(checked)]
    except SampleError as error:
        findings = [Finding(path.name, "fluorite", "readable", Severity.ERROR, error.cause, error.remedy)]
    return CheckReport(path, _sorted(findings))


def check_file(path: Path) -> CheckReport:
    """Our rules, then nwbinspector with DANDI's configuration, then ``dandi validate``.

    The other two are not run on a file that pynwb refuses, or that leads to other files: pynwb would open those.

    Raises
    ------
    SampleError
        When there is no such file.
    """
    if not path.is_file():
        raise SampleError(path, "there is no such file", "Give the name of an NWB file.")
    own = check_sample(path)
    if any(finding.check in ("readable", "links") for finding in own.findings):
        return own
    refusal = pynwb_refusal(path)
    if refusal is not None:
        remedy = "Write it again with a current version of the program that made it."
        refused = Finding(path.name, "pynwb", "readable", Severity.ERROR, refusal, remedy)
        return CheckReport(path, _sorted([*own.findings, refused]))
    return CheckReport(path, _sorted([*own.findings, *_outside(path)]))


def _outside(path: Path) -> Iterator[Finding]:
    path = path.resolve()
    yield from inspector_findings(path)
    yield from dandi_findings(path, asset_path=_path_in_dandiset(path))


def _path_in_dandiset(path: Path) -> str | None:
    """Where the file is in the dandiset around it, or None when there is none."""
    for folder in path.parents:
        if (folder / "dandiset.yaml").is_file():
            return path.relative_to(folder).as_posix()
    return None


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))
