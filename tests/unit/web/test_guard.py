"""Who may ask: every route, the sockets and the files included, against hostile hosts and origins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketDenialResponse

from app.main import create_app
from app.settings import Settings, settings_from
from app.web.headers import ALWAYS
from tests.asgi import Answer, Headers, ask
from tests.clients import client_of
from tests.routes import routes_of

SETTINGS = Settings(
    allowed_hosts=("Retrace.School.example", "[2001:db8::1]"),
    allowed_origins=("https://lessons.school.example",),
)
ALWAYS_SENT = {name.lower(): value for name, value in ALWAYS.items()}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW")

GOOD_HOSTS = [
    b"localhost", b"localhost:8000", b"LocalHost:1", b"127.0.0.1", b"127.0.0.1:65535", b"[::1]", b"[::1]:8000",
    b"retrace.school.example", b"retrace.school.EXAMPLE:443", b"[2001:DB8::1]:80",
]  # fmt: skip
HOSTILE_HOSTS: list[list[bytes]] = [
    [],
    [b""], [b" "], [b":"], [b":80"], [b"."], [b"*"], [b"*.localhost"], [b"null"], [b"undefined"],
    [b"evil.example"], [b"evil.example:8000"], [b"localhost.evil.example"], [b"evil-localhost"],
    [b"localhost.localdomain"], [b"school.example"], [b"a.retrace.school.example"],
    [b"localhost."], [b"localhost.:80"], [b"127.0.0.1."], [b"retrace.school.example."],
    [b"user@localhost"], [b"user:secret@localhost"], [b"localhost@evil.example"], [b"localhost:80@evil.example"],
    [b"localhost:"], [b"localhost:0"], [b"localhost:65536"], [b"localhost:99999"], [b"localhost:999999"],
    [b"localhost:-1"], [b"localhost:+80"], [b"localhost:80a"], [b"localhost:0x50"], [b"localhost:8 0"],
    [b"localhost:80:80"], [b"localhost:\xd9\xa8\xd9\xa0"],
    [b"localhost "], [b" localhost"], [b"local host"], [b"localhost\t"], [b"localhost\n"], [b"localhost\r\nX: y"], [b"localhost\x00"],
    [b"localhost/"], [b"localhost/path"], [b"http://localhost"], [b"//localhost"], [b"localhost?x"], [b"localhost#x"], [b"localhost\\@evil.example"],
    [b"localhost,evil.example"], [b"evil.example, localhost"], [b"localhost;evil"],
    [b"localhost", b"localhost"], [b"localhost", b"evil.example"], [b"evil.example", b"localhost"], [b"", b"localhost"],
    [b"::1"], [b"[::1"], [b"::1]"], [b"[::1]evil"], [b"[::1]:"], [b"[::1]8000"], [b"[::1].evil.example"], [b"[[::1]]"],
    [b"[::ffff:127.0.0.1]"], [b"[0:0:0:0:0:0:0:1]"], [b"[::1%25lo]"], [b"[::2]"], [b"[localhost]"], [b"[]"],
    [b"127.1"], [b"127.0.0.2"], [b"0.0.0.0"], [b"2130706433"], [b"0x7f.0.0.1"], [b"0177.0.0.1"], [b"127.0.0.1.nip.example"],
    [b"loc\xc3\xa4lhost"], [b"\xef\xbd\x8cocalhost"], [b"localh\xc3\xb8st"], [b"xn--localhost"], [b"%6cocalhost"], [b"\xff\xfe"],
    [b"<script>alert(1)</script>"], [b"localhost" * 1000],
]  # fmt: skip

GOOD_ORIGINS: list[list[bytes]] = [[], [b"http://localhost:8000"], [b"https://localhost:8000"], [b"https://lessons.school.example"]]  # fmt: skip
HOSTILE_ORIGINS: list[list[bytes]] = [
    [b"null"], [b""], [b" "], [b"NULL"], [b"undefined"], [b"*"], [b"/"], [b"://"], [b"http://"], [b"https://"],
    [b"http://evil.example"], [b"https://evil.example:8000"], [b"http://localhost:8000.evil.example"],
    [b"http://evil.example/localhost:8000"], [b"http://evil-localhost:8000"], [b"http://a.localhost:8000"],
    [b"http://localhost"], [b"https://localhost"], [b"http://localhost:80"], [b"http://localhost:8001"], [b"http://localhost:80000"],
    [b"http://localhost:08000"], [b"http://localhost:8000:8000"], [b"http://localhost:"], [b"localhost:8000"], [b"//localhost:8000"],
    [b"http://127.0.0.1:8000"], [b"http://[::1]:8000"], [b"http://LOCALHOST:8000"], [b"HTTP://localhost:8000"], [b"http://localhost.:8000"],
    [b"http://localhost:8000/"], [b"http://localhost:8000/s/x"], [b"http://localhost:8000?"], [b"http://localhost:8000#"],
    [b"http://user@localhost:8000"], [b"http://localhost:8000@evil.example"], [b"http://evil.example@localhost:8000"], [b"http:/localhost:8000"], [b"http:\\\\localhost:8000"],
    [b" http://localhost:8000"], [b"http://localhost:8000 "], [b"http://localhost:8000\n"], [b"http://localhost:8000\x00"],
    [b"http://localhost:8000, http://evil.example"], [b"http://localhost:8000 http://evil.example"], [b"http://localhost:8000", b"http://localhost:8000"], [b"http://evil.example", b"http://localhost:8000"], [b"http://localhost:8000", b"null"],
    [b"ws://localhost:8000"], [b"wss://localhost:8000"], [b"file://"], [b"file:///localhost:8000"], [b"data:text/html,x"], [b"blob:http://localhost:8000"],
    [b"chrome-extension://localhost:8000"], [b"ftp://localhost:8000"], [b"javascript:alert(1)"], [b"about:blank"],
    [b"http://lessons.school.example"], [b"https://lessons.school.example:443"], [b"https://lessons.school.example/"], [b"https://a.lessons.school.example"], [b"https://retrace.school.example"],
    [b"http://l\xc3\xb8calhost:8000"], [b"http://\xef\xbd\x8cocalhost:8000"], [b"http://xn--localhost:8000"], [b"\xff\xfe"], [b"http://localhost:8000" * 500],
]  # fmt: skip


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """What is refused must not get as far as the store: there is none."""
    return create_app(SETTINGS)


def everywhere(app: FastAPI) -> list[tuple[str, str]]:
    http, sockets = routes_of(app)
    return [*http, *(("WS", path) for path in (*sockets, "/nothing"))]


def writing(app: FastAPI) -> list[tuple[str, str]]:
    """Every socket, and every path by every method that may change something."""
    http, sockets = routes_of(app)
    paths = sorted({path for _, path in http})
    return [
        *((method, path) for path in paths for method in UNSAFE),
        *(("WS", path) for path in (*sockets, "/nothing")),
    ]


def check_refusal(answer: Answer, status: int, code: str, setting: str, page: bool) -> None:
    assert answer.status == status
    assert ALWAYS_SENT.items() <= answer.headers.items()
    if page:
        assert answer.headers["content-type"].startswith("text/html")
        assert setting in answer.body.decode()
        assert b"<script>alert" not in answer.body
        return
    assert answer.error["code"] == code
    assert set(answer.error) == {"code", "message", "field", "value", "expected"}
    assert setting in answer.error["message"]
    assert len(answer.body) < 1500


def test_the_tables_are_as_long_as_promised(app: FastAPI) -> None:
    assert min(len(HOSTILE_HOSTS), len(HOSTILE_ORIGINS)) >= 40
    assert len(everywhere(app)) > 25
    assert ("WS", "/api/sessions/0/live") in writing(app)


@pytest.mark.parametrize("hosts", HOSTILE_HOSTS, ids=repr)
def test_no_route_answers_for_a_host_that_is_not_ours(app: FastAPI, hosts: list[bytes]) -> None:
    headers = [(b"host", host) for host in hosts]
    for method, path in everywhere(app):
        page = method == "GET" and not path.startswith("/api/")
        answer = ask(app, method, path, headers)
        check_refusal(answer, 400, "host_not_allowed", "RETRACE_ALLOWED_HOSTS", page)


@pytest.mark.parametrize("origins", HOSTILE_ORIGINS, ids=repr)
def test_no_page_of_another_origin_changes_anything(app: FastAPI, origins: list[bytes]) -> None:
    headers = [(b"host", b"localhost:8000"), *((b"origin", origin) for origin in origins)]
    for method, path in writing(app):
        answer = ask(app, method, path, headers)
        check_refusal(answer, 403, "origin_not_allowed", "RETRACE_ALLOWED_ORIGINS", False)


@pytest.fixture(scope="module")
def open_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("data")
    with client_of(replace(SETTINGS, data_dir=folder)) as found:
        yield found


def _met(client: TestClient, method: str, path: str, headers: list[tuple[str, str]]) -> str:
    """Return the code of the error that is met there, or nothing."""
    if method != "WS":
        reply = client.request(method, path, headers=headers)  # type: ignore[arg-type]
        is_json = reply.headers.get("content-type") == "application/json" and method != "HEAD"
        body = reply.json() if is_json else None
        return str(body["error"]["code"]) if isinstance(body, dict) and "error" in body else ""
    try:
        with client.websocket_connect(path, headers=dict(headers)) as socket:
            socket.receive()
    except WebSocketDenialResponse as denied:
        return str(denied.json()["error"]["code"])
    return ""


@pytest.mark.parametrize("host", GOOD_HOSTS, ids=repr)
def test_every_route_answers_for_our_own_hosts(open_client: TestClient, host: bytes) -> None:
    for method, path in everywhere(open_client.app):  # type: ignore[arg-type]
        found = _met(open_client, method, path, [("host", host.decode())])
        assert found not in ("host_not_allowed", "origin_not_allowed"), (method, path)


@pytest.mark.parametrize("origins", GOOD_ORIGINS, ids=repr)
def test_our_own_pages_and_programs_may_write(
    open_client: TestClient, origins: list[bytes]
) -> None:
    headers = [("host", "localhost:8000"), *(("origin", origin.decode()) for origin in origins)]
    for method, path in writing(open_client.app):  # type: ignore[arg-type]
        assert _met(open_client, method, path, headers) != "origin_not_allowed", (method, path)


@pytest.mark.parametrize("host", ["[::1]:8000", "retrace.school.example", "LOCALHOST"])
def test_own_is_what_the_request_itself_was_sent_to(open_client: TestClient, host: str) -> None:
    for scheme in ("http", "https"):
        headers = {"host": host, "origin": f"{scheme}://{host}"}
        assert open_client.post("/api/sessions", content=b"{", headers=headers).status_code == 422
        headers["host"] = "127.0.0.1"
        assert open_client.post("/api/sessions", content=b"{", headers=headers).status_code == 403


def test_reading_asks_for_no_origin(open_client: TestClient) -> None:
    headers = {"origin": "https://evil.example"}
    assert open_client.get("/healthz", headers=headers).status_code == 200
    assert "access-control-allow-origin" not in open_client.get("/healthz", headers=headers).headers


def test_what_a_proxy_is_said_to_have_forwarded_is_nobodys_host(app: FastAPI) -> None:
    headers: Headers = [(b"host", b"evil.example"), (b"x-forwarded-host", b"localhost")]
    assert ask(app, "GET", "/", headers).status == 400


def test_a_server_that_cannot_answer_a_handshake_closes_it(app: FastAPI) -> None:
    foreign: Headers = [(b"host", b"localhost"), (b"origin", b"null")]
    for path in ("/api/sessions/0/live", "/nothing"):
        answer = ask(app, "WS", path, foreign, can_answer=False)
        assert (answer.status, answer.closed) == (0, 1008)


def test_where_no_socket_is_served_the_handshake_is_told_so(app: FastAPI) -> None:
    answer = ask(app, "WS", "/nothing", [(b"host", b"localhost")])
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert ALWAYS_SENT.items() <= answer.headers.items()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RETRACE_ALLOWED_HOSTS", "a.example:80"),
        ("RETRACE_ALLOWED_HOSTS", "https://a.example"),
        ("RETRACE_ALLOWED_HOSTS", "a.example,*"),
        ("RETRACE_ALLOWED_HOSTS", "a.example."),
        ("RETRACE_ALLOWED_HOSTS", "::1"),
        ("RETRACE_ALLOWED_ORIGINS", "null"),
        ("RETRACE_ALLOWED_ORIGINS", "*"),
        ("RETRACE_ALLOWED_ORIGINS", "a.example"),
        ("RETRACE_ALLOWED_HOSTS", "[1::2::3]"),
        ("RETRACE_ALLOWED_HOSTS", "a.example b.example"),
        ("RETRACE_ALLOWED_ORIGINS", "https://a.example/"),
        ("RETRACE_ALLOWED_ORIGINS", "https://a.example/lessons"),
        ("RETRACE_ALLOWED_ORIGINS", "https://a.example https://b.example"),
        ("RETRACE_ALLOWED_ORIGINS", "https://a.example:0"),
        ("RETRACE_ALLOWED_ORIGINS", "https://a.example:65536"),
        ("RETRACE_ALLOWED_ORIGINS", "https://[1::2::3]"),
    ],
)
def test_a_setting_that_could_never_match_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        settings_from({name: text})


def test_settings_hold_names_and_origins(tmp_path: Path) -> None:
    found = settings_from(
        {
            "RETRACE_ALLOWED_HOSTS": "a.example, [2001:db8::1]",
            "RETRACE_ALLOWED_ORIGINS": "https://b.example:8443",
        }
    )
    assert found.allowed_hosts == ("a.example", "[2001:db8::1]")
    assert found.allowed_origins == ("https://b.example:8443",)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("HTTPS://School.Example", "https://school.example"),
        ("https://school.example:443", "https://school.example"),
        ("http://school.example:80", "http://school.example"),
        ("http://school.example:443", "http://school.example:443"),
        ("https://school.example:08443", "https://school.example:8443"),
        ("https://[2001:DB8:0::1]:443", "https://[2001:db8::1]"),
    ],
)
def test_an_origin_may_be_written_otherwise_than_browsers_send_it(
    data_dir: Path, text: str, sent: str
) -> None:
    origins = settings_from({"RETRACE_ALLOWED_ORIGINS": text}).allowed_origins
    with client_of(Settings(data_dir=data_dir, allowed_origins=origins)) as client:
        reply = client.post("/api/sessions", json={}, headers={"origin": sent})
    assert reply.status_code == 201, reply.text


@pytest.mark.parametrize(
    ("text", "sent"),
    [("School.Example", "school.example"), ("[2001:DB8:0::1]", "[2001:db8::1]:8000")],
)
def test_a_host_may_be_written_otherwise_than_browsers_send_it(
    data_dir: Path, text: str, sent: str
) -> None:
    hosts = settings_from({"RETRACE_ALLOWED_HOSTS": text}).allowed_hosts
    with client_of(Settings(data_dir=data_dir, allowed_hosts=hosts)) as client:
        assert client.get("/healthz", headers={"host": sent}).status_code == 200
