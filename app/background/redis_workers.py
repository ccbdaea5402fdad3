"""Background callbacks in workers of their own, by Celery and Redis: for a server that several people use.

The server puts a call into a queue of its project in Redis, and a process that ``fluorite worker`` started takes it
out, on this computer or another one that sees the project's folder. Everything is JSON: a message that is none is
refused, because whoever can write into a queue of pickles can run code in its readers.

Celery does not notice when a worker is killed together with the process above it: the call would be "started" for
ever. So whoever works on a call, and every worker, writes into Redis every few seconds that it lives, under a key that
expires.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import celery
import redis
from celery import signals
from dash import CeleryManager
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.background.callback_project import in_project
from app.background.own_results import LOST, OwnResults
from app.background.workers import REDIS_URL, WorkerError
from nwb_schema.project import Project

# What nobody fetches is removed from Redis after this time.
_EXPIRES_S = 600
_BEAT_S = 3.0
_ALIVE_S = 15
NO_WORKER = (
    "Nobody works on what this page asks for in the background: no worker of this project is running. Whoever runs the "
    "server starts one with: fluorite worker"
)
NO_REDIS = (
    "Nothing can be worked on in the background: Redis does not answer. Whoever runs the server starts it, or corrects "
    f"{REDIS_URL}."
)
# The job of a call that could not be put into the queue.
_UNREACHABLE = "unreachable"
_AWAY = (RedisError, OperationalError, OSError)
_waiting = ("PENDING", "RECEIVED", "RETRY")


def celery_app(project: Project, url: str) -> Any:
    """The Celery application of a project: one queue, JSON alone."""
    made = celery.Celery("fluorite", broker=url, backend=url, set_as_current=False)
    made.conf.update(
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        task_default_queue=queue_name(project.folder),
        task_track_started=True,
        result_expires=_EXPIRES_S,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        # Cancelling and counting workers are the server's to ask for; nobody listens to events.
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_timeout": 10, "socket_connect_timeout": 5},
        redis_socket_timeout=10,
        redis_socket_connect_timeout=5,
    )
    return made


def queue_name(folder: Path) -> str:
    """The queue of a project: two projects may use one Redis."""
    return f"fluorite-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"


class RedisManager(OwnResults, CeleryManager):
    """A `CeleryManager` whose callbacks know their project, and that notices when nobody works on one any more.

    Parameters
    ----------
    project
        What `app.background.callback_project.background_project` opens in the callbacks.
    url
        Of Redis: ``redis://:password@127.0.0.1:6379/0``.
    """

    def __init__(self, project: Project, url: str) -> None:
        self._project_folder = project.folder
        self._queue = queue_name(project.folder)
        self._fetched: deque[str] = deque(maxlen=256)
        self._client = quick_client(url)
        super().__init__(celery_app(project, url))

    def make_job_fn(self, fn: Callable[..., Any], progress: Any, key: str | None = None) -> Any:
        """The task, as the server and the workers both register it."""
        bound = partial(in_project, self._project_folder, fn)
        return super().make_job_fn(bound, progress, key)  # type: ignore[no-untyped-call]

    def call_job_fn(self, key: str, job_fn: Any, args: Sequence[Any] | Mapping[str, Any], context: Any) -> str:
        """Put the call into the queue; returns the task's id."""
        try:
            self._client.ping()  # Celery would try for twenty seconds
            return str(super().call_job_fn(key, job_fn, args, context))  # type: ignore[no-untyped-call]
        except _AWAY:
            return _UNREACHABLE  # Dash shows no error from here; the page's next question is answered by one

    def fetch(self, key: str, job: str | None) -> Any:
        """Take the result out of Redis, or `UNDEFINED`."""
        try:
            found = self._client.get(key)
            if found is None:
                return self.UNDEFINED
            self._client.delete(key, self._make_progress_key(key))  # type: ignore[no-untyped-call]
        except _AWAY:
            return self.UNDEFINED
        if job is not None:
            self._fetched.append(job)
        return json.loads(found)

    def get_progress(self, key: str) -> Any:
        """What the call reported since it was asked last."""
        try:
            self._client.ping()
            return super().get_progress(key)  # type: ignore[no-untyped-call]
        except _AWAY:
            return None

    def get_updated_props(self, key: str) -> Any:
        """What the call set beside its outputs."""
        try:
            self._client.ping()
            return super().get_updated_props(key)  # type: ignore[no-untyped-call]
        except _AWAY:
            return {}

    def is_alive(self, job: Any) -> bool:
        """Whether somebody works on the task, or will."""
        if not job or job == _UNREACHABLE:
            return False
        try:
            status = self._status(job)
            if status in _waiting:
                return self._lives(worker_key(self._queue))
            return status in ("STARTED", "PROGRESS") and self._lives(task_key(job))
        except _AWAY:
            return False

    def terminate_job(self, job: Any) -> None:
        """Take the task out of the queue, or end the process that works on it.

        One whose result was fetched is about to end by itself: to kill it then would cost a new process.
        """
        if job is None or job == _UNREACHABLE or job in self._fetched:
            return
        try:
            self._client.set(_cancelled(job), 1, ex=_EXPIRES_S)
            self.handle.control.revoke(job, terminate=True)
        except _AWAY:
            return

    def was_cancelled(self, job: str) -> bool:
        """Whether somebody asked for the task to end."""
        try:
            return self._lives(_cancelled(job))
        except _AWAY:
            return False

    def why_lost(self, job: str) -> str:
        """Whether there is no Redis, nobody to work on it, or somebody was killed over it."""
        try:
            if job == _UNREACHABLE:
                return NO_REDIS
            return NO_WORKER if self._status(job) in _waiting else LOST
        except _AWAY:
            return NO_REDIS

    def _status(self, job: str) -> str:
        self._client.ping()
        return str(self.handle.AsyncResult(job).status)

    def _lives(self, key: str) -> bool:
        return bool(self._client.exists(key))


