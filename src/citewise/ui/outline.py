"""The outline of a document: its pages and its headings, each with where it begins."""

from __future__ import annotations

import re
from typing import Any

from citewise.types import Document
from citewise.ui.revealing import reveal
from citewise.ui.sources import SourceId

__all__ = ["outline"]

_MOST = 2000
_LONGEST = 160
_LEVELS = 6
_WORDS = re.compile(r"\S[^\n]*")


def outline(document: Document) -> dict[str, Any]:
    """``pages`` and ``headings`` of a document, in order.

    Each has the ``source`` that opens the document there, its first words highlighted, and the
    number of its ``page`` or None. A heading also has ``title`` and ``level``, 1 for the topmost.
    ``clipped`` says that there are more.
    """
    headings = _headings(document)
    return {
        "title": reveal(document.name),
        "pages": [
            {"page": number, "source": _page_source(document, start, number)}
            for number, start in enumerate(document.pages[:_MOST], 1)
        ],
        "headings": headings[:_MOST],
        "clipped": len(document.pages) > _MOST or len(headings) > _MOST,
    }


def _page_source(document: Document, start: int, number: int) -> str:
    """The first line of the page; of an empty page, its place alone."""
    following = document.pages[number] if number < len(document.pages) else len(document.text)
    found = _WORDS.search(document.text, start, following)
    begin, end = (
        (found.start(), min(found.end(), found.start() + _LONGEST)) if found else (start,) * 2
    )
    return SourceId(document.name, begin, end, document.sha256[:12], "", number).encode()


def _headings(document: Document) -> list[dict[str, Any]]:
    from citewise.blocks import find_blocks

    found = []
    for block in find_blocks(document.text):
        if block.kind != "heading":
            continue
        start, end = block.lines[0]
        words = _WORDS.search(document.text, start, end)
        title = " ".join(words[0].strip("# \t").split())[:_LONGEST] if words else ""
        if words and title:
            page = document.page_at(words.start())
            end = words.start() + len(words[0].rstrip())
            source = SourceId(document.name, words.start(), end, document.sha256[:12], title, page)
            found.append(
                {
                    "title": reveal(title),
                    "level": max(1, min(_LEVELS, block.level)),
                    "page": page,
                    "source": source.encode(),
                }
            )
    return found
