"""What the server keeps for its visitors: their documents, their answers, and the owner's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from citewise.bounds import Bounds
from citewise.errors import CitewiseError
from citewise.types import Answer
from citewise.ui.cookies import VisitorCookie, cookie_name, token_of
from citewise.ui.eval_lines import QuestionSet
from citewise.ui.options import Options
from citewise.ui.outline import outline
from citewise.ui.owner_routes import OwnerRoutes
from citewise.ui.record_routes import RecordRoutes
from citewise.ui.refusals import (
    RefusedError,
    add_refusals,
    json_answer,
    require_own_page,
)
from citewise.ui.state import open_state
from citewise.ui.tokens import folder_name
from citewise.ui.upload_routes import UploadRoutes
from citewise.ui.visitor_assistant import VisitorAssistant

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.ui.callers import Callers
    from citewise.ui.contract import Hooks

__all__ = ["Extras"]


class Extras:
    """Adds all of it to an app; ``close`` it when the app has ended.

    Raises:
        InputError, EvaluationError: the question set cannot be used.
        IndexFault: the data folder, or the database, cannot be used.
    """

    def __init__(
        self,
        app: FastAPI,
        hooks: Hooks,
        assistant: Assistant,
        options: Options,
        bounds: Bounds,
        callers: Callers | None = None,
    ) -> None:
        self.callers = callers
        if callers is not None:
            # Whatever forgets to say who is asking then shows nothing.
            assistant = callers.nobody
        self.options = options
        self.state = open_state(options, assistant)
        self.visitors = self.state.visitors
        self.records = self.state.records
        self.records.sweep()
        questions = QuestionSet(options.questions) if options.questions else None
        add_refusals(app)
        UploadRoutes(
            self.visitors, token_of, bounds, uploads=options.uploads, shared_for=self._shared_for
        ).add_to(app)
        RecordRoutes(self.records, self._asker, questions).add_to(app)
        if options.owner:
            OwnerRoutes(self.state.owner(options.owner), self.records).add_to(app)
        self._add_own_routes(app)
        app.add_middleware(
            VisitorCookie,
            name=cookie_name(self.state.instance),
            seconds=max(options.limits.idle_seconds, int(options.keep_days * 86400)),
        )
        hooks.assistant_for = self.assistant_for
        hooks.ask_options.append(_remember_history)
        hooks.on_answer.append(self._keep)
        self.visitors.start_sweeping()

    def assistant_for(self, request: Request) -> VisitorAssistant:
        """Whose documents a request is about."""
        return VisitorAssistant(self.visitors.get(token_of(request)), self._shared_for(request))

    def _shared_for(self, request: Request) -> Assistant | None:
        """What the sender of a request may see of the collections; None if all see the same."""
        return self.callers.assistant(request) if self.callers else None

    def _asker(self, request: Request) -> str:
        """To whom answers belong: a browser, as long as it may see what it saw then."""
        token = token_of(request)
        return f"{token} {self.callers.identity(request)}" if self.callers else token

    def close(self) -> None:
        """Stop working in the background; nothing that was brought is lost."""
        self.state.close()

    def _keep(self, request: Request, key: str, answer: Answer) -> None:
        token = token_of(request)
        own = self.visitors.get(token).own_names()
        used = {c.document for c in answer.citations} | {e.document for e in answer.evidence}
        history = getattr(request.state, "history", ())
        self.records.add(
            key,
            folder_name(self._asker(request)),
            answer,
            history=history,
            # The owner's page is not for words that only some may see.
            private=self.callers is not None or (bool(used & own) and not self.visitors.common),
        )

    def _add_own_routes(self, app: FastAPI) -> None:
        @app.get("/api/outline")
        def outlined(request: Request, document: str) -> JSONResponse:
            try:
                return json_answer(outline(self.assistant_for(request).document(document)))
            except CitewiseError:
                raise RefusedError(404, "not_found", "There is no such document.") from None

        @app.get("/api/mine")
        def mine(request: Request) -> JSONResponse:
            return json_answer(
                {
                    "answers": self.records.count(folder_name(self._asker(request))),
                    "uploads": len(self.visitors.get(token_of(request)).uploads),
                    "keep_days": self.options.keep_days,
                    "idle_seconds": self.options.limits.idle_seconds,
                    "owner": bool(self.options.owner),
                    "questions": self.options.questions is not None,
                    "open": self.options.uploads,
                    "common": self.options.common,
                }
            )

        @app.delete("/api/mine")
        def erase(request: Request) -> JSONResponse:
            require_own_page(request)
            token = token_of(request)
            deleted = self.records.delete(folder_name(self._asker(request)))
            if not self.visitors.common:
                self.visitors.get(token).erase()
            return json_answer({"answers": deleted})


def _remember_history(request: Request, sent: dict[str, Any]) -> dict[str, Any]:
    """A question is saved for the evals together with those it leans on."""
    history = sent.get("history") if isinstance(sent, dict) else None
    texts = history if isinstance(history, list) else []
    request.state.history = tuple(t[:2000] for t in texts if isinstance(t, str))[-6:]
    return {}
