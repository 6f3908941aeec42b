"""What one address may take; time is what the test says it is."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from app.limits import MAX_NAME, Limits
from app.main import create_app
from app.refusal import Refused
from app.sessions.rows import KEPT_CHANGES
from app.sessions.writer import NotStored
from app.settings import Settings
from app.web import quotas
from app.web.quotas import Quotas, address_of
from app.wire.commands import MOST_ID
from app.wire.schemas.parameters import MOST_CHECKED
from tests.asgi import sockets_at_once
from tests.clients import client_of
from tests.nets import SMALL


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make(found: Quotas, address: str) -> int | None:
    """Make a session; return None, or after how many seconds it may be tried again."""
    try:
        with found.session(address):
            return None
    except Refused as refusal:
        return refusal.retry_after


@pytest.mark.parametrize("most", [1, 2, 7, 600, 3_601])
def test_an_allowance_may_be_used_at_once_and_grows_again(clock: Clock, most: int) -> None:
    found = Quotas(Limits(sessions_per_hour=most), clock)
    assert [make(found, "a") for _ in range(most)] == [None] * most
    wait = make(found, "a")
    assert wait == -(-3600 // most)
    assert make(found, "b") is None, "another address has its own"
    clock.now += wait
    assert make(found, "a") is None
    clock.now += 3600
    assert [make(found, "a") for _ in range(most)] == [None] * most
    assert make(found, "a") is not None


def test_no_hour_holds_more_than_twice_the_allowance(clock: Clock) -> None:
    found = Quotas(Limits(sessions_per_hour=60), clock)
    made = 0
    for _ in range(36_000):
        made += make(found, "a") is None
        clock.now += 0.1
    assert made == 60 + 59  # what was saved up, and one a minute


def test_waiting_as_long_as_told_is_enough_and_less_is_not(clock: Clock) -> None:
    found = Quotas(Limits(sessions_per_hour=2), clock)
    for _ in range(2):
        make(found, "a")
    clock.now += 1799
    assert make(found, "a") == 1
    clock.now += 1
    assert make(found, "a") is None


@pytest.mark.parametrize(
    "failure", [Refused("invalid", "spec", None, "another"), NotStored("the disk is full")]
)
def test_a_session_that_is_not_made_does_not_count(clock: Clock, failure: Exception) -> None:
    found = Quotas(Limits(sessions_per_hour=1), clock)
    for _ in range(5):
        with pytest.raises(type(failure)), found.session("a"):
            raise failure
    assert make(found, "a") is None
    assert make(found, "a") == 3600


def test_memory_is_bounded_however_many_ask(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "_MOST_ADDRESSES", 100)
    found = Quotas(Limits(sessions_per_hour=1), clock)
    for k in range(1_000):
        assert make(found, f"a{k}") is None
        assert found.addresses <= 100
    assert make(found, "a999") is not None, "who asked last is remembered"
    clock.now += 3_600
    make(found, "b")
    assert found.addresses == 1, "full ones are forgotten"


def test_sockets_are_counted_while_they_last(clock: Clock) -> None:
    found = Quotas(Limits(sockets_per_address=2), clock)
    for may_write in (True, False):  # both kinds, and neither from the other's share
        with found.socket("a", may_write), found.socket("b", may_write):
            with found.socket("a", may_write):
                assert found.addresses == 2
                with (
                    pytest.raises(Refused, match="RETRACE_SOCKETS_PER_ADDRESS"),
                    found.socket("a", may_write),
                ):
                    pass
                with found.socket("a", not may_write):
                    pass
            with found.socket("a", may_write):
                pass
    assert found.addresses == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("2001:0DB8:0:1:0::1", "2001:db8:0:1::1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("testclient", "", False),
    ],
)
def test_which_addresses_are_one_client(one: str, other: str, same: bool) -> None:
    first, second = (address_of({"client": (text, 1)}) for text in (one, other))
    assert (first == second) is same


def test_who_has_no_address_is_counted_too() -> None:
    assert address_of({"client": None}) == address_of({}) == ""


@pytest.fixture
def strict(data_dir: Path) -> TestClient:
    limits = Limits(sessions_per_hour=2, sockets_per_address=2)
    return client_of(Settings(data_dir=data_dir, limits=limits))


def test_too_many_sessions_are_told_when_to_come_back(strict: TestClient) -> None:
    with strict:
        for _ in range(4):
            assert strict.post("/api/sessions", json={"seed": "x"}).status_code == 422
        made = [strict.post("/api/sessions", json=SMALL) for _ in range(3)]
        forged = strict.post("/api/sessions", json=SMALL, headers={"x-forwarded-for": "192.0.2.9"})
    assert [reply.status_code for reply in made] == [201, 201, 429]
    assert forged.status_code == 429, "whoever is not a proxy may say what they like"
    assert made[2].json()["error"]["code"] == "too_many_sessions"
    assert "RETRACE_SESSIONS_PER_HOUR" in made[2].json()["error"]["message"]
    assert 0 < int(made[2].headers["retry-after"]) <= 1800


def test_too_many_sockets_are_refused_at_the_handshake(strict: TestClient) -> None:
    with strict:
        url = f"/api/sessions/{strict.post('/api/sessions', json=SMALL).json()['id']}/live"
        with strict.websocket_connect(url):
            with strict.websocket_connect(url):
                with pytest.raises(WebSocketDenialResponse) as denied:
                    strict.websocket_connect(url).__enter__()
                assert denied.value.status_code == 429
                assert denied.value.json()["error"]["code"] == "too_many_sockets"
                assert "RETRACE_SOCKETS_PER_ADDRESS" in denied.value.text
                assert denied.value.headers["retry-after"] == "10"
            with strict.websocket_connect(url) as third:
                assert "hello" in third.receive_text()
        assert 'retrace_refusals_total{code="too_many_sockets"} 1.0' in strict.get("/metrics").text


@pytest.mark.parametrize("limit", ["sockets_per_address", "sockets_per_session"])
def test_those_who_read_keep_out_none_who_write(data_dir: Path, limit: str) -> None:
    with client_of(Settings(data_dir=data_dir, limits=Limits(**{limit: 2}))) as client:
        session = client.post("/api/sessions", json=SMALL).json()
        reading, writing = (f"/api/sessions/{session[key]}/live" for key in ("read_id", "id"))
        with contextlib.ExitStack() as open_ones:
            for url in (reading, reading, writing, writing):
                socket = open_ones.enter_context(client.websocket_connect(url))
                assert "hello" in socket.receive_text()
            for url in (reading, writing):
                with (
                    pytest.raises((WebSocketDenialResponse, WebSocketDisconnect)),
                    client.websocket_connect(url) as socket,
                ):
                    socket.receive_text()


@pytest.mark.parametrize("query", [b"", b"since=0"])
def test_no_session_has_more_sockets_than_it_may_however_many_come_at_once(
    data_dir: Path, query: bytes
) -> None:
    """Also where they come back, and what they missed is read first."""

    async def main() -> list[int | None]:
        app = create_app(Settings(data_dir=data_dir, limits=Limits(sockets_per_session=3)))
        async with app.router.lifespan_context(app):
            path = f"/api/sessions/{(await app.state.sessions.create(SMALL)).id}/live"
            return await sockets_at_once(app, path, query, 12)

    closed = asyncio.run(main())
    assert sorted(map(str, closed)) == ["4429"] * 9 + ["None"] * 3


def test_the_documented_limits_are_the_limits() -> None:
    text = (Path(__file__).parents[3] / "docs" / "security.md").read_text("utf-8")
    rows = re.findall(r"\| `RETRACE_(\w+)` \| ([\d,]+) \|", text)
    assert len(rows) == 16
    for name, number in rows:
        assert getattr(Limits(), name.lower()) == int(number.replace(",", "")), name


def test_the_documented_numbers_that_are_no_settings_are_those_of_the_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "security.md").read_text("utf-8")
    table = text.split("are no settings")[1]
    told = dict(re.findall(r"^\| ([a-z][^|]*) \| ([\d,]+) \|", table, re.M))
    assert {what: int(number.replace(",", "")) for what, number in told.items()} == {
        "changes of a session kept, to resume and by id": KEPT_CHANGES,
        "characters of a command's id": MOST_ID,
        "derivatives of one `check`": MOST_CHECKED,
        "characters of a column's name or unit": MAX_NAME,
    }
