"""How long a client may take: over its request, and over reading the reply.

uvicorn waits for ever for both, so that a few hundred clients that do nothing would hold every
connection there is.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from citewise.bounds import Bounds

__all__ = ["patient", "punctual"]

_LOOKS_EVERY = 0.5
_SYSTEM_BUFFER = 128 * 1024
_GRACE = 5.0
"""Seconds that the app has for refusing a slow request in words before it is cut off."""


def patient(bounds: Bounds) -> type[H11Protocol]:
    """The protocol of a server that ends connections on which nothing comes about.

    A connection is cut off when its request is not whole after ``bounds.request_seconds`` (that of
    a file: ``bounds.upload_seconds``), or when what is ready for it was not taken for
    ``bounds.unread_seconds``. The app learns of it as of any client that goes away.
    """
    return type("Patient", (_Patient,), {"bounds": bounds})


class _Patient(H11Protocol):
    bounds = Bounds()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # What lies in the system's buffer cannot be seen from here: let that be little.
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BUFFER
        )
        self._looking: asyncio.TimerHandle | None = None
        self._asked = self._took = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._asked = self.loop.time()  # the next request begins
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._took = self.loop.time()  # most of what was ready is gone
        super().resume_writing()

    def _look(self) -> None:
        now, waits = self.loop.time(), self.transport.get_write_buffer_size() > 0
        if not waits:
            self._took = now
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._asked = now
        if now - self._took > self.bounds.unread_seconds or now - self._asked > self._for_asking():
            self.transport.abort()
        elif waits or not self.transport.is_closing():
            self._looking = self.loop.call_later(_LOOKS_EVERY, self._look)

    def _for_asking(self) -> float:
        if self.conn.their_state is h11.IDLE:
            return self.bounds.request_seconds
        longest = self.bounds.request_seconds
        if not self.cycle.response_complete:
            longest = max(longest, self.bounds.upload_seconds)
        return longest + _GRACE


async def punctual(
    chunks: AsyncIterator[bytes], silence: float, total: float
) -> AsyncIterator[bytes]:
    """The chunks of a request's body, as long as they keep coming.

    Args:
        chunks: what comes in.
        silence: seconds that may pass between two of them.
        total: seconds that all of them together may take.

    Raises:
        TimeoutError: they took longer.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + total
    coming: Any = aiter(chunks)
    try:
        while True:
            left = max(0.0, min(silence, end - loop.time()))
            yield await asyncio.wait_for(anext(coming), left)
    except StopAsyncIteration:
        return
    except asyncio.TimeoutError:  # until Python 3.11 not the built-in one
        raise TimeoutError from None
