"""Who is answered before it has sent everything gets the answer, and not a connection reset."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from unittest.mock import Mock

import pytest

from app import lingering
from app.lingering import Line
from tests.unit.web.test_uploads import LIMIT, MEGABYTE, Server

TRIES = 5  # it was a race
MOST = 1_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("data"))
    yield found
    found.stop()


def _parts(size: int) -> Iterator[bytes]:
    yield from (b" " * 65_536 for _ in range(0, size, 65_536))


@pytest.mark.parametrize("way", ["announced", "chunked"])
@pytest.mark.parametrize(
    ("route", "size", "status"),
    [
        ("POST /api/sessions", LIMIT + 100_000, 413),
        ("POST /api/sessions", 2 * LIMIT - MEGABYTE, 413),
        ("POST /api/sessions/SESSION/commands", MEGABYTE, 413),
        ("POST /nothing", LIMIT - MEGABYTE, 404),
        ("PUT /api/sessions", LIMIT - MEGABYTE, 405),
    ],
)
def test_a_client_that_sends_its_whole_body_first_sees_the_answer(
    server: Server, route: str, size: int, status: int, way: str
) -> None:
    method, path = route.replace("SESSION", server.session).split()
    for _ in range(TRIES):
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as line:
            line.request(method, path, b" " * size if way == "announced" else _parts(size))
            assert line.getresponse().status == status


def _closing(**transport: Any) -> tuple[Line, Mock, Mock]:
    """Return a connection that was closed while its other side sends, its transport, and whom it
    tells.
    """
    told = Mock()
    given = {"is_closing.return_value": False, "get_protocol.return_value": told}
    inner = Mock(**{**given, **transport})
    line = Line(inner, MOST)
    line.sends = True
    line.close()
    return line, inner, told


def _end_of(inner: Mock) -> asyncio.Protocol:
    [end] = inner.set_protocol.call_args.args
    assert isinstance(end, asyncio.Protocol)
    return end


def test_who_sends_on_is_dropped_up_to_a_size() -> None:
    async def scene() -> None:
        line, inner, _ = _closing()
        assert line.is_closing()
        inner.write_eof.assert_called_once()
        inner.resume_reading.assert_called_once()
        for _ in range(2):
            _end_of(inner).data_received(b"x" * (MOST // 2))
        inner.close.assert_not_called()
        _end_of(inner).data_received(b"x")
        inner.close.assert_called_once()

    asyncio.run(scene())


def test_who_sends_on_is_dropped_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        closed = asyncio.Event()
        _closing(**{"close.side_effect": closed.set})
        await closed.wait()

    monkeypatch.setattr(lingering, "SECONDS", 0)
    asyncio.run(scene())


def test_nothing_is_said_after_the_end_and_who_waits_for_it_is_told() -> None:
    async def scene() -> None:
        line, inner, told = _closing(**{"write_eof.side_effect": OSError})
        line.write(b"too late")
        inner.write.assert_not_called()
        _end_of(inner).pause_writing()
        told.pause_writing.assert_called_once()  # an answer that is not taken counts on
        _end_of(inner).connection_lost(None)
        told.connection_lost.assert_called_once_with(None)

    asyncio.run(scene())


def test_who_is_closed_once_more_is_closed_at_once() -> None:
    """As by a server that stops."""

    async def scene() -> None:
        line, inner, _ = _closing()
        line.close()
        inner.close.assert_called_once()

    asyncio.run(scene())


def test_who_has_sent_everything_is_closed_at_once() -> None:
    inner = Mock(**{"is_closing.return_value": False})
    Line(inner, MOST).close()
    inner.close.assert_called_once()
