"""What a browser may do with an answer: the headers that every one of them carries."""

from __future__ import annotations

from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
CHARTS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PAIRS = [(name.lower().encode(), value.encode()) for name, value in ALWAYS.items()]


def completed(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return `headers` and those of ALWAYS that are not among them: a route may set its own."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    return given + [pair for pair in _PAIRS if pair[0] not in names]


def values_of(headers: Headers, name: bytes) -> list[bytes]:
    """Return each value of the header `name` (lower case), as often as it came."""
    return [value for key, value in headers if key.lower() == name]
