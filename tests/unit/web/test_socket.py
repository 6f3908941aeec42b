"""What commands do over the WebSocket, and how a run is played there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.metrics import Metrics
from app.sessions.asking import Asked
from app.sessions.sessions import Access, Sessions
from app.sessions.viewers import Viewer
from app.web import socket
from app.web.framing import Framing
from app.wire.commands import Seek
from app.wire.frames import HEADER
from tests.unit.sessions.test_session import play


class Live:
    """A viewer's socket, read message by message."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.frames = socket, 0

    def send(self, **command: Any) -> None:
        self.socket.send_text(json.dumps(command))

    def until(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """Return the next message of a kind with these items; a frame counts as `frame`."""
        while True:
            message = self.socket.receive()
            if message.get("bytes"):
                fields = HEADER.unpack_from(message["bytes"])
                found: dict[str, Any] = {"type": "frame", "step": fields[4], "phase": fields[5]}
                found |= {"example": fields[8], "revision": fields[3]}
            else:
                found = json.loads(message["text"])
            if found["type"] == kind and all(found.get(k) == v for k, v in wanted.items()):
                return found

    def answer(self, identity: str) -> dict[str, Any]:
        """Return the next reply or error with this id."""
        while True:
            text = self.socket.receive().get("text")
            found: dict[str, Any] = json.loads(text) if text else {}
            if found.get("id") == identity:
                return found


@pytest.fixture
def live(client: TestClient, session: str) -> Any:
    with client.websocket_connect(f"/api/sessions/{session}/live") as socket:
        yield Live(socket)


def test_a_socket_says_hello_then_shows_a_frame(live: Live, session: str) -> None:
    assert live.until("hello")["session"]["id"] == session
    assert live.until("frame")["step"] == 0


def test_the_same_commands_over_the_socket(live: Live) -> None:
    live.send(do="step", unit="phase", by=3, id="a")
    assert live.until("reply", id="a")["cursor"] == {"step": 0, "phase": 3}
    assert live.until("frame", phase=3)["step"] == 0
    live.send(do="change", learning_rate=0.2, id="b")
    edited = live.until("reply", id="b")
    assert edited["edits"] == [{"step": 0, "learning_rate": 0.2}]
    assert (edited["revision"], edited["offset"], edited["can_undo"]) == (1, 2, True)
    live.send(do="show", example=1, id="c")
    assert live.until("frame", example=1)["revision"] == 1


def test_who_comes_back_is_told_what_it_missed_and_how_things_stand(
    client: TestClient, session: str
) -> None:
    commands = [{"do": "step", "unit": "step", "by": by, "id": f"c{by}"} for by in (1, 2, 3)]
    done = [client.post(f"/api/sessions/{session}/commands", json=each).json() for each in commands]
    with client.websocket_connect(f"/api/sessions/{session}/live?since=1") as socket:
        told = Live(socket).until("resumed")
    assert told["changes"] == done[1:]
    now = client.get(f"/api/sessions/{session}").json()
    kept = ("cursor", "offset", "machine", "recorded_on")
    assert {name: told[name] for name in kept} == {name: now[name] for name in kept}
    assert told["machine"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"x"', '{"do": 3}', '{"do": "step", "by": NaN}', "[" * 9000]
)
def test_a_malformed_message_is_answered_and_not_fatal(live: Live, text: str) -> None:
    live.socket.send_text(text)
    assert live.until("error")["error"]["message"]
    live.send(do="step", id="still here")
    assert live.until("reply", id="still here")


def test_a_binary_message_is_answered(live: Live) -> None:
    live.socket.send_bytes(b"\x00\x01")
    assert live.until("error")["error"]["field"] == "message"


def test_playing_belongs_to_the_session_and_any_tab_pauses_it(
    client: TestClient, session: str, live: Live
) -> None:
    live.send(do="play", unit="step", per_second=0)
    live.until("playing")
    seen = {live.until("frame")["step"] for _ in range(4)}
    assert len(seen) > 1
    with client.websocket_connect(f"/api/sessions/{session}/live") as second:
        other = Live(second)
        assert other.until("hello")["playing"] == {"unit": "step", "per_second": 0}
        other.send(do="pause", id="p")
        where = other.until("reply", id="p")["cursor"]
    live.until("playing", playing=None)
    assert client.get(f"/api/sessions/{session}").json()["cursor"] == where


def test_an_edit_does_not_pause_but_a_step_does(live: Live) -> None:
    live.send(do="play", unit="step", per_second=100)
    live.until("playing")
    live.send(do="change", learning_rate=0.01, id="e")
    live.until("reply", id="e")
    assert live.until("frame", revision=1)
    live.send(do="step", id="s")
    assert live.until("playing", playing=None)
    live.until("reply", id="s")


def test_a_far_jump_reports_progress_and_can_be_cancelled(client: TestClient) -> None:
    identity = client.post("/api/sessions", json={}).json()["id"]
    with client.websocket_connect(f"/api/sessions/{identity}/live") as socket:
        live = Live(socket)
        live.send(do="seek", step=1_000_000, id="far")
        progress = live.until("progress")
        assert 0 < progress["step"] < progress["target"] == 1_000_000
        live.send(do="cancel", id="c")
        assert live.until("progress", done=True)["step"] < 1_000_000
        assert live.until("error", id="far")["error"]["code"] == "cancelled"
        live.send(do="step", id="s")
        assert live.until("reply", id="s")["cursor"] == {"step": 0, "phase": 1}


def test_playing_takes_the_place_of_a_far_jump(client: TestClient) -> None:
    url = f"/api/sessions/{client.post('/api/sessions', json={}).json()['id']}/live"
    with client.websocket_connect(url) as socket:
        live = Live(socket)
        live.send(do="seek", step=200_000, id="far")
        live.until("progress")
        live.send(do="play", unit="step", per_second=0.01)
        assert live.answer("far").get("error", {}).get("code") == "cancelled"
        with client.websocket_connect(url) as second:
            hello = Live(second).until("hello")
        assert hello["playing"]
        assert hello["session"]["cursor"]["step"] == 0


def test_a_far_jump_ends_where_who_asked_for_it_leaves(client: TestClient) -> None:
    url = f"/api/sessions/{client.post('/api/sessions', json={}).json()['id']}/live"
    with client.websocket_connect(url) as stays:
        with client.websocket_connect(url) as leaves:
            asks = Live(leaves)
            asks.send(do="seek", step=200_000, id="far")
            asks.until("progress")
        assert 0 < Live(stays).until("progress", done=True)["step"] < 200_000


def test_a_known_command_does_not_stop_what_plays(
    client: TestClient, session: str, live: Live
) -> None:
    step = {"do": "step", "unit": "step", "by": 3, "id": "known"}
    first = client.post(f"/api/sessions/{session}/commands", json=step).json()
    live.send(do="play", unit="step", per_second=0.01)
    live.until("playing")
    assert client.post(f"/api/sessions/{session}/commands", json=step).json() == first
    live.send(**step)
    assert live.answer("known") == {"type": "reply", **first}
    live.send(**{**step, "by": 4})
    assert live.answer("known")["error"]["code"] == "id_taken"
    with client.websocket_connect(f"/api/sessions/{session}/live") as second:
        assert Live(second).until("hello")["playing"] is not None


@pytest.mark.parametrize("by", [3, 4])
def test_a_known_command_does_not_end_a_far_move(client: TestClient, by: int) -> None:
    url = f"/api/sessions/{client.post('/api/sessions', json={}).json()['id']}"
    step = {"do": "step", "unit": "step", "by": 3, "id": "known"}
    client.post(f"{url}/commands", json=step)
    with (
        client.websocket_connect(f"{url}/live") as one,
        client.websocket_connect(f"{url}/live") as other,
    ):
        live, second = Live(one), Live(other)
        live.send(do="seek", step=200_000, id="far")
        live.until("progress")
        second.send(**{**step, "by": by})
        assert second.answer("known")["type"] == ("reply" if by == 3 else "error")
        assert live.answer("far").get("cursor") == {"step": 200_000, "phase": 0}


def test_undo_of_a_far_edit_goes_back_to_where_it_held(client: TestClient) -> None:
    identity = client.post("/api/sessions", json={}).json()["id"]
    with client.websocket_connect(f"/api/sessions/{identity}/live") as socket:
        live = Live(socket)
        for command in (
            {"do": "seek", "step": 7, "phase": 2},
            {"do": "change", "learning_rate": 0.01},
            {"do": "seek", "step": 300_000, "phase": 4},
        ):
            live.send(**command, id=str(command))
            live.until("reply", id=str(command))
        live.send(do="undo", id="u")
        assert live.until("reply", id="u")["cursor"] == {"step": 7, "phase": 4}


def test_a_far_jump_over_http_says_how_far_it_has_come(client: TestClient) -> None:
    identity = client.post("/api/sessions", json={}).json()["id"]
    url = f"/api/sessions/{identity}"
    reply = client.post(f"{url}/commands", json={"do": "seek", "step": 1_000_000})
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
    assert 0 < reply.json()["error"]["step"] < 1_000_000
    assert client.get(url).json()["cursor"] == {"step": 0, "phase": 0}


def test_an_unknown_session_closes_the_socket_with_its_own_code(client: TestClient) -> None:
    with client.websocket_connect("/api/sessions/none/live") as socket:
        assert socket.receive()["code"] == 4404


def test_a_player_only_goes_forward_and_skips_what_nobody_could_see(live: Live) -> None:
    live.send(do="play", unit="step", per_second=0)
    steps = [live.until("frame")["step"] for _ in range(60)]
    assert steps == sorted(steps)
    assert steps[-1] > 200, "more steps than frames"


def test_a_player_by_phases_shows_each_of_them(live: Live) -> None:
    live.send(do="play", unit="phase", per_second=4)  # slow enough for a busy machine
    seen = {(frame["step"], frame["phase"]) for frame in (live.until("frame") for _ in range(4))}
    assert {(0, 0), (0, 1), (0, 2)} <= seen


def test_a_run_that_diverges_ends_its_playing_at_the_last_finite_step(client: TestClient) -> None:
    spec = {
        "dataset": {"inputs": [[1.0], [2.0]], "targets": [[1.0], [0.0]]},
        "layers": [{"units": 2}, {"units": 1, "activation": "identity"}],
        "learning_rate": 9.0,
    }
    identity = client.post("/api/sessions", json=spec).json()["id"]
    with client.websocket_connect(f"/api/sessions/{identity}/live") as socket:
        live = Live(socket)
        live.send(do="play", unit="step", per_second=0)
        assert live.until("playing", playing=None)["reason"] == "diverged"
        last = live.until("frame", phase=6)["step"]
    reply = client.post(f"/api/sessions/{identity}/commands", json={"do": "step"})
    assert reply.json()["diverged"] == {"step": last}


def test_the_last_viewer_pauses_what_plays(client: TestClient, session: str) -> None:
    with client.websocket_connect(f"/api/sessions/{session}/live") as socket:
        live = Live(socket)
        live.send(do="play", unit="step", per_second=0)
        live.until("frame", phase=0)
    seat = client.app.state.sessions._seats[session]  # type: ignore[attr-defined]
    while seat.session.playing:  # a socket that looked would be a viewer
        client.get("/healthz")
    with client.websocket_connect(f"/api/sessions/{session}/live") as socket:
        assert Live(socket).until("hello")["playing"] is None


def test_a_frame_that_cannot_be_made_closes_the_socket_as_a_fault_of_ours(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> bytes:
        raise IndexError("a fault of ours")

    live.until("frame")
    monkeypatch.setattr(Framing, "frame", fail)
    live.send(do="step", unit="step", by=1)
    assert live.until("reply")["cursor"]["step"] == 1
    assert live.socket.receive()["code"] == 1011
    assert ("unexpected failure", "a fault of ours") in [
        (record.message, str(record.exc_info[1]))
        for record in caplog.records
        if record.name == "retrace" and record.exc_info
    ]


@pytest.mark.parametrize("ended_by", ["a cancel", "a newer command"])
def test_a_move_that_is_ended_while_it_waits_for_its_turn_computes_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended_by: str
) -> None:
    monkeypatch.setattr(socket, "_PATIENCE", 0.01)

    async def scene(_: Sessions, access: Access) -> None:
        session, viewer = access.session, Viewer()
        connection = socket.Connection.__new__(socket.Connection)
        connection._seat, connection._session = access.seat, session
        connection._viewer, connection._metrics = viewer, Metrics()
        asked = session.wish = Asked("far", viewer)
        async with session.turn:  # as while what was computed is being stored
            waiting = asyncio.create_task(connection._wait_for(Seek(900_000, 0), asked))
            for _ in range(9):
                await asyncio.sleep(0)
            if ended_by == "a cancel":
                session.cancel()
            else:
                session.wish = Asked("newer", viewer)
        await waiting
        assert [message["error"]["code"] for message in viewer.take()[0]] == ["cancelled"]
        search = session.reaching._search
        if search:
            await asyncio.wait({search[1]})
            assert search[1].cancelled()

    play(tmp_path, scene)
