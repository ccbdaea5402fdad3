"""What the home page says of a project without opening its dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.formatting import count
from app.home.attention import Matter, matters
from app.job_view import jobs_state
from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project


@dataclass(frozen=True)
class ProjectFacts:
    """A project in a few words.

    Attributes
    ----------
    facts
        How many samples it has, and what runs.
    waiting
        What waits, as of the last time somebody looked at its samples.
    problem
        Why it cannot be opened, or empty.
    """

    facts: str = ""
    waiting: tuple[Matter, ...] = ()
    problem: str = ""


def project_facts(folder: Path) -> ProjectFacts:
    """What is known of the project in `folder`. No sample is read anew for it, so it takes milliseconds."""
    try:
        project = Project.open(folder)
        said = [count(len(project.sample_paths()), "sample")]
        jobs = jobs_state(project) if project.jobs_path.exists() else []
        active = sum(job["active"] for job in jobs)
        if active:
            said.append(f"{count(active, 'job')} at work")
        # Making a catalogue that is not there would read every sample.
        waiting = matters(Catalogue(project), jobs) if project.catalogue_path.exists() else []
    except (FluoriteError, OSError) as error:
        return ProjectFacts(problem=str(error))
    return ProjectFacts(" \u00b7 ".join(said), tuple(waiting))
