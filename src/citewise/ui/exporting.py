"""A conversation as a file: Markdown with footnotes, or JSON that keeps every offset.

Words of documents and models stay words: in Markdown nothing of theirs becomes a heading, a link,
an image, a formula or HTML, wherever the file is opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from citewise.ui.records import Kept
from citewise.ui.revealing import reveal

__all__ = ["as_json", "as_markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]|<>~$^#])")
# What turns bare text into a link.
_BARE_LINK = re.compile(r"(?i:(?<=www)\.|(?<=mailto):|(?<=xmpp):)|:(?=//)|@")
# What would begin a list, a rule or a heading at the start of a line.
_START = re.compile(r"^([-+=]|\d+(?=[.)]))")
_MARKS = {
    "supported": "✓ supported",
    "partly_supported": "⚠ partly supported",
    "unsupported": "⚠ not supported",
    "contradicted": "✗ contradicted",
}
_STATUS = {
    "quoted": "No answer was written; these are the passages that fit best.",
    "not_found": "Not in the documents. The nearest passages:",
}
_NEAREST = 3


def as_markdown(kept: Sequence[Kept], title: str = "Conversation") -> str:
    """Questions and answers with verdicts, each citation a footnote with its exact place."""
    lines = [f"# {inert(title)}", ""]
    notes: list[str] = []
    for number, answer in enumerate(kept, 1):
        lines += [f"## {inert(answer.record['question'])}", ""]
        lines += _body(answer.record, number)
        notes += _footnotes(answer.record, number)
    return "\n".join([*lines, *notes]).rstrip() + "\n"


def as_json(kept: Sequence[Kept]) -> str:
    """The answers as ``Answer.to_dict`` gives them, with the time of each and its thumb.

    ``<`` is written as an escape, so that the file is inert inside a page, too.
    """
    answers = [
        {
            "id": answer.id,
            "asked": datetime.fromtimestamp(answer.asked, timezone.utc).isoformat(),
            "history": list(answer.history),
            "thumb": answer.thumb,
            "reason": answer.reason,
            "answer": answer.record,
        }
        for answer in kept
    ]
    text = json.dumps({"format": 1, "answers": answers}, ensure_ascii=False, indent=2)
    return text.replace("<", "\\u003c") + "\n"


def inert(text: str) -> str:
    """Markdown for exactly these words, on one line; invisible characters are shown."""
    flat = " ".join(reveal(text).split())
    escaped = _SPECIAL.sub(r"\\\1", flat).replace("&", "&amp;")
    linkless = _BARE_LINK.sub(lambda match: f"&#{ord(match[0])};", escaped)
    return _START.sub(lambda match: f"&#{ord(match[0][0])};{match[0][1:]}", linkless)


def _body(record: Mapping[str, Any], number: int) -> list[str]:
    lines = []
    if record["status"] in _STATUS:
        lines += [_STATUS[record["status"]], ""]
    for sentence in record["sentences"]:
        marks = "".join(f"[^{number}-{n}]" for n in _known(record, sentence["citations"]))
        verdict = sentence["verdict"]
        why = f": {inert(verdict['reason'])}" if verdict["reason"] else ""
        lines += [f"{inert(sentence['text'])}{marks} *({_MARKS[verdict['label']]}{why})*", ""]
    if not record["sentences"] and record["citations"]:
        lines += [f"> {inert(c['quote'])}[^{number}-{c['number']}]\n" for c in record["citations"]]
    if record["status"] == "not_found":
        lines += [
            f"> {inert(e['text'])} — {inert(_where(e))}\n" for e in record["evidence"][:_NEAREST]
        ]
    lines += [
        f"Held back: {inert(s['text'])} *({_MARKS[s['verdict']['label']]}: "
        f"{inert(s['verdict']['reason'])})*\n"
        for s in record["dropped"]
    ]
    lines += [f"Note: {inert(notice)}\n" for notice in record["notices"]]
    return lines


def _footnotes(record: Mapping[str, Any], number: int) -> list[str]:
    return [
        f"[^{number}-{c['number']}]: {inert(_where(c))}: “{inert(c['quote'])}”\n"
        for c in record["citations"]
    ]


def _known(record: Mapping[str, Any], numbers: Sequence[int]) -> list[int]:
    held = {citation["number"] for citation in record["citations"]}
    return [n for n in numbers if n in held]


def _where(item: Mapping[str, Any]) -> str:
    page = f"page {item['page']}" if item["page"] is not None else ""
    place = f"characters {item['start']}–{item['end']}"
    return ", ".join(part for part in (item["document"], page, item["heading"], place) if part)
