"""The chat's own routes: a source as JSON, the list of documents, and whether this is alive."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from citewise.errors import CitewiseError
from citewise.ui import strings
from citewise.ui.contract import ChatAssistant
from citewise.ui.escaping import reveal
from citewise.ui.sources import SourceError, SourceId, shown_source

__all__ = ["add_routes"]

_STATUS = {"not_found": 404, "changed": 409, "unavailable": 503}
_LISTED = 500
"""Documents named in the list; their count is given in full."""


def add_routes(app: FastAPI, assistant: ChatAssistant) -> None:
    """Add ``/healthz``, ``/api/documents`` and ``/api/source/<id>``.

    A refusal is always ``{"error": code, "message": text}`` and repeats nothing that was sent.
    """

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return _json({"status": "ok"})

    @app.get("/api/documents")
    def documents() -> JSONResponse:
        try:
            return _json(_listing(assistant))
        except CitewiseError as error:
            return _refusal("unavailable", str(error))

    @app.get("/api/source/{source_id:path}")
    def source(source_id: str) -> JSONResponse:
        try:
            return _json(_source(assistant, source_id))
        except SourceError as lost:
            return _refusal(lost.code, str(lost))
        except CitewiseError as error:
            return _refusal("unavailable", str(error))


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
    return {"title": strings.DOCUMENTS_TITLE, "total": len(known), "documents": listed}


def _json(content: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(content, status_code=status, headers={"Cache-Control": "no-store"})


def _refusal(code: str, message: str) -> JSONResponse:
    return _json({"error": code, "message": message}, _STATUS[code])
