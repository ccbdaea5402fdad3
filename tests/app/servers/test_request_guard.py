from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.servers.request_guard import is_local_host_header, is_loopback, is_own_origin


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8050", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8050", "127.8.8.8"]
)
def test_names_of_this_computer_are_answered(host: str) -> None:
    assert is_local_host_header(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8050",
        "192.168.1.5",
        "0.0.0.0",
        "[::]",
        "[::1",
        "localhost@evil.example",
        "evil.example/@127.0.0.1",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert not is_local_host_header(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "lab-server", "", "127.0.0.1:8050"])
def test_only_loopback_addresses_may_be_bound(host: str) -> None:
    assert not is_loopback(host)


def test_origin_has_to_be_this_very_server() -> None:
    assert is_own_origin(None, "127.0.0.1:8050")
    assert is_own_origin("http://127.0.0.1:8050", "127.0.0.1:8050")
    assert not is_own_origin("http://127.0.0.1:9999", "127.0.0.1:8050")
    assert not is_own_origin("https://evil.example", "127.0.0.1:8050")
    assert not is_own_origin("null", "127.0.0.1:8050")


def test_rebound_name_gets_nothing(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Host": "evil.example:8050"})

    assert answer.status_code == 403
    assert "127.0.0.1" in answer.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://["])
def test_foreign_page_cannot_call_back(client: FlaskClient, origin: str) -> None:
    headers = {"Host": "127.0.0.1:8050", "Origin": origin}

    assert client.post("/_dash-update-component", json={}, headers=headers).status_code == 403


def test_health_is_answered(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200


def test_page_may_load_from_here_alone(client: FlaskClient) -> None:
    answer = client.get("/")

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    for source in answer.text.split('src="')[1:] + answer.text.split('href="')[1:]:
        assert source.startswith("/"), source[:80]
