"""What stands between the network and the page: limits, a content policy, closed doors.

Plain ASGI middleware, because the page streams: nothing but HTML pages is ever held back whole.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from starlette.responses import JSONResponse

from citewise.ui import strings

__all__ = ["Guard", "policy"]

_Message: TypeAlias = MutableMapping[str, Any]
_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_MAX_BODY: Final = 4 * 1024 * 1024
_PATIENCE: Final = 30.0
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_CLOSED = ("/gradio_api/upload", "/gradio_api/file=http", "/gradio_api/proxy=")
_STREAMED = frozenset({"/api/uploads"})
"""Bodies that go to disk as they come in; their route holds them to its own limit."""
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


def policy(nonce: str) -> str:
    """The content security policy: scripts of this server only, and no way out of it.

    Styles have to be inline for Gradio's components; they can load nothing from elsewhere.
    """
    return (
        "default-src 'none'; "
        f"script-src 'self' 'nonce-{nonce}'; "
        "style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
        "frame-ancestors 'none'; form-action 'none'; base-uri 'self'"
    )


class Guard:
    """Wraps an ASGI app, see above.

    Args:
        app: what is guarded.
        head: HTML for the end of the head of the page at ``/``. Gradio would add it only once all
            of its own scripts have run.
        max_body: bytes of a request's body.
        seconds: until the body is there whole.
    """

    def __init__(
        self, app: _App, head: str = "", max_body: int = _MAX_BODY, seconds: float = _PATIENCE
    ) -> None:
        self._app = app
        self._head = head.encode()
        self._max_body = max_body
        self._seconds = seconds

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        page = _Page(send, self._head if scope["path"] == "/" else b"")
        if scope["path"].startswith(_CLOSED):
            await _refusal(403, "closed", strings.NO_UPLOADS)(scope, receive, page.send)
            return
        if scope["method"] in _WITH_BODY and scope["path"] not in _STREAMED:
            try:
                body = await asyncio.wait_for(_whole_body(receive, self._max_body), self._seconds)
            except asyncio.TimeoutError:  # until Python 3.11 not the built-in one
                told = strings.TOO_SLOW.format(seconds=self._seconds)
                await _refusal(408, "too_slow", told)(scope, receive, page.send)
                return
            except _LeftError:
                return
            if body is None:
                await _refusal(413, "too_large", strings.TOO_LARGE)(scope, receive, page.send)
                return
            receive = _replayed(body, receive)
        await self._app(_uncompressed(scope), receive, page.send)


class _Page:
    """Adds the headers to every response, and the nonce to the scripts of an HTML page."""

    def __init__(self, send: _Send, head: bytes) -> None:
        self._send = send
        self._head = head
        self._nonce = secrets.token_urlsafe(16)
        self._start: _Message | None = None
        self._html = b""

    async def send(self, message: _Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is not None and message["type"] == "http.response.body":
            await self._collect(message)
        else:
            await self._send(message)

    async def _begin(self, message: _Message) -> None:
        ours = (*_HEADERS, (b"content-security-policy", policy(self._nonce).encode()))
        names = {name for name, _ in ours}
        kept = [(n, v) for n, v in message["headers"] if n.lower() not in names]
        message["headers"] = [*kept, *ours]
        if dict(kept).get(b"content-type", b"").startswith(b"text/html"):
            self._start = message
        else:
            await self._send(message)

    async def _collect(self, message: _Message) -> None:
        self._html += message.get("body", b"")
        if message.get("more_body", False) or self._start is None:
            return
        # No document or model text is in this page, so every script in it is the page's own.
        html = self._html.replace(b"</head>", self._head + b"</head>", 1)
        html = html.replace(b"<script", f'<script nonce="{self._nonce}"'.encode())
        headers = [(n, v) for n, v in self._start["headers"] if n.lower() != b"content-length"]
        self._start["headers"] = [*headers, (b"content-length", str(len(html)).encode())]
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": html})


class _LeftError(Exception):
    """The client went away before its request was whole: nobody asks for what came of it."""


async def _whole_body(receive: _Receive, most: int) -> bytes | None:
    """The request's body, or None if it is over the limit, whatever length it announced.

    Raises:
        _LeftError: it breaks off.
    """
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _LeftError
        chunk: bytes = message.get("body", b"")
        more = bool(message.get("more_body", False))
        size += len(chunk)
        if size > most:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _replayed(body: bytes, receive: _Receive) -> _Receive:
    """A ``receive`` that gives the body once, then whatever comes later, such as a disconnect."""
    waiting: list[_Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> _Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _uncompressed(scope: _Scope) -> _Scope:
    """A page has to be read here to place its nonce, so it must not come compressed."""
    headers = dict(scope["headers"])
    if b"text/html" not in headers.get(b"accept", b"") and scope["path"] != "/":
        return scope
    kept = [(n, v) for n, v in scope["headers"] if n.lower() != b"accept-encoding"]
    return {**scope, "headers": kept}


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    # What is still to come of a request that is refused is not waited for.
    headers = {"Connection": "close"} if status in (408, 413) else None
    return JSONResponse({"error": code, "message": message}, status_code=status, headers=headers)
