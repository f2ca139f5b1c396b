"""How often one client may ask: a bucket of questions each, refilled over time.

Only what makes the models work is counted. A client is an address; behind a proxy that is what the
proxy says, if uvicorn was told to trust it.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from citewise.errors import CitewiseError

if TYPE_CHECKING:
    from citewise.ui.state import Buckets

__all__ = ["TOO_OFTEN", "Bucket", "OwnBuckets", "RateLimit"]

_Message: TypeAlias = MutableMapping[str, Any]
_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

TOO_OFTEN: Final = "You ask faster than this chat allows ({rate} questions a minute). {wait}"
_COUNTED = ("/api/ask", "/gradio_api/queue/join", "/gradio_api/run/", "/gradio_api/call/")
_MOST_CLIENTS = 10_000
_MINUTE = 60.0


class Bucket:
    """Questions that a client may still ask; as many at once as in a minute.

    Args:
        a_minute: how many are given back in a minute, and the most there can be.
        now: seconds of a clock that never goes back.
    """

    __slots__ = ("_a_minute", "_left", "_seen")

    def __init__(self, a_minute: int, now: float) -> None:
        self._a_minute = a_minute
        self._left = float(a_minute)
        self._seen = now

    def take(self, now: float) -> float:
        """Take one; return 0, or the seconds until there is one again."""
        gained = max(0.0, now - self._seen) * self._a_minute / _MINUTE
        self._left = min(float(self._a_minute), self._left + gained)
        self._seen = now
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) * _MINUTE / self._a_minute


class OwnBuckets:
    """The buckets of one process's clients, in its memory; safe to share between threads.

    Args:
        a_minute: see ``Bucket``.
        clock: seconds; tests give their own.
    """

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, client: str) -> float:
        """Seconds to wait; the clients that were seen last are the ones remembered."""
        now = self._clock()
        with self._lock:
            bucket = self._buckets.pop(client, None) or Bucket(self._a_minute, now)
            self._buckets[client] = bucket
            if len(self._buckets) > _MOST_CLIENTS:
                self._buckets.popitem(last=False)
            return bucket.take(now)


class RateLimit:
    """Wraps an ASGI app; a client that asks too often gets 429 and is told how long to wait.

    Args:
        app: what is wrapped.
        a_minute: questions that one client may ask in a minute; 0 sets no limit.
        clock: seconds; tests give their own.
        shared: counts for several processes; by default this one counts for itself.
    """

    def __init__(
        self,
        app: _App,
        a_minute: int = 0,
        clock: Callable[[], float] = time.monotonic,
        shared: Buckets | None = None,
    ) -> None:
        self._app = app
        self._a_minute = a_minute
        self._own = OwnBuckets(a_minute, clock)
        self._shared = shared

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        counted = scope["type"] == "http" and scope["method"] == "POST"
        if not (self._a_minute and counted and scope["path"].startswith(_COUNTED)):
            await self._app(scope, receive, send)
            return
        wait = await self._taken(str((scope.get("client") or ("",))[0]))
        if wait <= 0:
            await self._app(scope, receive, send)
            return
        seconds = math.ceil(wait)
        again = "Ask again in a second." if seconds == 1 else f"Ask again in {seconds} seconds."
        await JSONResponse(
            {
                "error": "too_often",
                "message": TOO_OFTEN.format(rate=self._a_minute, wait=again),
            },
            status_code=429,
            headers={"Retry-After": str(seconds), "Cache-Control": "no-store"},
        )(scope, receive, send)

    async def _taken(self, client: str) -> float:
        """Seconds to wait; where the shared count cannot be reached, this process's own."""
        if self._shared is None:
            return self._own.take(client)
        try:
            return await run_in_threadpool(self._shared.take, client)
        except CitewiseError:
            return self._own.take(client)
