"""What is set and would be ignored is refused at the start, in words that help."""

from __future__ import annotations

import re

import pytest

from app.settings import settings_from


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
        ("192.0.2.1/24", "192.0.2.1/24"),
        ("*,192.0.2.1", "*"),
    ],
)
def test_a_proxy_that_would_never_be_trusted_is_named(text: str, wrong: str) -> None:
    words = f"RETRACE_TRUSTED_PROXIES: expected IP addresses, networks or * alone, got {wrong!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        settings_from({"RETRACE_TRUSTED_PROXIES": text})
