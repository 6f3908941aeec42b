"""Settings from the environment: every one starts with RETRACE_ and has a default."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from app.limits import PREFIX, Limits, most_of, setting_of
from app.logs import FORMATS, LEVELS

OWN_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_NAME = r"(\[[0-9a-fA-F:.]+\]|[0-9a-zA-Z._-]*[0-9a-zA-Z_-])"  # what a Host header may name
_SHOWN = 120  # characters of a wrong value that its refusal repeats
_NEAR = 0.7  # of 1: a name this much like a setting's is taken for one that is misspelt
_HOST = re.compile(_NAME)
_ORIGIN = re.compile(rf"(https?)://{_NAME}(?::([0-9]{{1,5}}))?", re.IGNORECASE)
_PORT = re.compile(r"[0-9]{1,5}")
_COUNT = re.compile(r"[0-9]{1,20}")
_USUAL_PORT = {"http": 80, "https": 443}  # which browsers leave out


@dataclass(frozen=True)
class Settings:
    """`allowed_hosts` are names besides OWN_HOSTS, without ports; `allowed_origins` are whole.

    `trusted_proxies` are the addresses whose X-Forwarded-For and -Proto are believed. What is under
    way when the server shall stop has `stop_seconds` to finish.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path = Path("data")
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    log_level: str = "info"
    log_format: str = "json"
    stop_seconds: int = 5
    limits: Limits = field(default_factory=Limits)


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `environment`; ValueError names the variable that is wrong."""
    _check_names(environment)
    default = Settings()
    return Settings(
        host=_some(
            "RETRACE_HOST",
            environment.get("RETRACE_HOST", default.host),
            "an address to listen on (0.0.0.0 is every one of IPv4, :: of IPv6)",
        ),
        port=_port(environment.get("RETRACE_PORT", str(default.port))),
        data_dir=Path(
            _some(
                "RETRACE_DATA_DIR",
                environment.get("RETRACE_DATA_DIR", str(default.data_dir)),
                "a folder (. is the one it starts in)",
            )
        ),
        allowed_hosts=_all(_host, environment, "RETRACE_ALLOWED_HOSTS", "names without ports"),
        allowed_origins=_all(
            _origin,
            environment,
            "RETRACE_ALLOWED_ORIGINS",
            "origins like https://a.example, without a path",
        ),
        trusted_proxies=_proxies(environment, "RETRACE_TRUSTED_PROXIES"),
        log_level=_one_of(LEVELS, environment, "RETRACE_LOG_LEVEL", default.log_level),
        log_format=_one_of(FORMATS, environment, "RETRACE_LOG_FORMAT", default.log_format),
        stop_seconds=_count(
            "RETRACE_STOP_SECONDS",
            environment.get("RETRACE_STOP_SECONDS", str(default.stop_seconds)),
            most_of("stop_seconds"),
        ),
        limits=_limits(environment),
    )


def wrong(name: str, expected: str, got: str) -> ValueError:
    """Return the refusal of a setting's value, of which the first characters are repeated."""
    short = got if len(got) <= _SHOWN else f"{got[:_SHOWN]}…"
    return ValueError(f"{name}: expected {expected}, got {short!r}")


def ignored(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names that begin like a setting's and are none: of whatever starts the server,
    or of a setting that somebody only thinks there is.
    """
    return sorted({name for name in environment if name.startswith(PREFIX)} - _names())


def _names() -> set[str]:
    known = (*fields(Settings), *fields(Limits))
    return {setting_of(item.name) for item in known if item.name != "limits"}


def _check_names(environment: Mapping[str, str]) -> None:
    """Refuse a name that is nearly a setting's."""
    bare = {name.removeprefix(PREFIX) for name in _names()}
    for name in ignored(environment):
        near = difflib.get_close_matches(name.removeprefix(PREFIX), bare, 1, _NEAR)
        if near:
            raise ValueError(f"{name} is no setting; expected {PREFIX}{near[0]}")


def _some(name: str, text: str, expected: str) -> str:
    """Refuse no text: an empty host would be every address, an empty path the current folder."""
    if not text.strip():
        raise wrong(name, expected, text)
    return text


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or not 0 < int(text) < 65536:
        raise wrong("RETRACE_PORT", "a port from 1 to 65535", text)
    return int(text)


def _one_of(known: tuple[str, ...], environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name, default)
    if text not in known:
        raise wrong(name, f"one of {', '.join(known)}", text)
    return text


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the words of a list with commas."""
    return tuple(word.strip() for word in environment.get(name, "").split(",") if word.strip())


def _all(
    read: Callable[[str], str | None], environment: Mapping[str, str], name: str, expected: str
) -> tuple[str, ...]:
    """Return the words of a list, each as `read` returns it: what never could match would only
    puzzle, and is refused.
    """
    found = []
    for word in _words(environment, name):
        text = read(word)
        if text is None:
            raise wrong(name, expected, word)
        found.append(text)
    return tuple(found)


def _host(word: str) -> str | None:
    """Return a name as browsers send it, in small letters; None where it is none."""
    if not _HOST.fullmatch(word):
        return None
    if not word.startswith("["):
        return word.lower()
    try:
        return f"[{ipaddress.IPv6Address(word[1:-1]).compressed}]"
    except ValueError:
        return None


def _origin(word: str) -> str | None:
    """Return an origin as browsers send it; None where it is none."""
    found = _ORIGIN.fullmatch(word)
    host = _host(found[2]) if found else None
    if not found or not host:
        return None
    scheme = found[1].lower()
    port = int(found[3] or _USUAL_PORT[scheme])
    if not 0 < port < 65536:
        return None
    return f"{scheme}://{host}" + ("" if port == _USUAL_PORT[scheme] else f":{port}")


def _proxies(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return addresses and networks, or `*` alone; uvicorn takes all else for a name, unmatched."""
    words = _words(environment, name)
    for word in words:
        if words != ("*",) and not _is_address(word):
            raise wrong(name, _meant(word) or "IP addresses, networks or * alone", word)
    return words


def _meant(word: str) -> str | None:
    """Return what an address inside a network, as 172.18.0.1/16, may stand for; None for all else.

    It is not for us to choose: one of them trusts far more than the other.
    """
    try:
        found = ipaddress.ip_interface(word)
    except ValueError:
        return None
    return f"the network {found.network} or the address {found.ip}"


def _is_address(text: str) -> bool:
    read = ipaddress.ip_network if "/" in text else ipaddress.ip_address
    try:
        read(text)
    except ValueError:
        return False
    return True


def _limits(environment: Mapping[str, str]) -> Limits:
    given = {}
    for limit in fields(Limits):
        name = setting_of(limit.name)
        if name in environment:
            given[limit.name] = _count(name, environment[name], most_of(limit.name))
    return Limits(**given)


def _count(name: str, text: str, most: int) -> int:
    digits = text.replace("_", "").replace(",", "")
    # Of how many digits is asked first: Python refuses to read thousands of them.
    if not _COUNT.fullmatch(digits) or not 0 < int(digits) <= most:
        raise wrong(name, f"a whole number from 1 to {most:,}", text)
    return int(digits)
