"""Every limit of the server, in one place; each is a setting whose name a refusal tells.

The field `max_rows` is the setting RETRACE_MAX_ROWS. docs/deployment.md says what each is for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from app.refusal import Refused

PREFIX = "RETRACE_"
# What a setting may say. Steps and rows must fit the 32 bits that a frame has for them, days as
# seconds the 63 bits of SQLite, and the pages of the store the 30 that every SQLite counts.
_MOST = 10**9
_MOST_BYTES = 10**12
MAX_NAME = 80  # characters of a column's name or unit: a matter of layout, not of load


@dataclass(frozen=True)
class Limits:
    """What one run, request, message, address and the whole store may take.

    A batch holds as many numbers as its rows times all inputs and units: `max_batch_numbers`.
    A socket is closed that sends more than `frames_per_second`, beyond a burst of `frame_burst`.
    Large frames to all viewers together take `frame_bytes_per_second`.
    `reads_at_once` explanations are computed together, of small runs and of large ones; so many of
    a run may wait as `reads_waiting` says.
    A viewer for whom `messages_waiting` wait is cut off, and comes back. Changes of more than
    `resume_bytes` are not told to it one by one.
    What all clients together are sending takes `upload_bytes`; then the next upload is refused.
    What all clients together leave unread takes `unread_bytes`; then the slowest are cut.
    As many sockets that only read may be open as `sockets_per_session` and `sockets_per_address`
    allow of those that write.
    `commands_per_second` may be exceeded in bursts of `command_burst`; `sessions_per_hour` is what
    one address may make. Sessions that nobody opened for `idle_days` expire; where nine tenths of
    `disk_bytes` are used, no new ones are made.
    """

    max_layers: int = 16
    max_units: int = 4_096
    max_parameters: int = 250_000
    max_rows: int = 20_000
    max_numbers: int = 2_000_000
    max_batch_numbers: int = 4_000_000
    max_edits: int = 1_000
    max_undos: int = 200
    max_steps: int = 1_000_000
    head_bytes: int = 65_536
    head_seconds: int = 30
    body_bytes: int = 5_000_000
    body_seconds: int = 120
    upload_bytes: int = 64_000_000
    message_bytes: int = 65_536
    frames_per_second: int = 100
    frame_burst: int = 1_000
    frame_bytes_per_second: int = 200_000_000
    commands_per_second: int = 50
    command_burst: int = 300
    reads_at_once: int = 2
    reads_waiting: int = 300
    messages_waiting: int = 1_000
    resume_bytes: int = 262_144
    unread_bytes: int = 500_000_000
    sockets_per_session: int = 300
    sockets_per_address: int = 300
    sessions_per_hour: int = 600
    disk_bytes: int = 20_000_000_000
    idle_days: int = 30
    resident_sessions: int = 64
    resident_bytes: int = 1_000_000_000


DEFAULT_LIMITS = Limits()
UNLIMITED = Limits(**{limit.name: 2**53 for limit in fields(Limits)})


def setting_of(limit: str) -> str:
    """Return the name of the setting that holds the limit of this name."""
    return PREFIX + limit.upper()


def most_of(limit: str) -> int:
    """Return the largest value that a setting of this name may have, be it a limit or not."""
    return _MOST_BYTES if "_bytes" in limit else _MOST


def over(
    limit: str, allowed: str, field: str | None, value: Any, code: str = "too_large"
) -> Refused:
    """Return the refusal of what exceeds a limit: what is allowed, and which setting says so."""
    return Refused(code, field, value, f"{allowed} (the setting {setting_of(limit)})")
