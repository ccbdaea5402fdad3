"""Jobs: long work in its own process, known to the project's ledger (``jobs.sqlite``)."""

from pipeline.jobs.job import Job, JobState
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.submission import cancel, current_actor, reconcile, submit, submit_all

__all__ = ["Job", "JobState", "Ledger", "cancel", "current_actor", "reconcile", "submit", "submit_all"]
