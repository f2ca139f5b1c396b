"""Routes for answers that were given: a thumb, a file, a question for the evals, deletion."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from citewise.errors import CitewiseError, InputError
from citewise.ui.eval_lines import QuestionSet
from citewise.ui.exporting import as_json, as_markdown
from citewise.ui.refusals import RefusedError, json_answer, json_body, require_own_page
from citewise.ui.state import AnswerStore
from citewise.ui.telling import told
from citewise.ui.tokens import folder_name

__all__ = ["RecordRoutes"]

_LONGEST_REASON = 2000
_MOST_AT_ONCE = 500
_THUMBS = {"up": 1, "down": -1, "none": 0}
_NO_THUMB = (
    'Send {"thumb": "up", "down" or "none", "reason": text}; a reason has at most '
    f"{_LONGEST_REASON} characters."
)
_UNKNOWN = "The server no longer has this answer. Ask the question again."
_TYPES = {"md": "text/markdown; charset=utf-8", "json": "application/json"}


class RecordRoutes:
    """The routes under ``/api/answers``, and ``/api/export.md`` and ``.json``.

    Args:
        records: the answers that are kept.
        token_of: the cookie of whoever sends a request.
        questions: where answers are saved as questions for the evals, if anywhere.
    """

    def __init__(
        self,
        records: AnswerStore,
        token_of: Callable[[Request], str],
        questions: QuestionSet | None = None,
    ) -> None:
        self._records = records
        self._token_of = token_of
        self._questions = questions

    def add_to(self, app: FastAPI) -> None:
        """Add them to an app."""
        app.put("/api/answers/{key}/thumb")(self.rate)
        app.post("/api/answers/{key}/question")(self.save_question)
        app.delete("/api/answers/{key}")(self.forget)
        app.get("/api/export.{kind}")(self.export)

    async def rate(self, request: Request, key: str) -> JSONResponse:
        """A thumb up or down, with a reason if there is one."""
        require_own_page(request)
        sent = await json_body(request)
        thumb, reason = sent.get("thumb"), sent.get("reason", "")
        fits = isinstance(reason, str) and len(reason) <= _LONGEST_REASON
        if not isinstance(thumb, str) or thumb not in _THUMBS or not fits:
            raise RefusedError(400, "refused", _NO_THUMB)
        reason = reason.encode("utf-8", "replace").decode().strip()
        visitor = self._visitor(request)
        if not await run_in_threadpool(self._records.rate, visitor, key, _THUMBS[thumb], reason):
            raise RefusedError(404, "not_found", _UNKNOWN)
        return json_answer({"thumb": thumb, "reason": reason})

    def save_question(self, request: Request, key: str) -> JSONResponse:
        """Append the answer to the question set that the server was started with."""
        require_own_page(request)
        if self._questions is None:
            raise RefusedError(403, "closed", "This chat was started without a question set.")
        found = self._records.of_visitor(self._visitor(request), [key])
        if not found:
            raise RefusedError(404, "not_found", _UNKNOWN)
        try:
            return json_answer({"id": self._questions.append(found[0])}, 201)
        except InputError as error:
            raise RefusedError(409, "refused", str(error)) from None
        except CitewiseError as error:
            raise RefusedError(503, "unavailable", told(error)) from None

    async def forget(self, request: Request, key: str) -> JSONResponse:
        """Delete an answer, or several with commas between their ids."""
        require_own_page(request)
        keys = key.split(",")[:_MOST_AT_ONCE]
        deleted = await run_in_threadpool(self._records.delete, self._visitor(request), keys)
        return json_answer({"deleted": deleted})

    def export(self, request: Request, kind: str, ids: str = "") -> Response:
        """The answers with these ids, in their order, or all of this visitor's."""
        if kind not in _TYPES:
            raise RefusedError(404, "not_found", "Export as .md or .json.")
        keys = ids.split(",")[:_MOST_AT_ONCE] if ids else None
        kept = self._records.of_visitor(self._visitor(request), keys)
        if not kept:
            raise RefusedError(404, "not_found", _UNKNOWN)
        text = as_markdown(kept) if kind == "md" else as_json(kept)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="conversation.{kind}"',
        }
        return Response(text.encode("utf-8", "replace"), media_type=_TYPES[kind], headers=headers)

    def _visitor(self, request: Request) -> str:
        return folder_name(self._token_of(request))
