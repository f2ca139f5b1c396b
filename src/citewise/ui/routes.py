"""The chat's own routes: sources, documents and suggestions as JSON, and how the server is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from citewise.errors import CitewiseError
from citewise.ui.contract import ChatAssistant, Hooks
from citewise.ui.readiness import Readiness
from citewise.ui.revealing import reveal
from citewise.ui.sources import SourceError, SourceId, shown_source
from citewise.ui.suggesting import suggestions
from citewise.ui.telling import told

__all__ = ["add_health_routes", "add_routes"]

_STATUS = {"not_found": 404, "changed": 409, "unavailable": 503}
_LISTED = 500
"""Documents named in the list; their count is given in full."""


def add_routes(app: FastAPI, hooks: Hooks, examples: Sequence[str] = ()) -> None:
    """Add ``/api/documents``, ``/api/suggestions`` and ``/api/source/<id>``.

    A refusal is always ``{"error": code, "message": text}`` and repeats nothing that was sent.
    """

    @app.get("/api/documents")
    def documents(request: Request) -> JSONResponse:
        return _answered(lambda: _listing(hooks.assistant_for(request)))

    @app.get("/api/suggestions")
    def suggested(request: Request) -> JSONResponse:
        def questions() -> list[str]:
            return list(examples) or suggestions(hooks.assistant_for(request))

        return _answered(lambda: {"questions": questions()})

    @app.get("/api/source/{source_id:path}")
    def source(request: Request, source_id: str) -> JSONResponse:
        return _answered(lambda: _source(hooks.assistant_for(request), source_id))


def add_health_routes(app: FastAPI, readiness: Readiness) -> None:
    """Add ``/healthz`` (the process is alive) and ``/readyz`` (it can answer questions now)."""

    # No thread of the pool is waited for: a busy process is alive.
    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return _json({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        ready, parts = await readiness.states()
        status = "ready" if ready else "not_ready"
        return _json({"status": status, "parts": parts}, 200 if ready else 503)


def _answered(content: Callable[[], dict[str, Any]]) -> JSONResponse:
    try:
        return _json(content())
    except SourceError as lost:
        return _refusal(lost.code, str(lost))
    except CitewiseError as error:
        return _refusal("unavailable", told(error))


def _source(assistant: ChatAssistant, source_id: str) -> dict[str, Any]:
    source = SourceId.decode(source_id)
    if all(known.name != source.document for known in assistant.documents()):
        raise SourceError("not_found")
    return shown_source(source, assistant.document(source.document))


def _listing(assistant: ChatAssistant) -> dict[str, Any]:
    known = assistant.documents()
    listed = [
        {
            "name": item.name,
            "title": reveal(item.name),
            "source": SourceId(item.name, 0, 0, item.sha256[:12]).encode(),
        }
        for item in known[:_LISTED]
    ]
    return {"total": len(known), "documents": listed}


def _json(content: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(content, status_code=status, headers={"Cache-Control": "no-store"})


def _refusal(code: str, message: str) -> JSONResponse:
    return _json({"error": code, "message": message}, _STATUS[code])
