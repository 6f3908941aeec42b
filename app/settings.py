"""Settings from the environment: every one starts with RETRACE_ and has a default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """`resident_sessions` is how many runs stay in memory; the others wait in the store."""

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path = Path("data")
    resident_sessions: int = 64
    body_bytes: int = 5_000_000


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `environment`; ValueError names the variable that is wrong."""
    default = Settings()
    return Settings(
        host=environment.get("RETRACE_HOST", default.host),
        port=_port(environment.get("RETRACE_PORT", str(default.port))),
        data_dir=Path(environment.get("RETRACE_DATA_DIR", str(default.data_dir))),
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ValueError(f"RETRACE_PORT: expected a port from 1 to 65535, got {text!r}")
    return int(text)
