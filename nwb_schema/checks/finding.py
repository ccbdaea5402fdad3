"""One thing that a check found in a file, whoever found it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters.

    An error blocks: DANDI refuses the file, it contradicts itself, or a placeholder stands where NWB requires a fact.
    """

    ERROR = "error"
    WARNING = "warning"
    SUGGESTION = "suggestion"


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes
    ----------
    file
        Name of the file.
    source
        Who found it: ``fluorite``, ``nwbinspector``, ``pynwb`` or ``dandi``.
    check
        Id of the rule, unique within its source.
    severity
        See `Severity`.
    message
        What is wrong, one line.
    remedy
        What to do about it, one sentence.
    location
        Path of the object in the file; empty where the whole file is meant.
    command
        The command that repairs it, with VALUE for what only a person knows; empty where none does.
    """

    file: str
    source: str
    check: str
    severity: Severity
    message: str
    remedy: str
    location: str = ""
    command: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The same, JSON-able."""
        return {**asdict(self), "severity": self.severity.value}

    def __str__(self) -> str:
        where = f" [{self.location}]" if self.location else ""
        return f"{self.severity}: {self.message}. {self.remedy} ({self.source}: {self.check}){where}"