def quick_client(url: str) -> redis.Redis:
    """A client that says soon that Redis does not answer."""
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 1), socket_timeout=10, socket_connect_timeout=3)


def task_key(task_id: str) -> str:
    """Where it says in Redis that somebody works on a task."""
    return f"fluorite-task-{task_id}"


def worker_key(queue: str) -> str:
    """Where it says in Redis that a worker waits for the calls of a queue."""
    return f"fluorite-worker-{queue}"


def _cancelled(task_id: str) -> str:
    return f"fluorite-cancelled-{task_id}"


class Heartbeat:
    """Says every few seconds in Redis, under one key, that this process lives; from when it is made until `stop`."""

    def __init__(self, client: Any, key: str) -> None:
        self._client, self._key = client, key
        self._stopped = threading.Event()
        self._beat()  # before whatever comes next can be seen by others
        threading.Thread(target=self._go_on, daemon=True).start()

    def stop(self) -> None:
        """Stop saying so; the key expires by itself, as others may use it, too."""
        self._stopped.set()

    def _beat(self) -> None:
        self._client.set(self._key, 1, ex=_ALIVE_S)

    def _go_on(self) -> None:
        while not self._stopped.wait(_BEAT_S):
            try:
                self._beat()
            except Exception:  # noqa: BLE001 - Redis was away for a moment: the next beat may get through
                continue


def work(folder: Path, processes: int, make_dashboard: Callable[[Path], object]) -> int:
    """Work on the background callbacks of the dashboard of the project in `folder` until interrupted.

    Parameters
    ----------
    processes
        How many calls are worked on at a time.
    make_dashboard
        Makes the dashboard of a project's folder, and with it its callbacks.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    WorkerError
        When ``FLUORITE_REDIS_URL`` is not set, or Redis does not answer.
    ProjectError
        When the folder is not a project.
    """
    url = os.environ.get(REDIS_URL)
    if not url:
        raise WorkerError(
            REDIS_URL,
            "is not set, so there is no queue to take calls from",
            "Set it for the worker as for the server, such as redis://127.0.0.1:6379/0.",
        )
    project = Project.open(folder)
    application = RedisManager(project, url).handle
    make_dashboard(folder)  # registers its callbacks as tasks of every manager there is
    try:
        quick_client(url).ping()
    except _AWAY as error:
        raise WorkerError(REDIS_URL, f"Redis does not answer ({error})", "Start it, or correct the URL.") from error
    _say_that_they_live(application, queue_name(project.folder))
    worker = application.Worker(
        concurrency=processes, pool="prefork", loglevel="WARNING", without_gossip=True, without_mingle=True
    )
    worker.start()
    return int(worker.exitcode or 0)


def _say_that_they_live(application: Any, queue: str) -> None:
    """Have the worker, and whoever works on a task, say so while they live."""
    beats: dict[str, Heartbeat] = {}

    def ready(**_: Any) -> None:
        beats["worker"] = Heartbeat(application.backend.client, worker_key(queue))

    def started(task_id: str, **_: Any) -> None:
        # In the process that works on it, before Celery says that the task has started.
        beats[task_id] = Heartbeat(application.backend.client, task_key(task_id))

    def ended(task_id: str, **_: Any) -> None:
        if task_id in beats:
            beats.pop(task_id).stop()

    signals.worker_ready.connect(ready, weak=False)
    signals.task_prerun.connect(started, weak=False)
    signals.task_postrun.connect(ended, weak=False)
