"""What all tests share: an application with a store of its own, and a client for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.settings import Settings
from tests.clients import client_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files of few tests: those take minutes, and none is left for the end."""
    counts = Counter(item.path for item in items)
    items.sort(key=lambda item: (counts[item.path], item.path))


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def client(data_dir: Path) -> Iterator[TestClient]:
    with client_of(Settings(data_dir=data_dir)) as found:
        yield found
