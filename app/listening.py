"""The sockets to listen on, opened before anything else: what cannot be is told by its setting."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import ExitStack
from typing import Any

from app.settings import wrong

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # an address that this machine has not
_NOT_THAT_PORT = {
    errno.EADDRINUSE: "a port that is free",
    errno.EACCES: "a port that this user may listen on",
}
_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]  # of getaddrinfo


def listeners(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address of `host` that this machine has.

    ValueError names the setting that is wrong. They listen at once: two servers may both bind a
    port, and the later one would be refused only when it listens, with its store already open.
    """
    found = []
    with ExitStack() as opened:
        for address in _addresses(host, port):
            try:
                found.append(opened.enter_context(_listener(address)))
            except OSError as failure:
                if failure.errno not in _ABSENT:
                    raise _refusal(failure, host, port) from None
        opened.pop_all()
    if not found:
        raise wrong("RETRACE_HOST", "an address of this machine", host)
    return found


def _addresses(host: str, port: int) -> list[_Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter of what no name may be: a..b
        raise wrong("RETRACE_HOST", "an address, or a name that has one", host) from None
    return list(dict.fromkeys(found))


def _listener(address: _Address) -> socket.socket:
    """Open a socket with the options that asyncio gives to those of its own."""
    family, kind, protocol, _, place = address
    with ExitStack() as opened:
        found = opened.enter_context(socket.socket(family, kind, protocol))
        if os.name == "posix":  # elsewhere it would let a second server take the port as well
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind(place)
        found.listen()
        opened.pop_all()
    return found


def _refusal(failure: OSError, host: str, port: int) -> ValueError:
    if failure.errno in _NOT_THAT_PORT:
        return wrong("RETRACE_PORT", f"{_NOT_THAT_PORT[failure.errno]} at {host}", str(port))
    return wrong("RETRACE_HOST", f"an address to listen on ({failure.strerror})", host)
