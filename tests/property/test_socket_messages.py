"""Messages made at random over sockets: each is answered, and no socket falls; see tests/fuzz."""

from __future__ import annotations

from functools import partial

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.limits import DEFAULT_LIMITS
from tests.fuzz import sockets
from tests.fuzz.server import server
from tests.fuzz.sessions import make_session
from tests.nets import SMALL

MESSAGES = 5_000


@pytest.fixture(scope="module")
def figures() -> sockets.Figures:
    return sockets.run(MESSAGES)


def test_every_message_is_answered_and_no_socket_falls(figures: sockets.Figures) -> None:
    assert figures.sent == MESSAGES
    assert figures.replies + figures.errors.total() >= MESSAGES
    assert figures.frames > MESSAGES // 100


def test_many_messages_were_commands_and_many_were_not(figures: sockets.Figures) -> None:
    assert figures.replies > MESSAGES // 4
    assert figures.errors.total() > MESSAGES // 4
    assert {"invalid", "not_json", "unknown_key", "unknown_name"} <= set(figures.errors)


def test_a_message_beyond_the_limit_closes_its_socket_and_no_other() -> None:
    with server() as host, httpx.Client(base_url=f"http://{host}") as client:
        url = f"ws://{host}/api/sessions/{make_session(client, SMALL)}/live"
        with connect(url) as other, connect(url) as socket:
            socket.send("x" * (DEFAULT_LIMITS.message_bytes + 1))
            with pytest.raises(ConnectionClosed) as closed:
                list(iter(partial(socket.recv, timeout=sockets.PATIENCE), None))
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1009
            other.send('{"do": "step", "id": "a"}')
            while '"id": "a"' not in str(other.recv(timeout=sockets.PATIENCE)):
                pass
