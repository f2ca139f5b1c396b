"""Which collections a request may see: those that a trusted proxy lists in a header.

The proxy has to set the header on every request, whatever its client sent. A request without it,
or with one that cannot be read, gets nothing: not even the page.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fastapi import Request
from starlette.responses import JSONResponse

from citewise.collection_names import checked_names, shown_name
from citewise.errors import InputError

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.ui.contract import ChatAssistant

__all__ = ["Callers", "CallersOnly", "callers_of"]

_Message: TypeAlias = MutableMapping[str, Any]
_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_STATE: Final = "collections"
# What a machine asks that looks after the server; nothing of any document is in the answers.
_FOR_ALL: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_REFUSED: Final = (
    "Nobody says which documents you may see, so that none are shown. "
    "Come through the address at which you log in, or ask whoever runs this chat."
)


class Callers:
    """Gives each request the assistant that sees what its caller may see.

    Where the assistant was made for named collections, no header opens any other.

    Args:
        assistant: over the store.
        header: the header's name.

    Raises:
        InputError: no header can be called that.
    """

    def __init__(self, assistant: Assistant, header: str) -> None:
        if not _NAME.fullmatch(header):
            raise InputError(
                f"No header is called {header!r}.", "Set collections_header to X-Collections."
            )
        self.header = header
        self.nobody = assistant.seeing_nothing()
        """What is used where no caller is known: it holds no documents."""
        self._assistant = assistant
        self._most = frozenset(assistant.collections) if assistant.is_bound else None

    def collections(self, headers: list[tuple[bytes, bytes]]) -> tuple[str, ...] | None:
        """What the headers of a request let see; None if they do not say, or say it twice."""
        name = self.header.lower().encode("ascii")
        found = [value for key, value in headers if key.lower() == name]
        if len(found) != 1:
            return None
        try:
            names = checked_names(found[0].decode("ascii"))
        except (UnicodeDecodeError, InputError):
            return None
        return names if self._most is None else tuple(n for n in names if n in self._most)

    def assistant(self, request: Request) -> Assistant:
        """The assistant of whoever sends a request, which ``CallersOnly`` has let through."""
        collections: tuple[str, ...] = getattr(request.state, _STATE, ())
        if not collections:
            return self.nobody
        return self._assistant.seeing(*map(shown_name, collections))

    def identity(self, request: Request) -> str:
        """What tells what this caller may see from what others may."""
        return ",".join(getattr(request.state, _STATE, ()))


def callers_of(assistant: ChatAssistant, header: str) -> Callers | None:
    """Who may see what, if that is for a header to say.

    Raises:
        InputError: no header can be called that, or the assistant has no collections.
    """
    from citewise.assistant import Assistant

    if not header:
        return None
    if not isinstance(assistant, Assistant):
        raise InputError(f"{type(assistant).__name__} has no collections.", "Give an Assistant.")
    return Callers(assistant, header)


class CallersOnly:
    """Wraps an ASGI app: a request whose header does not say what its caller may see is refused."""

    def __init__(self, app: _App, callers: Callers) -> None:
        self._app, self._callers = app, callers

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan" or scope.get("path") in _FOR_ALL:
            await self._app(scope, receive, send)
            return
        collections = self._callers.collections(scope["headers"])
        if collections is None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            refused = {"error": "no_collections", "message": _REFUSED}
            headers = {"Cache-Control": "no-store"}
            await JSONResponse(refused, 403, headers)(scope, receive, send)
            return
        # A proxy's word, kept where nothing that a client sends can reach it.
        scope.setdefault("state", {})[_STATE] = collections
        await self._app(scope, receive, send)
