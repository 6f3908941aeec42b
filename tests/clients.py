"""A client of an application in this process, as a browser on this machine would be."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings


def client_of(settings: Settings, **options: Any) -> TestClient:
    """Return a client that asks for localhost: only for hosts of its own the server answers."""
    app, host = create_app(settings), {"host": "localhost"}
    return TestClient(
        app, "http://localhost", raise_server_exceptions=False, headers=host, **options
    )
