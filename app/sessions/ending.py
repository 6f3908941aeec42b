"""Waiting for what cannot be stopped."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TypeVar

T = TypeVar("T")


async def to_its_end(work: asyncio.Future[T]) -> T:
    """Return what `work` comes to.

    Whoever is cancelled, however often, waits until it is done: nothing that comes later may be
    overtaken by it, nor share what it uses.
    """
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({work})
        work.exception()  # looked at, so that nobody is warned about one that nobody awaits
        raise
    finally:
        del work  # its failure leads here, and from here to it: a circle would keep the run
