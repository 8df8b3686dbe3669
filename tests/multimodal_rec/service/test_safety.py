"""Closed to strangers, limited, and silent about its inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from multimodal_rec.errors import QueryError
from multimodal_rec.service.app import create_app
from multimodal_rec.service.guard import RateLimit
from multimodal_rec.service.settings import Scope, Settings, check_safe, hashed, is_loopback, read_keys

READ, WRITE, ADMIN = "r" * 20, "w" * 20, "a" * 20
KEYS = {hashed(READ): Scope.READ, hashed(WRITE): Scope.WRITE, hashed(ADMIN): Scope.ADMIN}
EVENT = {"events": [{"user_id": "ada", "item_id": "fog-signal"}]}


@pytest.fixture
def guarded(workspace: Path) -> Iterator[TestClient]:
    settings = Settings(workspace=workspace, keys=KEYS, most_body_bytes=20_000, most_upload_bytes=50_000)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("GET", "/users/ada/recommendations", None, Scope.READ),
        ("POST", "/search", {"text": "sea"}, Scope.READ),
        ("GET", "/items/fog-signal", None, Scope.READ),
        ("GET", "/metrics", None, Scope.READ),
        ("POST", "/events", EVENT, Scope.WRITE),
        ("PUT", "/items/n", {"title": "n"}, Scope.WRITE),
        ("DELETE", "/items/fog-signal", None, Scope.WRITE),
        ("GET", "/admin/status", None, Scope.ADMIN),
        ("DELETE", "/users/ada", None, Scope.ADMIN),
    ],
)
def test_a_key_does_what_its_scope_says(
    guarded: TestClient, method: str, path: str, body: object, scope: Scope
) -> None:
    assert guarded.request(method, path, json=body).status_code == 401
    assert guarded.request(method, path, json=body, headers=bearer("x" * 20)).status_code == 401
    for key, held in ((READ, Scope.READ), (WRITE, Scope.WRITE), (ADMIN, Scope.ADMIN)):
        answer = guarded.request(method, path, json=body, headers=bearer(key))
        assert answer.status_code == (200 if held >= scope else 403), (held, answer.text)
        if held >= scope:
            break


def test_health_needs_no_key(guarded: TestClient) -> None:
    assert guarded.get("/healthz").json()["status"] == "ok"
    assert guarded.get("/readyz").json()["status"] == "ready"


def test_the_page_is_signed_in_to_with_a_key(guarded: TestClient) -> None:
    assert guarded.get("/ui").url.path == "/sign-in"
    assert guarded.post("/sign-in", data={"key": "x" * 20}).status_code == 401
    answer = guarded.post("/sign-in", data={"key": READ}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert guarded.get("/items").status_code == 200
    assert guarded.post("/events", json=EVENT).status_code == 403


def test_it_does_not_listen_to_others_without_keys(workspace: Path) -> None:
    with pytest.raises(QueryError, match="needs API keys"):
        check_safe(Settings(workspace=workspace, host="0.0.0.0"))  # noqa: S104
    check_safe(Settings(workspace=workspace, host="0.0.0.0", keys=KEYS))  # noqa: S104
    for host in ("127.0.0.1", "::1", "localhost"):
        check_safe(Settings(workspace=workspace, host=host))
    assert not is_loopback("192.168.1.2")
    assert not is_loopback("example.org")


def test_keys_are_read_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# ours\nread:{READ}\nADMIN:{ADMIN}\n")
    assert read_keys(path) == {hashed(READ): Scope.READ, hashed(ADMIN): Scope.ADMIN}
    monkeypatch.setenv("MULTIMODAL_REC_API_KEYS", f"write:{WRITE}")
    assert read_keys(None) == {hashed(WRITE): Scope.WRITE}
    monkeypatch.setenv("MULTIMODAL_REC_API_KEYS", "write:short")
    with pytest.raises(QueryError, match="word 1"):
        read_keys(None)
    with pytest.raises(QueryError, match="cannot be read"):
        read_keys(tmp_path / "absent")


def test_what_is_too_large_is_refused(guarded: TestClient) -> None:
    long = {"text": "sea " * 6000}
    assert guarded.post("/search", json=long, headers=bearer(READ)).status_code == 413
    upload = {"image": ("a.jpg", b"\xff\xd8" + bytes(60_000))}
    assert guarded.post("/search", files=upload, headers=bearer(READ)).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    headers = bearer(READ) | {"content-type": "application/json"}
    assert guarded.post("/search", content=endless(), headers=headers).status_code == 413


def test_a_client_that_asks_too_often_waits() -> None:
    limit = RateLimit(2.0)
    assert [limit.allows("a", 0.0) for _ in range(21)] == [True] * 20 + [False]
    assert limit.allows("b", 0.0)
    assert [limit.allows("a", 0.5) for _ in range(2)] == [True, False]


def test_the_rate_limit_answers_429(workspace: Path) -> None:
    settings = Settings(workspace=workspace, requests_per_second=0.2)
    with TestClient(create_app(settings)) as client:
        statuses = [client.get("/healthz").status_code for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        assert client.get("/healthz").headers["retry-after"] == "1"


def test_other_sites_and_other_names_are_refused(client: TestClient) -> None:
    assert client.post("/events", json=EVENT, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post("/events", json=EVENT, headers={"sec-fetch-site": "same-origin"}).status_code == 200
    assert client.get("/items", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/items", headers={"host": "localhost:8000"}).status_code == 200
    answer = client.options(
        "/items", headers={"origin": "https://evil.example", "access-control-request-method": "GET"}
    )
    assert "access-control-allow-origin" not in answer.headers


def test_errors_are_problems_without_internals(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with TestClient(create_app(Settings(workspace=workspace)), raise_server_exceptions=False) as client:
        missing = client.get("/items/none", headers={"x-request-id": "my-id"})
        assert missing.status_code == 404
        assert missing.headers["content-type"] == "application/problem+json"
        assert missing.headers["x-request-id"] == missing.json()["request_id"] == "my-id"
        assert client.get("/nowhere").json()["title"] == "Not Found"
        invalid = client.post("/events", json={"events": []}).json()
        assert invalid["status"] == 422
        assert "events" in invalid["errors"][0]["field"]
        service = client.app.state.service  # type: ignore[attr-defined]

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("secret inside")

        monkeypatch.setattr(service.log, "history", broken)
        failed = client.get("/users/ada/history", headers={"x-request-id": "lost"})
        assert failed.status_code == 500
        assert "secret" not in failed.text
        assert failed.json()["request_id"] == "lost"


def test_every_request_is_a_line_of_json_without_its_user(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    import logging

    from multimodal_rec.service.telemetry import JsonLines

    record = logging.LogRecord("x", logging.INFO, "", 0, "request", (), None)
    record.fields = {"route": "/users/{user_id}", "status": 200}
    line = json.loads(JsonLines().format(record))
    assert (line["message"], line["route"], line["status"], line["level"]) == (
        "request",
        "/users/{user_id}",
        200,
        "info",
    )
    client.get("/users/ada/recommendations")
    metrics = client.get("/metrics").text
    assert (
        'multimodal_rec_requests_total{method="GET",route="/users/{user_id:path}/recommendations",status="200"} 1.0'
        in metrics
    )
    assert "ada" not in metrics
    assert "multimodal_rec_items 36.0" in metrics
