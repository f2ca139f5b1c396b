"""What a citation's link points at, and what is shown when it is opened.

A link carries everything needed to find the words again, so that it works in any later turn, after
a restart, and without a store on the server: offsets, the start of the document's SHA-256, and
name, heading and page. It comes back from a browser, so nothing in it is trusted.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from citewise.types import Citation, Document, Evidence
from citewise.ui.revealing import reveal
from citewise.ui.strings import SOURCE_CHANGED, SOURCE_UNKNOWN

__all__ = ["SourceError", "SourceId", "shown_source"]

_ID = re.compile(r"([0-9]{1,10})-([0-9]{1,10})-([0-9a-f]{12})-([A-Za-z0-9_-]{1,4000})")
_MAX_HEADING = 200
_UTF8: Final = ("utf-8", "surrogatepass")
_WINDOW: Final = 200_000
"""Characters shown before and after the quote; a browser gets slow on far longer text."""


class SourceError(LookupError):
    """A source that cannot be shown. ``code`` is ``not_found`` or ``changed``."""

    def __init__(self, code: str) -> None:
        super().__init__(SOURCE_CHANGED if code == "changed" else SOURCE_UNKNOWN)
        self.code = code


@dataclass(frozen=True, slots=True)
class SourceId:
    """A span of a document as it was when cited; ``digest`` is 12 hex digits of its SHA-256."""

    document: str
    start: int
    end: int
    digest: str
    heading: str = ""
    page: int | None = None

    @classmethod
    def of(cls, cited: Citation | Evidence, sha256: str) -> SourceId:
        """The id of what a citation or piece of evidence points at."""
        return cls(cited.document, cited.start, cited.end, sha256[:12], cited.heading, cited.page)

    def encode(self) -> str:
        """``start-end-digest-rest``, safe inside a link: letters, digits, ``-`` and ``_``."""
        rest = [self.document, self.heading[:_MAX_HEADING], self.page]
        raw = json.dumps(rest, ensure_ascii=False, separators=(",", ":")).encode(*_UTF8)
        packed = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        return f"{self.start}-{self.end}-{self.digest}-{packed}"

    @classmethod
    def decode(cls, text: str) -> SourceId:
        """The inverse of ``encode``.

        Raises:
            SourceError: it was not made by ``encode``.
        """
        match = _ID.fullmatch(text)
        if match is None:
            raise SourceError("not_found")
        name, heading, page = _unpack(match[4])
        return cls(name, int(match[1]), int(match[2]), match[3], heading, page)


def shown_source(source: SourceId, document: Document) -> dict[str, Any]:
    """The text in three pieces, so that no offsets cross into a language that counts otherwise.

    ``before + quote + after`` is the whole document, or a window of it where ``clipped`` is true.

    Raises:
        SourceError: the offsets are not inside the document, or it changed since.
    """
    if not document.sha256.startswith(source.digest):
        raise SourceError("changed")
    start, end, text = source.start, source.end, document.text
    if not 0 <= start <= end <= len(text):
        raise SourceError("not_found")
    quote = text[start:end]
    first, last = max(0, start - _WINDOW), min(len(text), end + _WINDOW)
    return {
        "document": document.name,
        "title": reveal(document.name),
        "heading": reveal(source.heading),
        "page": source.page,
        "before": text[first:start],
        "quote": quote,
        "after": text[end:last],
        "invisible": reveal(quote) != quote.replace("\r\n", "\n"),
        "clipped": first > 0 or last < len(text),
    }


def _unpack(packed: str) -> tuple[str, str, int | None]:
    try:
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        rest = json.loads(raw.decode(*_UTF8))
    except (binascii.Error, ValueError, RecursionError):
        raise SourceError("not_found") from None
    match rest:
        case [str(name), str(heading), int() | None as page] if len(heading) <= _MAX_HEADING:
            return name, heading, page
        case _:
            raise SourceError("not_found")
