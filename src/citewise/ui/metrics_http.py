"""Where metrics come from and are told, and what they count of requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from citewise.assistant import Assistant
from citewise.health import llm_loads
from citewise.ui.contract import ChatAssistant, Hooks
from citewise.ui.ending import Ending
from citewise.ui.line import Line
from citewise.ui.listening import is_loopback
from citewise.ui.metrics import Meters

__all__ = ["CountResponses", "add_metrics"]

_Message: TypeAlias = MutableMapping[str, Any]
_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_CLOSED: Final = "Metrics are told to programs on this machine alone; see the setting metrics."
_REJECTED = {429: "too_often", 503: "busy"}


def add_metrics(
    app: FastAPI, hooks: Hooks, assistant: ChatAssistant, line: Line, *, everybody: bool
) -> None:
    """Count what the app does, and tell it at ``/metrics``.

    Args:
        app: what is counted; ``app.state.ending`` knows what it has in hand.
        hooks: where answers, waits and failures are told.
        assistant: whose language model is asked.
        line: before the language model.
        everybody: whether whoever reaches the port may read them; else only programs on this
            machine, and no proxy on it, which would let everybody in.
    """

    ending: Ending = app.state.ending
    meters = Meters(lambda: llm_loads(assistant) if isinstance(assistant, Assistant) else [])
    meters.watch("citewise_line_length", line.__len__)
    meters.watch("citewise_requests_in_hand", lambda: ending.in_hand)
    hooks.on_answer.append(lambda _, __, answer: meters.answered(answer))
    hooks.on_wait.append(lambda seconds: meters.observe("citewise_line_wait_seconds", seconds))
    hooks.on_failure.append(lambda: meters.count("citewise_failed_questions"))
    app.add_middleware(CountResponses, meters=meters, ending=ending)

    @app.get("/metrics")
    def metrics(request: Request) -> Response:
        if not everybody and not _is_from_here(request):
            return JSONResponse({"error": "closed", "message": _CLOSED}, status_code=403)
        headers = {"Cache-Control": "no-store"}
        return Response(meters.text(), media_type=meters.content_type, headers=headers)


def _is_from_here(request: Request) -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    return request.client is not None and is_loopback(request.client.host)


class CountResponses:
    """Wraps an ASGI app: counts responses, and questions and files that were not taken."""

    def __init__(self, app: _App, meters: Meters, ending: Ending) -> None:
        self._app = app
        self._meters = meters
        self._ending = ending

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def noting(message: _Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            kind = f"{status // 100}xx" if status else "none"
            self._meters.count("citewise_http_responses", kind)
            if scope["method"] == "POST":
                self._count_sent(scope["path"], status)

    def _count_sent(self, path: str, status: int) -> None:
        if path == "/api/uploads":
            self._meters.count("citewise_uploads", "taken" if status == 201 else "refused")
        elif path == "/api/ask" and status >= 400:
            reason = _REJECTED.get(status, "invalid")
            ends = status == 503 and self._ending.begun
            self._meters.count("citewise_rejected_questions", "ending" if ends else reason)
