"""The whole API against its own document, by requests made at random; see tests/fuzz."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.described import misfits
from tests.fuzz import openapi

CASES = 500


@pytest.fixture(scope="module")
def figures() -> openapi.Figures:
    return openapi.run(CASES)


def test_whatever_is_asked_the_document_names_the_answer(figures: openapi.Figures) -> None:
    assert figures.total == CASES


def test_every_operation_was_granted_and_refused(figures: openapi.Figures) -> None:
    labels = {label for label, _ in figures.answers}
    assert len(labels) == 14
    for label in labels:
        assert figures.of(label, 2), f"{label} was never granted"
        assert figures.of(label, 4) or label == "GET /api/presets", f"{label} was never refused"


def test_specs_made_from_the_schema_are_accepted(figures: openapi.Figures) -> None:
    assert figures.fitted.total() >= CASES // 30
    assert figures.fitted[True] > 0.9 * figures.fitted.total()


def test_what_takes_long_is_answered_as_documented(client: TestClient) -> None:
    url = f"/api/sessions/{client.post('/api/sessions', json={}).json()['id']}/steps/1000000"
    reply = client.get(url)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "computing")
    assert int(reply.headers["retry-after"]) >= 1
    assert misfits(client.get("/openapi.json").json(), "Error", reply.json()) == []
