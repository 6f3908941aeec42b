"""Whose allowance a message counts against: the run's, or that of the socket it came on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.bucket import Bucket
from app.limits import Limits
from app.settings import Settings
from tests.clients import client_of
from tests.nets import SMALL

BURST = 5
SHOW, STEP, NO_JSON = '{"do": "show", "example": 0}', '{"do": "step"}', "{"


@pytest.fixture
def client(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Allowances here do not grow again, however long a test takes."""
    monkeypatch.setattr(Bucket, "_fill", lambda _: None)
    settings = Settings(data_dir=data_dir, limits=Limits(command_burst=BURST))
    with client_of(settings) as found:
        yield found


def _made(client: TestClient) -> tuple[str, str]:
    session = client.post("/api/sessions", json=SMALL).json()
    return session["id"], session["read_id"]


def _answers(client: TestClient, key: str, *texts: str) -> list[str]:
    """Return what each message that is sent on one socket is answered: `reply`, or a code."""
    found: list[str] = []
    with client.websocket_connect(f"/api/sessions/{key}/live") as socket:
        for text in texts:
            socket.send_text(text)
        while len(found) < len(texts):
            told: dict[str, Any] = json.loads(socket.receive().get("text") or '{"type": "frame"}')
            if told["type"] in ("reply", "error"):
                found.append(told["error"]["code"] if "error" in told else "reply")
    return found


def _steps(client: TestClient, key: str) -> list[int]:
    url = f"/api/sessions/{key}/commands"
    return [client.post(url, json={"do": "step"}).status_code for _ in range(BURST + 1)]


def test_a_reader_takes_nothing_from_those_who_may_write(client: TestClient) -> None:
    writing, reading = _made(client)
    texts = [SHOW, STEP, NO_JSON] * 4
    codes = ["reply", "read_only", "not_json", "reply", "read_only"]
    assert _answers(client, reading, *texts) == [*codes, *["too_many_commands"] * 7]
    assert _steps(client, writing) == [200] * BURST + [429]


def test_to_look_at_another_example_takes_nothing_from_the_run(client: TestClient) -> None:
    writing, _ = _made(client)
    found = _answers(client, writing, *[SHOW] * (BURST + 1), STEP)
    assert found == [*["reply"] * BURST, "too_many_commands", "reply"]


def test_what_is_not_json_counts_too(client: TestClient) -> None:
    writing, _ = _made(client)
    found = _answers(client, writing, *[NO_JSON] * (BURST + 2))
    assert found == [*["not_json"] * BURST, *["too_many_commands"] * 2]


def test_a_refusal_names_the_burst_and_the_rate(client: TestClient) -> None:
    writing, _ = _made(client)
    _steps(client, writing)
    refused = client.post(f"/api/sessions/{writing}/commands", json={"do": "step"}).json()["error"]
    assert refused["expected"].startswith("at most 5 commands at once (RETRACE_COMMAND_BURST) and ")
    assert refused["expected"].endswith("(the setting RETRACE_COMMANDS_PER_SECOND)")


def test_all_who_write_share_the_allowance_of_the_run(client: TestClient) -> None:
    writing, _ = _made(client)
    assert _answers(client, writing, STEP, STEP) == ["reply"] * 2
    assert _steps(client, writing) == [200] * (BURST - 2) + [429] * 3
    assert _answers(client, writing, STEP, SHOW) == ["too_many_commands", "reply"]
