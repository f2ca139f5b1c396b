"""How the server's own routes refuse: one shape, ``{"error": code, "message": text}``."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from citewise.errors import IndexFault
from citewise.ui.origin import own_page
from citewise.ui.telling import told

__all__ = ["RefusedError", "add_refusals", "json_answer", "json_body", "require_own_page"]

OTHER_PAGE: Final = "Only this chat's own page may change something here (X-Citewise: 1)."
NOT_JSON: Final = "The request is not JSON of the form that is expected here."
_LONGEST = 256 * 1024


class RefusedError(Exception):
    """A request that is refused, with its HTTP status."""

    def __init__(self, status: int, code: str, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.wait = status, code, message, wait


def add_refusals(app: FastAPI) -> None:
    """Let every route raise ``RefusedError``, or what tells that nothing can be kept or found."""

    @app.exception_handler(RefusedError)
    async def refused(_: Request, reason: RefusedError) -> JSONResponse:
        answer = json_answer({"error": reason.code, "message": reason.message}, reason.status)
        if reason.status == 408:
            answer.headers["Connection"] = "close"  # what is still to come is not waited for
        if reason.wait:
            answer.headers["Retry-After"] = str(int(reason.wait) + 1)
        return answer

    @app.exception_handler(IndexFault)
    async def unavailable(_: Request, fault: IndexFault) -> JSONResponse:
        return json_answer({"error": "unavailable", "message": told(fault)}, 503)


def require_own_page(request: Request) -> None:
    """Refuse what another site's page, or another port of this machine, sends.

    Raises:
        RefusedError: it does not come from this chat's page, nor from a program.
    """
    if not own_page(request):
        raise RefusedError(403, "other_page", OTHER_PAGE)


async def json_body(request: Request) -> dict[str, Any]:
    """The object that a request holds.

    Raises:
        RefusedError: it is too long, or no JSON object.
    """
    body = await request.body()
    if len(body) > _LONGEST:
        raise RefusedError(413, "too_large", "This request is too large.")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "not_json", NOT_JSON) from None
    if not isinstance(found, dict):
        raise RefusedError(400, "not_json", NOT_JSON)
    return found


def json_answer(content: Any, status: int = 200) -> JSONResponse:
    """JSON that no browser keeps."""
    return JSONResponse(content, status_code=status, headers={"Cache-Control": "no-store"})
