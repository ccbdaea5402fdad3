"""Every error that Fluorite raises on purpose: the file, the cause and the remedy.

A person who reads one line must know which file is meant, what is wrong with it and what to do. Programming errors
stay what they are (``TypeError``, ``ValueError``); only what a user or a file can cause is raised as one of these.
"""

from __future__ import annotations

from pathlib import Path


class FluoriteError(Exception):
    """Something that a user or a file caused.

    Parameters
    ----------
    file
        The file, folder or option that is meant.
    cause
        What is wrong, as a clause without a full stop.
    remedy
        What the person can do about it, as a sentence.
    """

    def __init__(self, file: str | Path, cause: str, remedy: str) -> None:
        self.file = str(file)
        self.cause = cause.rstrip(".")
        self.remedy = remedy
        super().__init__(f"{self.file}: {self.cause}. {self.remedy}")

    def __reduce__(self) -> tuple[type[FluoriteError], tuple[str, str, str]]:
        # Exception pickles with its formatted message alone, which would lose the three parts between processes.
        return (type(self), (self.file, self.cause, self.remedy))


class MovieError(FluoriteError):
    """A movie that cannot be read, or not without losing or inventing data."""


class AmbiguousAxesError(MovieError):
    """A movie whose axes the file does not say; the user has to name them."""


class MissingRateError(MovieError):
    """A movie without an imaging rate anywhere; the user has to give it."""


class MetadataError(FluoriteError):
    """A side-car or metadata file, or a value in it, that cannot be used."""


class ParameterError(FluoriteError):
    """A parameter that is unknown, out of range or not honoured by the chosen engine."""


class EngineError(FluoriteError):
    """An engine that cannot run here, or failed while running."""


class ResultsError(FluoriteError):
    """A results file (CaImAn's HDF5 layout) that cannot be read or does not fit the movie."""


class MissingResultsRateError(ResultsError):
    """Results that do not say their imaging rate; the user has to give it."""


class SampleError(FluoriteError):
    """A sample (NWB file) that cannot be read, verified or written."""


class SampleExistsError(SampleError):
    """A sample of that name is already in the project."""


class EditError(FluoriteError):
    """An edit that cannot be made: an unknown ROI or column, a value that does not fit, nothing to undo."""


class ExportError(FluoriteError):
    """An export that is blocked, or cannot be written where it should go."""


class FilterError(FluoriteError):
    """A filter with an unknown column, an unknown modifier or a value of the wrong kind."""


class ProjectError(FluoriteError):
    """A project folder that is missing, is not a project or cannot be written."""


class ConfigurationError(ProjectError):
    """A change of the project's configuration that cannot be made, or a configuration that cannot be understood."""


class StimulusError(FluoriteError):
    """A table of stimulus periods that cannot be read, or holds what was not to be taken."""


class JobError(FluoriteError):
    """A job that does not exist or cannot do what was asked of it."""
