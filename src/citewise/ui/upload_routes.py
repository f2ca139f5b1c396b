"""Routes for a visitor's own documents: bring, watch, cancel, read again, remove, select."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from citewise.bounds import Bounds
from citewise.errors import CitewiseError, InputError
from citewise.ui.limits import TooLargeError
from citewise.ui.patience import punctual
from citewise.ui.refusals import RefusedError, json_answer, json_body, require_own_page
from citewise.ui.revealing import reveal
from citewise.ui.selection import Selection
from citewise.ui.shelf import Upload
from citewise.ui.sources import SourceId
from citewise.ui.state import VisitorState, VisitorStates
from citewise.ui.telling import told
from citewise.ui.tokens import folder_name
from citewise.ui.visitor_assistant import VisitorAssistant

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.index import DocumentInfo

__all__ = ["UPLOADS", "UploadRoutes"]

UPLOADS = "/api/uploads"
_LISTED = 500
_CLOSED = "This chat takes no files. Ask whoever started it."
_TOO_SLOW = "The file did not arrive in time. Bring it again over a faster connection."
_NO_SUCH_FILE = "There is no such file among yours. Reload the page."
_NOT_YOURS = "Somebody else brought this file; only they can change it."


class UploadRoutes:
    """The routes under ``/api/uploads`` and ``/api/selection``.

    Args:
        visitors: whose documents they are about.
        token_of: the cookie of whoever sends a request.
        bounds: how long a file may take to arrive.
        uploads: whether files are taken in; else documents are only selected.
        shared_for: has what the sender of a request may see of documents that are not their own;
            None if all see the same.
    """

    def __init__(
        self,
        visitors: VisitorStates,
        token_of: Callable[[Request], str],
        bounds: Bounds,
        *,
        uploads: bool = True,
        shared_for: Callable[[Request], Assistant | None] = lambda _: None,
    ) -> None:
        self._visitors = visitors
        self._token_of = token_of
        self._bounds = bounds
        self._open = uploads
        self._shared_for = shared_for

    def add_to(self, app: FastAPI) -> None:
        """Add them to an app."""
        app.get(UPLOADS)(self.listing)
        app.post(UPLOADS)(self.bring)
        app.post(UPLOADS + "/{key}/cancel")(self.cancel)
        app.post(UPLOADS + "/{key}/reread")(self.reread)
        app.delete(UPLOADS + "/{key}")(self.remove)
        app.put("/api/selection")(self.select)

    def listing(self, request: Request) -> JSONResponse:
        """Files, documents, selection and limits."""
        visitor = self._visitors.get(self._token_of(request))
        about: dict[str, Any] = {"common": self._visitors.common, "open": self._open}
        documents, problem, shared = [], "", self._shared_for(request)
        selection = visitor.selection if shared is None else Selection()
        try:
            about["preparing"] = not self._visitors.prepared()
            if not about["preparing"]:
                seen = VisitorAssistant(visitor, shared)
                documents, selection = seen.documents(), seen.selected()
        except CitewiseError as error:
            problem = told(error)
        shown = _listing(visitor, self._owner(request), documents)
        return json_answer(shown | about | {"selection": selection.to_dict(), "problem": problem})

    async def bring(self, request: Request, name: str = "") -> JSONResponse:
        """Take in a file: the body is its bytes."""
        visitor = await run_in_threadpool(self._changing, request)
        if not self._open:
            raise RefusedError(403, "closed", _CLOSED)
        size = _announced(request)
        bounds = self._bounds
        chunks = punctual(request.stream(), bounds.request_seconds, bounds.upload_seconds)
        try:
            await run_in_threadpool(self._visitors.require_room, size or 0)
            upload = await visitor.add(name, chunks, size, self._owner(request))
        except TimeoutError:
            raise RefusedError(408, "too_slow", _TOO_SLOW) from None
        except TooLargeError as error:
            raise RefusedError(413, "too_large", str(error)) from None
        except InputError as error:
            raise RefusedError(409, "refused", str(error)) from None
        except OSError as error:
            problem = f"The file could not be kept ({error.strerror})."
            raise RefusedError(507, "no_room", problem) from None
        return json_answer(_upload(upload, self._owner(request), {}), 201)

    def cancel(self, request: Request, key: str) -> JSONResponse:
        """Stop reading a file."""
        return self._changed(request, key, lambda visitor: visitor.cancel(key))

    def reread(self, request: Request, key: str) -> JSONResponse:
        """Read a file again."""
        return self._changed(request, key, lambda visitor: visitor.reread(key))

    def remove(self, request: Request, key: str) -> JSONResponse:
        """Delete a file and all that was made from it."""

        def removed(visitor: VisitorState) -> Upload:
            upload = visitor.upload(key)
            visitor.remove(key)
            return upload

        return self._changed(request, key, removed)

    async def select(self, request: Request) -> JSONResponse:
        """Choose what questions search."""
        visitor = await run_in_threadpool(self._changing, request)
        try:
            selection = Selection.of(await json_body(request))
            await run_in_threadpool(visitor.select, selection, self._shared_for(request))
        except CitewiseError as error:
            raise RefusedError(400, "refused", told(error)) from None
        return json_answer(selection.to_dict())

    def _owner(self, request: Request) -> str:
        return folder_name(self._token_of(request)) if self._visitors.common else ""

    def _changing(self, request: Request) -> VisitorState:
        require_own_page(request)
        return self._visitors.get(self._token_of(request))

    def _changed(
        self, request: Request, key: str, change: Callable[[VisitorState], Upload]
    ) -> JSONResponse:
        visitor, owner = self._changing(request), self._owner(request)
        try:
            if visitor.upload(key).owner != owner:
                raise RefusedError(403, "not_yours", _NOT_YOURS)
            return json_answer(_upload(change(visitor), owner, {}))
        except KeyError:
            raise RefusedError(404, "not_found", _NO_SUCH_FILE) from None
        except CitewiseError as error:
            raise RefusedError(503, "unavailable", told(error)) from None


def _announced(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None


def _listing(
    visitor: VisitorState, owner: str, documents: Sequence[DocumentInfo]
) -> dict[str, Any]:
    """Everything that the panel of documents shows."""
    own = visitor.own_names()
    sources = {
        info.name: SourceId(info.name, 0, 0, info.sha256[:12]).encode() for info in documents
    }
    common = [name for name in sources if name not in own]
    return {
        **visitor.to_dict(),
        "uploads": [_upload(upload, owner, sources) for upload in visitor.uploads],
        "documents": [_document(name, sources) for name in common[:_LISTED]],
        "total": len(common),
    }


def _upload(upload: Upload, owner: str, sources: dict[str, str]) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": reveal(upload.name),
        "size": upload.size,
        "state": upload.state,
        "done": upload.done,
        "total": upload.total,
        "seconds_left": upload.seconds_left,
        "problem": reveal(upload.problem),
        "left_out": [f"{reveal(name)}: {reveal(reason)}" for name, reason in upload.left_out],
        "mine": upload.owner == owner,
        "documents": [_document(name, sources) for name in upload.documents],
    }


def _document(name: str, sources: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "title": reveal(name), "source": sources.get(name)}
