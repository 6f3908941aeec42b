"""What another kind of machine computed first is said to be so, wherever its numbers are told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.sessions.schema import FILE
from app.settings import Settings
from tests.clients import client_of
from tests.nets import SMALL

ELSEWHERE = "NumPy 1.0, elsewhere"
MOVED = 12  # steps that were computed elsewhere
EXPLAINED = ("chain?parameter=w1.1.1", "slice?parameter=w1.1.1", "surface?x=w1.1.1&y=b2.1", "check")


@pytest.fixture
def moved(data_dir: Path) -> Iterator[tuple[TestClient, str]]:
    """A run that another machine computed up to a step, and this one further."""
    with client_of(Settings(data_dir=data_dir)) as client:
        key = str(client.post("/api/sessions", json=SMALL).json()["id"])
        commands = f"/api/sessions/{key}/commands"
        client.post(commands, json={"do": "seek", "step": MOVED})
    with closing(sqlite3.connect(data_dir / FILE)) as db, db:
        db.execute("UPDATE session SET machine = ?", (ELSEWHERE,))
        db.execute("UPDATE saved SET recorders = ?", (json.dumps([[0, ELSEWHERE]]),))
        db.execute("UPDATE checkpoint SET machine = ?", (ELSEWHERE,))
    with client_of(Settings(data_dir=data_dir)) as client:
        client.post(commands, json={"do": "seek", "step": 2 * MOVED})
        yield client, key


@pytest.mark.parametrize("what", EXPLAINED)
def test_an_explanation_is_exact_where_its_step_is(
    moved: tuple[TestClient, str], what: str
) -> None:
    client, key = moved
    told = {}
    for step in (MOVED - 1, 2 * MOVED):
        url = f"/api/sessions/{key}/steps/{step}"
        told[step] = client.get(f"{url}/{what}").json()["exact"]
        assert told[step] is client.get(url).json()["exact"]
    assert told == {MOVED - 1: False, 2 * MOVED: True}


@pytest.mark.parametrize("blank", [0, 1])
def test_a_worksheet_says_that_its_digits_are_computed_anew(
    moved: tuple[TestClient, str], blank: int
) -> None:
    client, key = moved
    words = "Computed anew on this machine: the last digits of this step may differ"
    page = Path(__file__).parents[3] / "static" / "js" / "core" / "words.js"
    assert words in page.read_text("utf-8"), "in the words of the page"
    for step, is_said in ((MOVED - 1, True), (2 * MOVED, False)):
        sheet = client.get(f"/s/{key}/worksheet?step={step}&blank={blank}").text
        assert (f"{words} from those first recorded (on {ELSEWHERE})." in sheet) is is_said
