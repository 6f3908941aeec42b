"""What every answer carries, whatever its status, and what none of them tells."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from app.limits import Limits
from app.settings import Settings
from app.web.headers import ALWAYS, CHARTS_POLICY, POLICY, completed
from tests.clients import client_of
from tests.routes import routes_of

DIVERGING = {
    "dataset": {"inputs": [[3]], "targets": [[1]]},
    "layers": [{"units": 1, "activation": "identity"}],
    "learning_rate": 1e200,
}


@pytest.fixture
def strict(data_dir: Any) -> Iterator[TestClient]:
    limits = Limits(body_bytes=300, sessions_per_hour=3, sockets_per_address=1)
    with client_of(Settings(data_dir=data_dir, limits=limits), follow_redirects=False) as found:
        yield found


def check(headers: Any, policy: str = POLICY) -> None:
    for name, value in {**ALWAYS, "Content-Security-Policy": policy}.items():
        assert headers.get_list(name) == [value], name
    assert not any(name.startswith("access-control-") for name in headers)


def fail(*_: Any) -> Any:
    raise RuntimeError("the inside of the server")


def test_every_status_has_the_headers(strict: TestClient) -> None:
    session = strict.post("/api/sessions", json=DIVERGING).json()["id"]
    run = f"/api/sessions/{session}"
    tag = {"if-none-match": strict.get("/static/icon.svg").headers["etag"]}
    asked = [
        (200, strict.get("/")),
        (200, strict.head("/openapi.json")),
        (200, strict.get("/plotly.min.js")),
        (201, strict.post("/api/sessions", json=DIVERGING)),
        (304, strict.get("/static/icon.svg", headers=tag)),
        (307, strict.get("/healthz/")),
        (400, strict.get("/", headers={"host": "evil.example"})),
        (403, strict.post("/", headers={"origin": "null"})),
        (404, strict.get("/nothing")),
        (404, strict.get("/static/../app/main.py")),
        (404, strict.get("/static/%2e%2e/app/main.py")),
        (404, strict.get("/api/sessions/none")),
        (405, strict.delete("/healthz")),
        (405, strict.request("OPTIONS", "/api/sessions")),
        (409, strict.get(f"{run}/steps/5")),
        (413, strict.post("/api/sessions", content=b" " * 301)),
        (413, strict.post("/api/nothing", content=b" " * 301)),
        (422, strict.post("/api/sessions", content=b"{")),
        (422, strict.get("/charts?show=x")),
        (201, strict.post("/api/sessions", json=DIVERGING)),
        (429, strict.post("/api/sessions", json=DIVERGING)),
    ]
    for status, reply in asked:
        assert reply.status_code == status, (reply.request.url, reply.text)
        check(reply.headers)


def test_every_route_has_the_headers(strict: TestClient) -> None:
    http, _ = routes_of(strict.app)  # type: ignore[arg-type]
    for method, path in http:
        check(strict.request(method, path).headers, CHARTS_POLICY if path == "/charts" else POLICY)


def test_the_policies_allow_no_script_or_style_in_the_page_and_no_other_site() -> None:
    for policy in (POLICY, CHARTS_POLICY):
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == "'self'"
        assert rules["base-uri"] == "'none'"
        assert {"frame-ancestors", "form-action"} <= rules.keys()
        assert rules["style-src"] == "'self'"
        assert not re.search(r"https?:|\*|unsafe|blob:", policy)


def test_the_charts_library_finds_the_styles_that_it_would_make(strict: TestClient) -> None:
    page, library = strict.get("/charts").text, strict.get("/plotly.min.js").text
    named = re.findall(r'document\.getElementById\("([0-9a-f]{64})"\)', library)
    assert len(named) == library.count('document.createElement("style")') - 1 == 1
    assert f'id="{named[0]}"' in page
    assert 'id="plotly.js-style-global" class="no-inline-styles"' in page


def test_a_header_that_a_route_has_set_stays() -> None:
    own = (b"Content-Security-Policy", b"default-src 'self'")
    found = completed([own])
    assert own in found
    assert len(found) == len(ALWAYS)


@pytest.mark.parametrize("path", ["/s/a-secret-key", "/api/sessions/a-secret-key"])
def test_what_nobody_foresaw_is_told_without_its_inside(
    strict: TestClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    strict.app.state.sessions.exists = strict.app.state.sessions.use = fail  # type: ignore[attr-defined]
    with caplog.at_level(logging.INFO):
        reply = strict.get(path)
    assert reply.status_code == 500
    check(reply.headers)
    assert "the inside" not in reply.text
    assert "Traceback" not in reply.text
    said = [r for r in caplog.records if r.getMessage() == "unexpected failure"]
    route = path.replace("a-secret-key", "{session_id}")
    assert [record.fields for record in said] == [{"method": "GET", "route": route}]
    assert "the inside" in caplog.text, "the log is where it belongs"


def test_a_program_gets_the_failure_as_json(strict: TestClient) -> None:
    strict.app.state.sessions.create = fail  # type: ignore[attr-defined]
    reply = strict.post("/api/sessions", json={})
    assert reply.json()["error"]["code"] == "internal"


def test_a_socket_that_fails_before_it_is_open_gets_an_answer(
    strict: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("starlette.websockets.WebSocket.accept", fail)
    with pytest.raises(WebSocketDenialResponse) as denied:
        strict.websocket_connect("/api/sessions/a-secret-key/live").__enter__()
    assert denied.value.status_code == 500
    assert json.loads(denied.value.content)["error"]["code"] == "internal"
    check(denied.value.headers)
    said = [r for r in caplog.records if r.getMessage() == "unexpected failure"]
    route = "/api/sessions/{session_id}/live"
    assert [record.fields for record in said] == [{"method": "WebSocket", "route": route}]


def test_a_socket_that_fails_later_is_closed_with_1011(strict: TestClient) -> None:
    strict.app.state.sessions.use = fail  # type: ignore[attr-defined]
    with strict.websocket_connect("/api/sessions/x/live") as socket:
        assert socket.receive()["code"] == 1011
    assert strict.app.state.quotas.addresses == 0  # type: ignore[attr-defined]
