"""Gives every browser that opens the page a cookie of its own, and reads it from each request."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

from fastapi import Request

from citewise.ui.tokens import COOKIE, new_token, token_in

__all__ = ["VisitorCookie", "cookie_name", "instance_of", "new_instance", "token_of"]

_Message: TypeAlias = MutableMapping[str, Any]
_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class VisitorCookie:
    """Wraps an ASGI app: HttpOnly, SameSite=Strict, renewed whenever the page is opened."""

    def __init__(self, app: _App, name: str, seconds: int) -> None:
        self._app, self._name, self._seconds = app, name, seconds

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = token_in(_cookies(scope), self._name)
        token = known or new_token()
        scope.setdefault("state", {})["visitor_token"] = token
        renewed = known is None and scope["path"].startswith("/api/")
        if scope["path"] != "/" and not renewed:
            await self._app(scope, receive, send)
            return
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = (
            f"{self._name}={token}; Path=/; Max-Age={self._seconds}; HttpOnly; "
            f"SameSite=Strict{secure}"
        )

        async def with_cookie(message: _Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            await send(message)

        await self._app(scope, receive, with_cookie)


def token_of(request: Request) -> str:
    """The token of whoever sends a request."""
    token: str = request.state.visitor_token
    return token


def cookie_name(instance: str) -> str:
    """The name of a chat's cookie.

    Browsers keep cookies by host and not by port, so that two chats on one machine would
    otherwise take each other's.
    """
    return f"{COOKIE}_{instance}"


def new_instance() -> str:
    """What tells one chat from any other: 12 hexadecimal digits."""
    return secrets.token_hex(6)


def instance_of(folder: Path) -> str:
    """What stays the same for this data folder, and differs from another server's."""
    path = folder / "instance"
    try:
        name = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        name = ""
    if not (len(name) == 12 and name.isalnum()):
        name = new_instance()
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="ascii")
    return name


def _cookies(scope: _Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, _, content = part.strip().partition("=")
                found.setdefault(key, content)
    return found
