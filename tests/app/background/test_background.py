from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dash import Dash, dcc, html
from dash.background_callback.managers import BaseBackgroundCallbackManager
from dash.exceptions import BackgroundCallbackError
from flask.testing import FlaskClient

from app.background import failure, own_results
from app.background.clean_processes import CleanProcessManager
from app.background.failure import say_failure
from app.background.own_results import LOST
from app.background.redis_workers import NO_REDIS, NO_WORKER, RedisManager, queue_name, work
from app.background.workers import WorkerError
from app.pages import batch_page, browse_page, export_page, sample_page, tune_page
from app.servers.dashboard import create_app
from app.workspace import current_workspace
from nwb_schema.project import Project
from tests.app.background import background_work
from tests.app.background.redis_server import running_redis, running_worker
from tests.app.small_project import MadeSample, add_sample


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="module")
def redis_worker(project: Project, redis_url: str) -> Iterator[None]:
    with running_worker(project, redis_url):
        yield


@pytest.fixture(scope="module", params=["processes", "redis"])
def manager(request: pytest.FixtureRequest, project: Project) -> Any:
    """Both managers, with a worker for the one that needs it."""
    if request.param == "processes":
        return CleanProcessManager(project)
    url = request.getfixturevalue("redis_url")
    request.getfixturevalue("redis_worker")
    return RedisManager(project, url)


@pytest.fixture(scope="module", autouse=True)
def names() -> dict[Callable[..., Any], str]:
    return background_work.register()


def start(manager: Any, fn: Callable[..., Any], *args: Any) -> tuple[str, str]:
    """What Dash does with a background callback; returns the key of its result and its job."""
    key = manager.build_cache_key(fn, list(args), [], None)
    name = BaseBackgroundCallbackManager.hash_function(fn, "test")
    return key, str(manager.call_job_fn(key, manager.func_registry[name], list(args), {}))


def result(manager: Any, key: str, job: str) -> Any:
    """What the page gets in the end, asking as it does."""
    stop = time.monotonic() + 60
    while time.monotonic() < stop:
        running = manager.job_running(job)
        found = manager.get_result(key, job)
        if found is not manager.UNDEFINED or not running:
            return found
        time.sleep(0.02)  # between two questions, as a page does; what is waited for may need the processor
    raise AssertionError("no result")


def test_callback_knows_its_project_and_hands_back_its_result(manager: Any, project: Project) -> None:
    key, job = start(manager, background_work.name_of_project, "x")

    assert result(manager, key, job) == [project.name, "x"]


