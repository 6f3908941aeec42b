"""What one address may take of a server that many share: sockets, and new sessions an hour.

Memory is bounded however many addresses ask: an address without a socket, and one whose allowance
has grown whole again, are forgotten.
"""

from __future__ import annotations

import ipaddress
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import Scope

from app.limits import Limits, over
from app.refusal import Refused
from app.sessions.writer import NotStored

_HOUR = 3600.0  # seconds
_SOCKET_SECONDS = 10  # after which whoever has too many sockets may try again: nobody knows better
_MOST_ADDRESSES = 10_000  # about 1 MB; whoever commands more is not held up by counting addresses


class Quotas:
    """Counts by address; `clock` tells seconds.

    An allowance is a bucket of `sessions_per_hour` that takes an hour to fill, kept as the time
    at which it will be full: one number, which needs no refilling.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits, self._clock = limits, clock
        self._sockets: Counter[tuple[str, bool]] = Counter()  # of those that may write, and others
        self._full_at: OrderedDict[str, float] = OrderedDict()

    @property
    def addresses(self) -> int:
        """How many addresses are remembered."""
        return len({address for address, _ in self._sockets} | self._full_at.keys())

    @contextmanager
    def socket(self, address: str, may_write: bool) -> Iterator[None]:
        """Count a socket of `address` while it lasts; Refused `too_many_sockets` where it has all
        it may of this kind: whoever only reads takes none from those who work.
        """
        kind = (address, may_write)
        if self._sockets[kind] >= self._limits.sockets_per_address:
            raise self._too_many_sockets(may_write)
        self._sockets[kind] += 1
        try:
            yield
        finally:
            self._sockets[kind] -= 1
            if not self._sockets[kind]:
                del self._sockets[kind]

    def _too_many_sockets(self, may_write: bool) -> Refused:
        most, kind = self._limits.sockets_per_address, "may write" if may_write else "only read"
        expected = f"at most {most:,} sockets of one address that {kind}"
        refusal = over("sockets_per_address", expected, None, None, "too_many_sockets")
        refusal.retry_after = _SOCKET_SECONDS
        return refusal

    @contextmanager
    def session(self, address: str) -> Iterator[None]:
        """Count the session made meanwhile; one that is refused or cannot be kept does not count.

        Refused `too_many_sessions` says by `retry_after` when there will be room for one.
        """
        cost = _HOUR / self._limits.sessions_per_hour
        self._take(address, cost)
        try:
            yield
        except (Refused, NotStored):
            self._give_back(address, cost)
            raise

    def _take(self, address: str, cost: float) -> None:
        now = self._clock()
        full_at = max(now, self._full_at.get(address, now)) + cost
        missing = full_at - now - _HOUR
        if missing > 1e-6:  # seconds: sums of a cost do not come out to the last digit
            raise self._too_many(missing)
        self._full_at[address] = full_at
        self._full_at.move_to_end(address)
        self._forget(now)

    def _give_back(self, address: str, cost: float) -> None:
        if address in self._full_at:
            self._full_at[address] -= cost

    def _forget(self, now: float) -> None:
        """Drop, of those that asked longest ago, the full ones and what are too many."""
        while self._full_at:
            address, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= _MOST_ADDRESSES:
                return
            del self._full_at[address]

    def _too_many(self, missing: float) -> Refused:
        most = self._limits.sessions_per_hour
        expected = f"at most {most:,} new sessions an hour from one address"
        refusal = over("sessions_per_hour", expected, None, None, "too_many_sessions")
        refusal.retry_after = math.ceil(missing)
        return refusal


def address_of(scope: Scope) -> str:
    """Return what stands for the client: its address, of IPv6 the first 64 bits.

    A subscriber has at least all the addresses of those 64 bits.
    """
    client = scope.get("client")
    text = client[0] if client else ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return str(text)  # a socket of the file system has no address
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
