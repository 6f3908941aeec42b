"""A small session to send commands to."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.nets import SMALL


@pytest.fixture
def session(client: TestClient) -> str:
    return str(client.post("/api/sessions", json=SMALL).json()["id"])
