"""Who may ask: only for a host that is ours, and a page that changes anything has to be ours.

A page of another site can send requests, and a name of another site can be made to lead here: the
first shows in Origin, the second in Host. What is not a browser sends no Origin and is let in.
"""

from __future__ import annotations

import re

from starlette.types import Scope

from app.refusal import Refused
from app.settings import OWN_HOSTS, Settings
from app.web.headers import values_of

SAFE = ("GET", "HEAD", "OPTIONS")
HOSTS_SETTING, ORIGINS_SETTING = "RETRACE_ALLOWED_HOSTS", "RETRACE_ALLOWED_ORIGINS"
# The name, and the port where there is one. What the name may be is the list's matter.
_HOST = re.compile(rb"(\[[0-9a-fA-F:.]+\]|[0-9a-zA-Z._-]+)(?::([0-9]{1,5}))?")


class Door:
    """Knows the hosts and the origins of `settings`."""

    def __init__(self, settings: Settings) -> None:
        names = (*OWN_HOSTS, *settings.allowed_hosts)
        self._hosts = {name.lower().encode() for name in names}
        self._origins = {origin.encode() for origin in settings.allowed_origins}

    def check(self, scope: Scope) -> None:
        """Return if this request or handshake may come in, else Refused names the setting."""
        host = self._checked_host(scope)
        if scope["type"] == "websocket" or scope["method"] not in SAFE:
            self._check_origin(scope, host)

    def _checked_host(self, scope: Scope) -> bytes:
        given = values_of(scope["headers"], b"host")
        if len(given) != 1 or name_of(given[0]) not in self._hosts:
            expected = f"one of {', '.join(OWN_HOSTS)}, or a name in the setting {HOSTS_SETTING}"
            raise Refused("host_not_allowed", "Host", _text(given), expected)
        return given[0]

    def _check_origin(self, scope: Scope, host: bytes) -> None:
        given = values_of(scope["headers"], b"origin")
        own = {b"http://" + host, b"https://" + host}
        if given and (len(given) > 1 or given[0] not in own | self._origins):
            expected = f"this server’s own, or one in the setting {ORIGINS_SETTING}"
            raise Refused("origin_not_allowed", "Origin", _text(given), expected)


def name_of(host: bytes) -> bytes | None:
    """Return the name in a Host header in lower case, None where it is not a name and a port."""
    found = _HOST.fullmatch(host)
    if not found or (found[2] and not 0 < int(found[2]) < 65536):
        return None
    return found[1].lower()


def _text(values: list[bytes]) -> str:
    return ", ".join(value.decode("latin-1") for value in values)
