"""``POST /api/ask``: a question in, one line of JSON for each event out, as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from math import ceil
from typing import Any, cast
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from citewise.bounds import Bounds
from citewise.errors import CitewiseError, InputError
from citewise.types import Answer
from citewise.ui import strings
from citewise.ui.contract import Hooks
from citewise.ui.line import Line
from citewise.ui.telling import told
from citewise.ui.turns import Asked, turn_views
from citewise.ui.views import View, error_view

__all__ = ["add_ask_route"]

_LOG = logging.getLogger(__name__)
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def add_ask_route(app: FastAPI, hooks: Hooks, bounds: Bounds) -> Line:
    """Add ``/api/ask``, which takes ``{"question": text, "history": [earlier questions]}``.

    Returns the line before the language model.

    A page that goes away, or stops reading, cancels the model. More questions than ``bounds``
    allow at once are refused; of the others, those that wait for the model are told how many
    come first.
    """
    places = threading.BoundedSemaphore(bounds.at_once)
    line = Line(bounds.answering, waited=lambda seconds: _tell(hooks.on_wait, seconds))

    @app.post("/api/ask")
    async def ask(request: Request) -> Response:
        # Only this type makes a browser ask for leave before another site's page may send it.
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return _refusal(415, "not_json", strings.NOT_JSON)
        try:
            sent = json.loads(await request.body())
            asked = Asked.of(sent)
        except InputError as error:
            return _refusal(400, "not_text", str(error))
        except (ValueError, RecursionError):
            return _refusal(400, "not_json", strings.NOT_JSON)
        if not places.acquire(blocking=False):
            refusal = _refusal(503, "busy", strings.BUSY)
            refusal.headers["Retry-After"] = str(ceil(line.until_one_ends()))
            return refusal
        lines = _lines(lambda: _views(hooks, request, asked, sent, line), places.release)
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=_HEADERS)

    return line


def _views(
    hooks: Hooks, request: Request, asked: Asked, sent: dict[str, Any], line: Line
) -> Iterator[View]:
    options: dict[str, Any] = {}
    try:
        for add in hooks.ask_options:
            options |= add(request, sent)
        assistant = hooks.assistant_for(request)
    except CitewiseError as error:
        _tell(hooks.on_failure)
        yield error_view(told(error))
        return

    def answered(answer: Answer) -> View:
        record = uuid4().hex
        _tell(hooks.on_answer, request, record, answer)
        return {"id": record}

    turn = turn_views(assistant, asked, answered, line, **options)
    with contextlib.closing(cast("Generator[View, None, None]", turn)) as views:
        for view in views:
            if view["type"] == "error":
                _tell(hooks.on_failure)
            yield view


def _tell(told: Iterable[Callable[..., None]], *what: object) -> None:
    for each in told:
        with _unharmed():
            each(*what)


@contextlib.contextmanager
def _unharmed() -> Iterator[None]:
    """Who watches an answer must not cost the reader the answer."""
    try:
        yield
    except Exception:
        _LOG.exception("An answer could not be recorded.")


async def _lines(
    views: Callable[[], Iterator[View]], done: Callable[[], None]
) -> AsyncIterator[bytes]:
    """Views made in a thread of their own, which ends, and closes them, when nobody reads on."""
    loop, left = asyncio.get_running_loop(), threading.Event()
    ready: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(line: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(ready.put_nowait, line)

    def work() -> None:
        try:
            with contextlib.closing(cast("Generator[View, None, None]", views())) as running:
                for view in running:
                    if left.is_set():
                        break
                    send(json.dumps(view, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        finally:
            done()
            send(None)

    threading.Thread(target=work, name="citewise-answer", daemon=True).start()
    try:
        while (line := await ready.get()) is not None:
            yield line
    finally:
        left.set()


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": code, "message": message}, status_code=status, headers=_HEADERS)
