"""What is set and would be ignored is refused at the start, in words that help."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from app.limits import Limits, most_of, setting_of
from app.sessions.sessions import Sessions
from app.settings import settings_from
from app.wire.frames import HEADER

COUNTS = {setting_of(limit.name): most_of(limit.name) for limit in fields(Limits)}
COUNTS["RETRACE_STOP_SECONDS"] = 10**9


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RETRACE_MAX_STPES", "RETRACE_MAX_STEPS"),
        ("RETRACE_PROT", "RETRACE_PORT"),
        ("RETRACE_ALLOWED_HOST", "RETRACE_ALLOWED_HOSTS"),
        ("RETRACE_DATADIR", "RETRACE_DATA_DIR"),
        ("RETRACE_COMMANDS_BURST", "RETRACE_COMMAND_BURST"),
        ("RETRACE_TRUSTED_PROXY", "RETRACE_TRUSTED_PROXIES"),
    ],
)
def test_a_misspelt_setting_is_told_the_name_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is no setting; expected {meant}$"):
        settings_from({"PATH": "/bin", "RETRACE_HOST": "::1", name: "5"})


def test_other_variables_are_left_alone() -> None:
    others = ("CHROMIUM", "DOMAIN", "TEST_SEQUENCES", "VERSION", "LIMITS", "")
    settings_from({f"RETRACE_{name}": "x" for name in others} | {"MAX_STPES": "5"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("*", ("*",)),
        ("192.0.2.1, 2001:db8::1", ("192.0.2.1", "2001:db8::1")),
        ("fe80::1%eth0", ("fe80::1%eth0",)),
        ("172.31.77.0/29,2001:db8::/32", ("172.31.77.0/29", "2001:db8::/32")),
    ],
)
def test_proxies_are_addresses_or_networks_or_all(text: str, found: tuple[str, ...]) -> None:
    assert settings_from({"RETRACE_TRUSTED_PROXIES": text}).trusted_proxies == found


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("not an address", "not an address"),
        ("192.0.2.1,proxy", "proxy"),
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("[::1]", "[::1]"),
        ("*,192.0.2.1", "*"),
    ],
)
def test_a_proxy_that_would_never_be_trusted_is_named(text: str, wrong: str) -> None:
    words = f"RETRACE_TRUSTED_PROXIES: expected IP addresses, networks or * alone, got {wrong!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        settings_from({"RETRACE_TRUSTED_PROXIES": text})


@pytest.mark.parametrize(
    ("text", "network", "address"),
    [
        ("172.18.0.1/16", "172.18.0.0/16", "172.18.0.1"),
        ("2001:db8::1/32", "2001:db8::/32", "2001:db8::1"),
    ],
)
def test_an_address_with_its_network_is_told_both(text: str, network: str, address: str) -> None:
    words = f"RETRACE_TRUSTED_PROXIES: expected the network {network} or the address {address}, got"
    with pytest.raises(ValueError, match=f"^{re.escape(words)} {text!r}$"):
        settings_from({"RETRACE_TRUSTED_PROXIES": text})


@pytest.mark.parametrize("name", ["RETRACE_PORT", "RETRACE_MAX_STEPS"])
def test_a_number_in_other_digits_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: expected "):
        settings_from({name: "٨٠٠٠"})


@pytest.mark.parametrize("text", ["", " "])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RETRACE_HOST", "an address to listen on (0.0.0.0 is every one of IPv4, :: of IPv6)"),
        ("RETRACE_DATA_DIR", "a folder (. is the one it starts in)"),
        ("RETRACE_PORT", "a port from 1 to 65535"),
        ("RETRACE_LOG_LEVEL", "one of debug, info, warning, error"),
        ("RETRACE_MAX_UNDOS", "a whole number from 1 to 1,000,000,000"),
    ],
)
def test_no_text_is_no_value_and_not_every_address(name: str, expected: str, text: str) -> None:
    """As `RETRACE_HOST=${UNSET}` would have it."""
    with pytest.raises(
        ValueError, match=f"^{re.escape(f'{name}: expected {expected}, got {text!r}')}$"
    ):
        settings_from({name: text})


@pytest.mark.parametrize("name", ["RETRACE_PORT", "RETRACE_LOG_FORMAT", *COUNTS])
def test_a_long_value_is_named_and_not_repeated_whole(name: str) -> None:
    """Python itself reads no number of 5,000 digits."""
    with pytest.raises(ValueError, match=rf"^{name}: expected .{{10,60}}, got '1{{120}}…'$"):
        settings_from({name: "1" * 5_000})


@pytest.mark.parametrize(("name", "most"), COUNTS.items())
def test_a_count_may_be_large_and_not_any(name: str, most: int) -> None:
    settings_from({name: f"{most:_}"})
    with pytest.raises(
        ValueError, match=f"^{name}: expected a whole number from 1 to {most:,}, got"
    ):
        settings_from({name: str(most + 1)})


def test_the_store_can_count_with_the_largest_limits(tmp_path: Path) -> None:
    largest = settings_from({name: str(most) for name, most in COUNTS.items()}).limits

    async def look() -> None:
        sessions = Sessions(tmp_path, largest)
        await sessions.expire()
        await sessions.close()

    asyncio.run(look())
    with closing(sqlite3.connect(":memory:")) as db:
        pages = largest.disk_bytes // db.execute("PRAGMA page_size").fetchone()[0]
        assert db.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0] == pages


def test_a_frame_holds_the_largest_step_row_and_epoch() -> None:
    step, row = most_of("max_steps"), most_of("max_rows")
    HEADER.pack(b"RTRC", 1, 64, 1, step, 0, 8, 0, row, row, row, step, step, 0.1, 0.2, 0.3)
