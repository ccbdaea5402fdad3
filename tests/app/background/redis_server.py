"""A Redis of the tests' own, and workers that take background callbacks from it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from app.background.redis_workers import queue_name, worker_key
from nwb_schema.project import Project

REPOSITORY = Path(__file__).resolve().parents[3]
_START_S = 90


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """The URL of a new Redis with a password, on this computer alone, that keeps nothing."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.fail("needs Redis: install Debian's package redis-server (bootstrap.py test does, as root)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = secrets.token_hex(8)
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([server, *settings, "--requirepass", password], stdout=subprocess.DEVNULL)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        _wait_for(lambda: _answers(url), process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def running_worker(project: Project, url: str, *, command: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process group of its own, ready to work: of the tests' callbacks, or as people start it."""
    client = redis.Redis.from_url(url)
    client.delete(worker_key(queue_name(project.folder)))
    program = ["fluorite", "worker", "--processes", "1"] if command else ["tests.app.background.redis_worker"]
    worker = subprocess.Popen(
        [sys.executable, "-m", *program, str(project.folder)],
        cwd=REPOSITORY,
        env={**os.environ, "FLUORITE_REDIS_URL": url},
        start_new_session=True,
    )
    try:
        _wait_for(lambda: bool(client.exists(worker_key(queue_name(project.folder)))), worker)
        yield worker
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGTERM)
        try:
            worker.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def _answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.exceptions.RedisError:
        return False


def _wait_for(condition: object, process: subprocess.Popen[bytes]) -> None:
    stop = time.monotonic() + _START_S
    while not condition():  # type: ignore[operator]
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        assert time.monotonic() < stop, f"{process.args} does not start"
        time.sleep(0.02)
