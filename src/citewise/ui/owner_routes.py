"""The owner's page: behind a password, apart from the chat, with nothing in it but data."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from citewise.ui.languages import page_texts
from citewise.ui.owner_view import export_lines, overview
from citewise.ui.refusals import RefusedError, json_answer, json_body, require_own_page
from citewise.ui.state import AnswerStore, OwnerGate

__all__ = ["OwnerRoutes"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>citewise</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/app-static/owner/owner.css">
<script type="application/json" id="cw-texts">{texts}</script>
<script type="module" src="/app-static/owner/owner.js"></script>
</head><body><main id="owner"></main></body></html>
"""
_COOKIE = "citewise_owner"
_LONGEST_PASSWORD = 1000


class OwnerRoutes:
    """``/owner`` and what its page asks for; all but the page itself needs the password."""

    def __init__(self, owner: OwnerGate, records: AnswerStore) -> None:
        self._owner = owner
        self._records = records

    def add_to(self, app: FastAPI) -> None:
        """Add them to an app."""
        app.get("/owner")(self.page)
        app.post("/owner/login")(self.log_in)
        app.post("/owner/logout")(self.log_out)
        app.get("/owner/data")(self.data)
        app.get("/owner/export.jsonl")(self.export)
        app.delete("/owner/records")(self.erase)

    def page(self) -> HTMLResponse:
        """The page, which is the same for everybody and holds nothing but its own words."""
        page = _PAGE.replace("{texts}", page_texts())
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    async def log_in(self, request: Request) -> JSONResponse:
        """A password for a cookie."""
        require_own_page(request)
        password = (await json_body(request)).get("password")
        if not isinstance(password, str) or len(password) > _LONGEST_PASSWORD:
            raise RefusedError(400, "refused", 'Send {"password": text}.')
        wait = await run_in_threadpool(self._owner.wait)
        if wait:
            problem = f"Too many wrong tries. Wait {int(wait) + 1} seconds."
            raise RefusedError(429, "wait", problem, wait)
        token = await run_in_threadpool(self._owner.log_in, password)
        if token is None:
            raise RefusedError(401, "wrong", "This is not the owner's password.")
        answer = json_answer({"status": "ok"})
        secure = request.url.scheme == "https"
        answer.set_cookie(
            _COOKIE, token, path="/owner", httponly=True, samesite="strict", secure=secure
        )
        return answer

    def log_out(self, request: Request) -> JSONResponse:
        """Make the cookie worthless."""
        require_own_page(request)
        self._owner.log_out(request.cookies.get(_COOKIE, ""))
        answer = json_answer({"status": "ok"})
        answer.delete_cookie(_COOKIE, path="/owner")
        return answer

    def data(self, request: Request) -> JSONResponse:
        """What the page shows."""
        self._demand(request)
        seen = overview(list(self._records.all()))
        return json_answer(seen | {"keep_days": self._records.keep_days})

    def export(self, request: Request) -> Response:
        """Every answer, one JSON object a line."""
        self._demand(request)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="answers.jsonl"',
        }
        lines = export_lines(self._records.all())
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)

    def erase(self, request: Request) -> JSONResponse:
        """Delete every answer."""
        require_own_page(request)
        self._demand(request)
        return json_answer({"deleted": self._records.delete_all()})

    def _demand(self, request: Request) -> None:
        if not self._owner.knows(request.cookies.get(_COOKIE, "")):
            raise RefusedError(401, "log_in", "Log in with the owner's password.")
