"""How a server ends: no new questions, the answers in hand finished, then out.

Told to end (SIGTERM), it goes on listening, so that ``/readyz`` can say that it ends and a proxy
that has not noticed gets a refusal which it can take elsewhere, instead of a broken connection.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Awaitable, Callable, MutableMapping
from types import FrameType
from typing import Any, Final, TypeAlias

import uvicorn
from starlette.responses import JSONResponse

__all__ = ["ENDING", "ChatServer", "Ending", "InHand"]

_Message: TypeAlias = MutableMapping[str, Any]
_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

ENDING: Final = "This chat is being stopped. Ask again in a moment."
_TAKEN = frozenset({"/api/ask", "/api/uploads"})


class Ending:
    """Whether a server has been told to end, and what it still has in hand.

    All but ``begin`` is called by the event loop's thread alone.

    Args:
        seconds: what is in hand gets, once the server has been told.
        clock: seconds; tests give their own.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._began: float | None = None
        self.in_hand = 0

    @property
    def begun(self) -> bool:
        """Whether the server has been told."""
        return self._began is not None

    def begin(self) -> None:
        """Tell it. It takes no lock, so that a signal's handler can call it at any time."""
        self._began = self._clock()

    def over(self) -> bool:
        """Whether it may end now: it was told, and nothing is in hand or the time is up."""
        if self._began is None:
            return False
        return not self.in_hand or self._clock() - self._began >= self._seconds


class InHand:
    """Wraps an ASGI app: counts questions and files until the last byte is sent; refuses new ones
    once the server ends."""

    def __init__(self, app: _App, ending: Ending) -> None:
        self._app = app
        self._ending = ending

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        taken = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in _TAKEN
        if not taken:
            await self._app(scope, receive, send)
        elif self._ending.begun:
            headers = {"Retry-After": "1", "Connection": "close", "Cache-Control": "no-store"}
            refusal = {"error": "ending", "message": ENDING}
            await JSONResponse(refusal, status_code=503, headers=headers)(scope, receive, send)
        else:
            self._ending.in_hand += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._ending.in_hand -= 1


class ChatServer(uvicorn.Server):
    """Ends by SIGTERM once nothing is in hand, with exit code 0; by Ctrl-C, or a second SIGTERM,
    at once."""

    def __init__(self, config: uvicorn.Config, ending: Ending) -> None:
        super().__init__(config)
        self._ending = ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """What a signal does; uvicorn would close its port at once and die of the signal."""
        if sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
        elif self._ending.begun:
            self.should_exit = True
        else:
            self._ending.begin()

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether it is time to end."""
        if self._ending.over():
            self.should_exit = True
        return await super().on_tick(counter)
