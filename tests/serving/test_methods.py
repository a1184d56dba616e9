"""Each address, requested with wrong methods and with bodies of wrong types."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from voxlet.serving.app import create_app
from voxlet.serving.jobs.making import VoiceMaker

LOCAL = "http://localhost"
ALL_METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH"}
ASKED = {"model": "tiny", "input": "4091", "voice": "ann"}


@pytest.fixture
def app(voice, page, tmp_path):
    return create_app([voice], page=page, making=VoiceMaker(tmp_path / "runs"))


def routes(app) -> list[tuple[str, set[str]]]:
    """Return addresses with a value for each of their parameters, and their methods."""
    found = []
    for path, ways in app.openapi()["paths"].items():
        methods = {way.upper() for way in ways}
        address = path.replace("{number}", "1").replace("{", "").replace("}", "")
        found.append((address, methods | {"HEAD"} if "GET" in methods else methods))
    assert {"/v1/audio/speech", "/jobs", "/takes/name", "/healthz"} <= {address for address, _ in found}
    return found


def test_another_method_is_refused_with_those_that_are_allowed(app) -> None:
    client = TestClient(app, base_url=LOCAL)
    for path, methods in routes(app):
        for method in ALL_METHODS - methods:
            answer = client.request(method, path)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == methods, (method, path)
            assert all(one in answer.json()["error"]["message"] for one in methods)


def test_what_is_nowhere_is_not_found_in_any_way(app) -> None:
    client = TestClient(app, base_url=LOCAL)
    assert client.get("/nowhere").status_code == 404
    assert client.head("/nowhere").status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/voices.json", "/v1/models", "/", "/nowhere"])
def test_head_is_get_without_its_body(app, path: str) -> None:
    client = TestClient(app, base_url=LOCAL)
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "", "application/jsonp"])
def test_a_body_of_another_kind_is_told_what_it_is_to_be(app, kind: str) -> None:
    client = TestClient(app, base_url=LOCAL)
    asked = {"content": json.dumps(ASKED).encode(), "headers": {"Content-Type": kind} if kind else {}}
    answer = client.post("/v1/audio/speech", **asked)
    error = answer.json()["error"]
    assert answer.status_code == 415
    assert "Content-Type: application/json" in error["message"]
    asked["headers"] = {"Content-Type": "application/json; charset=utf-8"}  # as it was told
    assert client.post("/v1/audio/speech", **asked).status_code == 200


def test_no_body_at_all(app) -> None:
    client = TestClient(app, base_url=LOCAL)
    answer = client.post("/v1/audio/speech", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "empty" in answer.json()["error"]["message"]
