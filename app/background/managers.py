"""Dash background callbacks: work of seconds to a minute, beside the server, whose result only its asker gets.

Without ``FLUORITE_REDIS_URL`` the server starts a clean process for each (`app.background.clean_processes`); with it,
the workers that ``fluorite worker`` started take them from a queue in Redis (`app.background.redis_workers`). Both give
out results as `app.background.own_results` says, and know the project that `app.background.callback_project` opens.
"""

from __future__ import annotations

import os

from dash.background_callback.managers import BaseBackgroundCallbackManager

from app.background import clean_processes
from app.background.workers import REDIS_URL, redis_workers
from nwb_schema.project import Project


def background_manager(project: Project) -> BaseBackgroundCallbackManager:
    """What runs the background callbacks of a project's dashboard, as ``FLUORITE_REDIS_URL`` says.

    Raises
    ------
    WorkerError
        When Redis is wanted and Celery is not installed.
    """
    url = os.environ.get(REDIS_URL)
    if url:
        made: BaseBackgroundCallbackManager = redis_workers().RedisManager(project, url)
        return made
    return clean_processes.CleanProcessManager(project)


def prepare() -> None:
    """Make ready for the first callback of a server, which would else wait a second or two; returns at once."""
    if not os.environ.get(REDIS_URL):
        clean_processes.prepare()
