"""What the server and ``fluorite worker`` must both have before they can use Celery and Redis."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from nwb_schema.errors import FluoriteError

REDIS_URL = "FLUORITE_REDIS_URL"


class WorkerError(FluoriteError):
    """Workers, or the Redis between them and the server, that cannot be used."""


def redis_workers() -> ModuleType:
    """The module `app.background.redis_workers`, which needs packages that not everybody has.

    Raises
    ------
    WorkerError
        When Celery is not installed.
    """
    try:
        return import_module("app.background.redis_workers")
    except ImportError as error:
        raise WorkerError(
            REDIS_URL, f"needs Celery and Redis' client ({error})", 'Install them: pip install "fluorite[server]".'
        ) from error
