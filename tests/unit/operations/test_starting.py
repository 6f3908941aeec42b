"""A server that cannot start with its settings says in one line which of them, and what it expects."""

from __future__ import annotations

import argparse
import errno
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import dev
from app.listening import listeners
from app.sessions.backup import STORE_FILE
from app.sessions.schema import VERSION as SCHEMA_VERSION
from app.settings import ignored
from tests.process import ROOT, SURROUNDINGS, Process

NOT_OURS = "192.0.2.1"  # for documents (RFC 5737): no machine has it
TCP = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")


@pytest.fixture
def busy() -> Iterator[int]:
    """A port of 127.0.0.1 where somebody else listens, and answers whatever is asked."""

    class Anything(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Anything) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _told(folder: Path, *command: str, **settings: str) -> tuple[int, str]:
    """Run `python -m app` to its end; return the exit code and all that it said."""
    place = {"RETRACE_HOST": "127.0.0.1", "RETRACE_PORT": str(_free())}
    environment = {**SURROUNDINGS, **place, "RETRACE_DATA_DIR": str(folder), **settings}
    done = subprocess.run(
        [sys.executable, "-m", "app", *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a..b", "an address, or a name that has one"),
        (NOT_OURS, "an address of this machine"),
        ("", "an address to listen on (0.0.0.0 is every one of IPv4, :: of IPv6)"),
    ],
)
def test_a_host_that_is_none_is_told_in_a_line(tmp_path: Path, host: str, expected: str) -> None:
    line = f"retrace: RETRACE_HOST: expected {expected}, got {host!r}\n"
    assert _told(tmp_path, RETRACE_HOST=host) == (1, line)


def test_a_port_in_use_is_told_in_a_line(tmp_path: Path, busy: int) -> None:
    line = f"retrace: RETRACE_PORT: expected a port that is free at 127.0.0.1, got '{busy}'\n"
    assert _told(tmp_path, RETRACE_PORT=str(busy)) == (1, line)


@pytest.mark.parametrize("command", [(), ("restore", "copy")])
@pytest.mark.parametrize(("below", "why"), [("", "File exists"), ("/x", "Not a directory")])
def test_a_folder_that_is_none_is_told_in_a_line(
    tmp_path: Path, command: tuple[str, ...], below: str, why: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    line = (
        f"retrace: RETRACE_DATA_DIR: expected a folder, or where one can be made ({why}),"
        f" got '{file}{below}'\n"
    )
    assert _told(file, *command, RETRACE_DATA_DIR=f"{file}{below}") == (1, line)


def test_a_store_that_cannot_be_opened_says_why_in_a_line(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / STORE_FILE)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    code, said = _told(tmp_path)
    failed = json.loads(said)
    assert (code, failed["event"]) == (1, "the store cannot be opened")
    assert failed["folder"] == str(tmp_path)
    assert "newer" in failed["reason"]


def test_variables_that_are_no_settings_are_told_once_and_not_their_values(tmp_path: Path) -> None:
    server = Process(tmp_path / "data", RETRACE_MAX_CELLS="secret", RETRACE_B="", OTHER="x")
    server.stop()
    text = server.written.read_text("utf-8")
    [told] = [line for line in map(json.loads, text.splitlines()) if line["level"] == "warning"]
    assert told["event"] == "variables that are no settings"
    assert told["names"] == ["RETRACE_B", "RETRACE_MAX_CELLS"]
    assert "secret" not in text


@contextmanager
def _resolved(monkeypatch: pytest.MonkeyPatch, *places: tuple[Any, ...]) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *_, **__: list(places))
        yield


def test_a_name_without_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(
        ValueError, match=r"^RETRACE_HOST: expected .* has one, got 'no\.such\.invalid'$"
    ):
        listeners("no.such.invalid", 8000)


def test_each_address_of_a_name_is_listened_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have one twice, and one that this machine has not: ::1 where IPv6 is off.

    Every machine has but one address, so ports tell them apart here.
    """
    one, other = ((*TCP, ("127.0.0.1", _free())) for _ in range(2))
    with _resolved(monkeypatch, (*TCP, (NOT_OURS, 8000)), one, one, other):
        found = listeners("a.name", 8000)
    assert [listener.getsockname() for listener in found] == [one[-1], other[-1]]
    for listener in found:
        socket.create_connection(listener.getsockname()).close()
        listener.close()


def test_a_name_of_which_one_address_is_in_use_is_refused_whole(
    monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    free, taken = (("127.0.0.1", port) for port in (_free(), busy))
    told = f"^RETRACE_PORT: expected a port that is free at a.name, got '{busy}'$"
    with _resolved(monkeypatch, (*TCP, free), (*TCP, taken)), pytest.raises(ValueError, match=told):
        listeners("a.name", busy)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(free)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (
            errno.EACCES,
            "RETRACE_PORT: expected a port that this user may listen on at ::1, got '80'",
        ),
        (
            errno.EINVAL,
            "RETRACE_HOST: expected an address to listen on (Invalid argument), got '::1'",
        ),
    ],
)
def test_what_the_system_forbids_is_told_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def forbidden(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    with pytest.raises(ValueError) as refused:
        listeners("::1", 80)
    assert str(refused.value) == told


def test_a_port_is_taken_again_while_old_connections_fade() -> None:
    port = _free()
    [first] = listeners("127.0.0.1", port)
    with socket.create_connection(("127.0.0.1", port)) as client:
        accepted, _ = first.accept()
        accepted.close()  # whoever closes first waits: the system holds its end for a minute
        assert client.recv(1) == b""
    first.close()
    [second] = listeners("127.0.0.1", port)
    second.close()


def test_the_address_of_another_server_is_not_announced_as_ours(
    tmp_path: Path, busy: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "install", lambda _: None)
    monkeypatch.setattr(dev, "PYTHON", sys.executable)
    monkeypatch.setenv("RETRACE_DATA_DIR", str(tmp_path))
    for name in ignored():  # what is set for the tests is no setting, of which a server warns
        monkeypatch.delenv(name)
    options = argparse.Namespace(host="127.0.0.1", port=str(busy), no_browser=True)
    assert dev.run(options) == 1
    line = f"retrace: RETRACE_PORT: expected a port that is free at 127.0.0.1, got '{busy}'\n"
    assert capfd.readouterr() == ("", line)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81/"),
        ("0.0.0.0", "http://127.0.0.1:81/"),
        ("::", "http://[::1]:81/"),
        ("::1", "http://[::1]:81/"),
        ("a.name", "http://a.name:81/"),
    ],
)
def test_the_address_to_open_is_where_it_listens(host: str, address: str) -> None:
    assert dev.address_of(host, "81") == address


@pytest.mark.parametrize(
    "address", ["http://a..b:81/", "http://h:web/", f"http://h:{'1' * 5_000}/"]
)
def test_nobody_answers_where_there_is_no_address(address: str) -> None:
    assert not dev.answers(address)


@pytest.mark.skipif(os.name != "posix", reason="only there is such a limit")
def test_a_server_holds_as_many_sockets_as_the_system_allows() -> None:
    import resource

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))

    code = "from resource import *; from app.server import _open_many_files as more; more();"
    command = [sys.executable, "-c", f"{code} print(getrlimit(RLIMIT_NOFILE))"]
    found = subprocess.run(command, cwd=ROOT, preexec_fn=few, capture_output=True, text=True)
    assert found.stdout == "(512, 512)\n"
