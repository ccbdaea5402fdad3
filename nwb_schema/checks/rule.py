"""What a rule of ours is, and what it looks at."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py

from nwb_schema import local_hdf5
from nwb_schema.checks.finding import Finding, Severity
from nwb_schema.configuration import Configuration
from nwb_schema.configuration_file import read_configuration
from nwb_schema.errors import ConfigurationError
from nwb_schema.layout import FLUORITE
from nwb_schema.sample_summary import SampleSummary


@dataclass(frozen=True)
class CheckedFile:
    """An NWB file that is open for checking.

    Attributes
    ----------
    path
        Where it is.
    file
        Open, read-only.
    summary
        What a list of samples shows of it.
    beside
        Whether to look at the files beside it, too.
    """

    path: Path
    file: h5py.File
    summary: SampleSummary
    beside: bool = True

    @property
    def not_given(self) -> tuple[str, ...]:
        """NWB names of required values that nobody gave, so that placeholders stand for them (our samples only)."""
        return local_hdf5.texts(self.file, f"{FLUORITE}/not_given")

    @property
    def project(self) -> Path | None:
        """The folder of the project that the file is a sample of, or None."""
        folder = self.path.absolute().parent.parent
        is_sample = self.path.absolute().parent.name == "samples" and (folder / "project.toml").is_file()
        return folder if is_sample else None

    @property
    def configuration(self) -> Configuration | None:
        """How that project is configured; None where there is none, or nobody can read it."""
        try:
            return None if self.project is None else read_configuration(self.project / "project.toml")
        except ConfigurationError:
            return None  # every command on the project says so

    def imaging_planes(self) -> Iterator[h5py.Group]:
        """Every imaging plane."""
        planes = local_hdf5.local_group(self.file, "general/optophysiology")
        if planes is not None:
            for _, node in local_hdf5.local_children(planes):
                if isinstance(node, h5py.Group):
                    yield node


@dataclass(frozen=True)
class Problem:
    """What a rule found: one line, a sentence on what to do, and the path of the object in the file.

    `command` is the subcommand of ``fluorite`` that repairs a sample in place, and its words after DIR and SAMPLE.
    """

    message: str
    remedy: str
    location: str = ""
    command: tuple[str, ...] = ()


Finder = Callable[[CheckedFile], Iterator[Problem]]


@dataclass(frozen=True)
class Rule:
    """One rule of ours.

    Attributes
    ----------
    id
        Its name, for ever.
    severity
        Of what it finds.
    description
        What it demands, one sentence.
    find
        Yields what is wrong with a file.
    """

    id: str
    severity: Severity
    description: str
    find: Finder

    def findings(self, checked: CheckedFile) -> Iterator[Finding]:
        """What is wrong with the file, in the form that all checks share."""
        for problem in self.find(checked):
            yield Finding(
                file=checked.path.name,
                source="fluorite",
                check=self.id,
                severity=self.severity,
                message=problem.message,
                remedy=problem.remedy,
                location=problem.location,
                command=_whole_command(checked, problem.command),
            )


def _whole_command(checked: CheckedFile, command: tuple[str, ...]) -> str:
    """The command as people type it; empty where the file cannot be edited in place."""
    if not command or checked.project is None or not checked.summary.is_ours:
        return ""
    return shlex.join(["fluorite", command[0], str(checked.project), checked.path.name, *command[1:]])


def rule(id: str, severity: Severity) -> Callable[[Finder], Rule]:
    """Make a `Rule` of a function; its docstring is the description."""

    def decorate(find: Finder) -> Rule:
        return Rule(id, severity, (find.__doc__ or "").strip().splitlines()[0], find)

    return decorate
