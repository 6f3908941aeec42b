"""Bodies that come in: they lie in this process until they are whole, and have been read."""

from __future__ import annotations

from app.limits import Limits, over
from app.refusal import Refused

_SOON = 5  # seconds after which it may be sent again


class Uploads:
    """Of all clients together: `upload_bytes` of them, but one alone may be as large as a body may.

    None counts that is no larger than a message: commands and small specs are never kept out.
    """

    def __init__(self, limits: Limits) -> None:
        self._most, self._small, self._held = limits.upload_bytes, limits.message_bytes, 0

    def grown(self, counted: int, size: int) -> int:
        """Take it that a body, of which `counted` bytes count, has now `size`; return what counts.

        Refused `too_many_uploads` where that is too much beside the others.
        """
        if size <= self._small:
            return counted
        others = self._held - counted
        if others and others + size > self._most:
            raise self._too_many()
        self._held = others + size
        return size

    def ended(self, counted: int) -> None:
        """Forget a body of which so many bytes counted."""
        self._held -= counted

    def _too_many(self) -> Refused:
        expected = f"at most {self._most:,} bytes of all uploads that come in at once"
        refusal = over("upload_bytes", expected, "body", None, "too_many_uploads")
        refusal.retry_after = _SOON
        return refusal
