"""What every manager of background callbacks has: each result goes to its asker alone, and a lost one is said.

* A key of its own for every call. Dash makes the key of its arguments and its source code alone, so that two people who
  ask for the same thing share a key, and one may be handed what was made for the other.
* A process that was killed is an error that the page shows. Dash takes it for a cancelled one and says nothing.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from dash.background_callback.managers import BaseBackgroundCallbackManager

from pipeline.jobs.submission import current_actor

LOST = (
    "Work in the background was lost: its process was ended from outside, most often because memory ran out. "
    "What it had saved by then stays. Start it again."
)
_ERROR = "background_callback_error"
_log = logging.getLogger("fluorite")


def asking_user() -> str:
    """Whom a request is from. Until there is a login, everybody who reaches the server is the user that runs it."""
    return current_actor()


class OwnResults(BaseBackgroundCallbackManager):
    """A manager that gives a result to the call that asked for it alone, and says so when there will be none.

    To be inherited from before Dash's manager.
    """

    def build_cache_key(self, fn: Callable[..., Any], args: Any, cache_args_to_ignore: Any, triggered: Any) -> str:
        """A key that no other call has: made of what Dash takes, of who asks, and of a number that nobody can guess."""
        dash_key = super().build_cache_key(fn, args, cache_args_to_ignore, triggered)  # type: ignore[no-untyped-call]
        return hashlib.sha256(f"{dash_key}\n{asking_user()}\n{secrets.token_hex(32)}".encode()).hexdigest()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._promised: set[str] = set()
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def get_result(self, key: str, job: str | None) -> Any:
        """The result, `UNDEFINED` while there is none, or the error of a job that will not have one."""
        result = self.fetch(key, job)
        if result is self.UNDEFINED and job is not None:
            if self.is_alive(job):
                self._promised.add(job)
                return result
            result = self.fetch(key, job)  # it may have ended between the two
            if result is self.UNDEFINED and not self.was_cancelled(job):
                _log.error("a background callback ended without a result: its process was killed, or cannot run")
                return {_ERROR: {"msg": self.why_lost(job), "tb": ""}}
        if isinstance(result, dict) and _ERROR in result:
            _log.error("a background callback failed:\n%s", result[_ERROR].get("tb", ""))
            return {_ERROR: {**result[_ERROR], "tb": ""}}  # the page says what happened, the log where
        return result

    def job_running(self, job: str | None) -> bool:
        """Whether the page is to ask again.

        Dash looks for the result first and asks this second. A job that ended between the two would be taken for a
        cancelled one and its result never fetched: so what was alive a moment ago counts as running.
        """
        if job is None:
            return False
        if job in self._promised:
            self._promised.discard(job)
            return True
        return self.is_alive(job)

    @abstractmethod
    def is_alive(self, job: str) -> bool:
        """Whether somebody works on the job, or will."""

    def fetch(self, key: str, job: str | None) -> Any:
        """Take the result from where it was left, or `UNDEFINED`."""
        return super().get_result(key, job)  # type: ignore[no-untyped-call]

    @abstractmethod
    def was_cancelled(self, job: str) -> bool:
        """Whether somebody asked for the job to end."""

    def why_lost(self, job: str) -> str:
        """What the page says of a job that is gone without a result."""
        return LOST