def test_result_of_a_job_that_ends_while_the_page_asks_is_not_lost(
    manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, job = start(manager, background_work.name_of_project, "x")
    with monkeypatch.context() as still_working:
        still_working.setattr(manager, "is_alive", lambda job: True)
        still_working.setattr(manager, "fetch", lambda key, job: manager.UNDEFINED)
        assert manager.get_result(key, job) is manager.UNDEFINED
    with monkeypatch.context() as ended:
        ended.setattr(manager, "is_alive", lambda job: False)
        assert manager.job_running(job), "Dash would tell the page that there is nothing to come"
        assert not manager.job_running(job)

    assert result(manager, key, job) is not manager.UNDEFINED


def test_the_same_question_asked_twice_has_two_answers(manager: Any) -> None:
    one, two = (start(manager, background_work.name_of_project, "the same") for _ in range(2))

    assert one[0] != two[0]
    assert result(manager, *one) is not manager.UNDEFINED
    assert manager.get_result(one[0], None) is manager.UNDEFINED  # who asked has taken it
    assert result(manager, *two) is not manager.UNDEFINED


def test_key_holds_the_user(manager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: "guessed")
    keys = []
    for user in ("alice", "bob"):
        monkeypatch.setattr(own_results, "asking_user", lambda user=user: user)
        keys.append(manager.build_cache_key(background_work.killed, ["x"], [], None))

    assert keys[0] != keys[1]


def test_killed_process_is_reported(manager: Any) -> None:
    key, job = start(manager, background_work.killed, "x")

    assert result(manager, key, job) == {"background_callback_error": {"msg": LOST, "tb": ""}}


def test_cancelled_one_ends_and_is_no_error(manager: Any, tmp_path: Path) -> None:
    key, job = start(manager, background_work.waiting, str(tmp_path))
    while not (tmp_path / "running").exists():
        assert manager.job_running(job)
    assert manager.job_running(job)
    assert manager.get_progress(key) == ["running"]

    manager.terminate_job(job)

    assert result(manager, key, job) is manager.UNDEFINED
    assert not manager.job_running(job)


def test_fault_is_said_without_its_traceback(manager: Any, caplog: pytest.LogCaptureFixture) -> None:
    key, job = start(manager, background_work.failing, "x")

    assert result(manager, key, job) == {"background_callback_error": {"msg": "no such thing", "tb": ""}}
    assert "background_work.py" in caplog.text


def ask(client: FlaskClient, app: Dash, callback: str, value: Any, handles: dict[str, str] | None = None) -> Any:
    """What a page sends for the background callback whose only input is `callback`, and the answer."""
    output, entry = next(
        (name, entry)
        for name, entry in app.callback_map.items()
        if [f"{one['id']}.{one['property']}" for one in entry["inputs"]] == [callback] and entry["background"]
    )
    identifier, prop = callback.split(".")
    outputs = [
        {"id": one.component_id, "property": one.component_property}
        for one in (entry["output"] if isinstance(entry["output"], (list, tuple)) else [entry["output"]])
    ]
    return client.post(
        "/_dash-update-component",
        query_string=handles or {},
        json={
            "output": output,
            "outputs": outputs if len(outputs) > 1 else outputs[0],
            "inputs": [{"id": identifier, "property": prop, "value": value}],
            "changedPropIds": [callback],
            "state": [],
        },
    ).get_json()


def test_page_learns_that_the_process_was_killed(
    app: Dash, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = CleanProcessManager.call_job_fn

    def start_killed(self: CleanProcessManager, key: str, job_fn: Any, args: Any, context: Any) -> int:
        return started(self, key, self.make_job_fn(background_work.killed, False), ["x"], context)

    monkeypatch.setattr(CleanProcessManager, "call_job_fn", start_killed)
    answer = ask(client, app, "heatmap-request.data", {"identifier": "x"})
    handles = {"cacheKey": answer["cacheKey"], "job": answer["job"]}

    while "sideUpdate" not in (answer := ask(client, app, "heatmap-request.data", {"identifier": "x"}, handles)):
        assert "response" not in answer

    assert answer["sideUpdate"] == {"background-problem": {"children": LOST, "is_open": True}}
    assert answer["response"] == {}


def test_opening_a_page_starts_no_background_work(app: Dash, sample: MadeSample) -> None:
    """A store without data says that it changed when it is made, and whatever follows it begins."""
    followed = {one["id"] for entry in app.callback_map.values() if entry["background"] for one in entry["inputs"]}
    with app.server.app_context():
        workspace = current_workspace()
        rest = sample_page.rest_of_page(workspace, workspace.samples.get(sample.identifier))
        pages = [
            app.layout,
            browse_page.layout(),
            sample_page.layout(sample.identifier),
            html.Div(rest),
            tune_page.layout(),
            batch_page.layout(),
            export_page.layout(),
        ]
    stores = {
        store.id: getattr(store, "data", None)
        for page in pages
        for store in page._traverse()
        if isinstance(store, dcc.Store)
    }

    assert {"heatmap-request", "figure-request", "bulk-nonce", "jobs-watch", "tune-asked"} <= followed & set(stores)
    assert [name for name in followed & set(stores) if stores[name] is None] == []


def test_page_shows_failures_of_background_callbacks_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, Any] = {}
    monkeypatch.setattr(failure, "set_props", lambda where, props: shown.update({where: props}))

    say_failure(BackgroundCallbackError(f"An error occurred inside a background callback: {LOST}\n"))

    assert shown == {"background-problem": {"children": LOST, "is_open": True}}
    with pytest.raises(KeyError):
        say_failure(KeyError("x"))


def test_messages_between_server_and_workers_are_json_alone(manager: Any) -> None:
    if isinstance(manager, CleanProcessManager):
        return  # its processes are children that share memory; see `private_folder` for what they leave on disk
    settings = manager.handle.conf

    assert (settings.task_serializer, settings.result_serializer) == ("json", "json")
    assert (settings.accept_content, settings.result_accept_content) == (["json"], ["json"])


def test_projects_do_not_share_a_queue(tmp_path: Path) -> None:
    assert queue_name(tmp_path / "a") != queue_name(tmp_path / "b")
    assert queue_name(tmp_path / "a") == queue_name(tmp_path / "b" / ".." / "a")


def test_page_is_told_that_nobody_works(redis_url: str, tmp_path: Path) -> None:
    manager = RedisManager(Project.create(tmp_path / "alone"), redis_url)
    key, job = start(manager, background_work.name_of_project, "x")

    assert result(manager, key, job)["background_callback_error"]["msg"] == NO_WORKER


def test_page_is_told_that_redis_is_away(project: Project) -> None:
    manager = RedisManager(project, "redis://127.0.0.1:1/0")
    key, job = start(manager, background_work.name_of_project, "x")

    assert manager.get_progress(key) is None
    assert result(manager, key, job)["background_callback_error"]["msg"] == NO_REDIS


@pytest.mark.parametrize(("url", "message"), [(None, "is not set"), ("redis://127.0.0.1:1/0", "does not answer")])
def test_worker_without_redis_says_what_to_do(
    project: Project, monkeypatch: pytest.MonkeyPatch, url: str | None, message: str
) -> None:
    monkeypatch.delenv("FLUORITE_REDIS_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("FLUORITE_REDIS_URL", url)

    with pytest.raises(WorkerError, match=message):
        work(project.folder, 1, create_app)


def test_worker_that_is_killed_whole_is_noticed(redis_url: str, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    with running_worker(project, redis_url) as worker:
        manager = RedisManager(project, redis_url)
        key, job = start(manager, background_work.waiting, str(tmp_path))
        while not (tmp_path / "running").exists():
            assert worker.poll() is None
        os.killpg(worker.pid, signal.SIGKILL)

        assert result(manager, key, job)["background_callback_error"]["msg"] == LOST


def test_heat_map_is_made_by_a_worker_that_the_command_started(
    sample: MadeSample, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path / "project")
    sample = add_sample(project, sample.simulation, with_movie=False)
    monkeypatch.setenv("FLUORITE_REDIS_URL", redis_url)
    app = create_app(project.folder)
    request = {"identifier": sample.identifier, "cells": "all", "width": 100}

    with running_worker(project, redis_url, command=True), app.server.test_client() as client:
        answer = ask(client, app, "heatmap-request.data", request)
        handles = {"cacheKey": answer["cacheKey"], "job": answer["job"]}
        while "response" not in (answer := ask(client, app, "heatmap-request.data", request, handles)):
            assert "sideUpdate" not in answer

    assert len(answer["response"]["heatmap-rows"]["data"]["keys"]) == 9
    assert answer["response"]["heatmap"]["figure"]["data"][0]["type"] == "heatmap"
