"""The pieces of a reply for a caller that has an event loop: ``async for piece in pieces(...)``.

Requests are made by threads, since the whole assistant is; a thread that waits for a server costs
about what a connection does (``docs/scale.md``). This brings what one of them reads into a loop,
without a second client, a second pool and a second set of rules for what is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator
from collections.abc import Generator as Stream
from typing import Any, cast

from citewise.protocols import Generator, Prompt

__all__ = ["pieces"]

_END = object()


async def pieces(
    generator: Generator, prompt: Prompt, *, max_tokens: int
) -> AsyncGenerator[str, None]:
    """Yield what ``generator.stream`` yields, without ever blocking the event loop.

    Closing the iterator, or cancelling the task that reads it, closes the request as soon as its
    next piece comes, or its time-out.

    Raises:
        GeneratorError: as ``generator.stream`` does.
    """
    loop, left = asyncio.get_running_loop(), threading.Event()
    ready: asyncio.Queue[Any] = asyncio.Queue()

    def tell(said: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(ready.put_nowait, said)

    def read() -> None:
        try:
            stream = generator.stream(prompt, max_tokens=max_tokens)
            with contextlib.closing(cast("Stream[str, None, None]", stream)):
                for piece in stream:
                    if left.is_set():
                        return
                    tell(piece)
        except Exception as error:
            tell(error)
        else:
            tell(_END)

    threading.Thread(target=read, name="citewise-reply", daemon=True).start()
    try:
        while (said := await ready.get()) is not _END:
            if isinstance(said, Exception):
                raise said
            yield said
    finally:
        left.set()
