"""A job's own process: ``python -m pipeline.jobs.child PROJECT JOB``. Started by `pipeline.jobs.submission.submit`."""

from __future__ import annotations

import sys
from pathlib import Path

from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.runner import run_job
from pipeline.progress import Cancelled


def main(arguments: list[str]) -> int:
    """Run the job. What libraries print goes into its log too: `submit` has led this process's output there."""
    folder, job_id = arguments
    project = Project.open(Path(folder))
    job = Ledger(project).job(job_id)
    try:
        run_job(project, job)
    except Cancelled:
        return 130
    except FluoriteError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
