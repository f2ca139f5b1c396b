"""Events and answers as chat messages, in Markdown whose foreign parts are all escaped.

A message is a dict with ``role``, ``content`` and, for a foldable box, ``metadata``: ``title``,
and ``status``, which is ``pending`` (open, with a spinner) or ``done`` (folded).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from citewise.types import Answer, Citation, Evidence, Label, Sentence, Status
from citewise.ui import strings
from citewise.ui.escaping import clip, escape, escape_lines

__all__ = ["Link", "Message", "answer_messages", "box", "draft_message", "evidence_message", "text"]

Message: TypeAlias = dict[str, Any]
Link: TypeAlias = "Callable[[Citation | Evidence], str | None]"
"""Gives the id that opens a passage, or None if its document is gone."""

_TOP = 3
_QUOTE_LIMIT = 320


def text(content: str) -> Message:
    """A plain message of the assistant."""
    return {"role": "assistant", "content": content}


def box(
    title: str, content: str, *, pending: bool = False, seconds: float | None = None
) -> Message:
    """A foldable message: open while pending, folded when done."""
    metadata: dict[str, Any] = {"title": title, "status": "pending" if pending else "done"}
    if seconds is not None:
        metadata["duration"] = round(seconds, 2)
    return {"role": "assistant", "content": content, "metadata": metadata}


def evidence_message(
    evidence: Sequence[Evidence], link: Link, *, pending: bool, seconds: float
) -> Message:
    """The best passages, shown before anything is written."""
    content = _passages(evidence[:_TOP], link) or strings.NO_EVIDENCE
    return box(strings.EVIDENCE_TITLE, content, pending=pending, seconds=seconds)


def draft_message(draft: str, verdicts: Sequence[bool]) -> Message:
    """What the model has written so far; ``verdicts`` tells which sentences were kept."""
    title = strings.DRAFT_TITLE
    if verdicts:
        supported = sum(verdicts)
        counts = strings.DRAFT_COUNTS.format(supported=supported, removed=len(verdicts) - supported)
        title = f"{title}: {counts}"
    return box(title, escape_lines(draft) or strings.DRAFT_WAITING, pending=True)


def answer_messages(answer: Answer, link: Link) -> list[Message]:
    """The final answer, then what was removed from it."""
    shown = {
        Status.ANSWERED: _answered,
        Status.QUOTED: _quoted,
        Status.NOT_FOUND: _not_found,
    }[answer.status](answer, link)
    notices = [f"> {strings.NOTICE} {escape(notice)}" for notice in answer.notices]
    messages = [text("\n\n".join([shown, *notices]))]
    if answer.dropped:
        messages.append(box(_removed_title(len(answer.dropped)), _removed(answer.dropped)))
    return messages


def _answered(answer: Answer, link: Link) -> str:
    if not answer.sentences:
        return escape_lines(answer.text)
    by_number = {citation.number: citation for citation in answer.citations}
    sentences = " ".join(_sentence(s, by_number, link) for s in answer.sentences)
    parts = [sentences.replace(" \n", "\n").strip(), _checked(answer.sentences)]
    if answer.citations:
        parts.append(f"**{strings.SOURCES}**\n\n{_passages(answer.citations, link)}")
    return "\n\n".join(parts)


def _quoted(answer: Answer, link: Link) -> str:
    return f"**{strings.QUOTED}**\n\n{_passages(answer.citations or answer.evidence[:_TOP], link)}"


def _not_found(answer: Answer, link: Link) -> str:
    nearest = _passages(answer.citations or answer.evidence[:_TOP], link)
    title = f"**{strings.NOT_FOUND}**"
    return f"{title} {strings.NEAREST}\n\n{nearest}" if nearest else title


def _sentence(sentence: Sentence, by_number: dict[int, Citation], link: Link) -> str:
    """A sentence, its numbers and its verdict; one that fell short stands on a line of its own."""
    cited = [_numbered(by_number[n], n, link) for n in sentence.citations if n in by_number]
    verdict = sentence.verdict
    # The mark stays on the line of the last number, or of the last word.
    words = " ".join([escape(sentence.text), *cited])
    line = f"{words}\N{NO-BREAK SPACE}{strings.MARKS[verdict.label]}"
    if verdict.label is Label.SUPPORTED:
        return line
    reason = f": {escape(verdict.reason)}" if verdict.reason else ""
    return f"\n\n{line}{reason}\n\n"


def _checked(sentences: Sequence[Sentence]) -> str:
    supported = sum(sentence.verdict.supported for sentence in sentences)
    total = len(sentences)
    if supported == total == 1:
        return strings.CHECKED_ONE
    mark = "✓" if supported == total else "⚠"
    return strings.CHECKED.format(mark=mark, supported=supported, total=total)


def _passages(passages: Iterable[Citation | Evidence], link: Link) -> str:
    """Numbered quotations, each with where it stands."""
    return "\n\n".join(_passage(p, rank, link) for rank, p in enumerate(passages, start=1))


def _passage(passage: Citation | Evidence, rank: int, link: Link) -> str:
    quote, number = (
        (passage.quote, passage.number) if isinstance(passage, Citation) else (passage.text, rank)
    )
    page = f"page {passage.page}" if passage.page is not None else ""
    place = " · ".join(escape(part) for part in (passage.document, passage.heading, page) if part)
    return f"{_numbered(passage, number, link)} {place}\n> {escape(clip(quote, _QUOTE_LIMIT))}"


def _numbered(passage: Citation | Evidence, number: int, link: Link) -> str:
    source = link(passage)
    return f"[[{number}]](#cite-{source})" if source else f"&#91;{number}&#93;"


def _removed_title(count: int) -> str:
    return strings.REMOVED_ONE if count == 1 else strings.REMOVED_MANY.format(count=count)


def _removed(dropped: Iterable[Sentence]) -> str:
    lines = []
    for sentence in dropped:
        reason = escape(sentence.verdict.reason)
        mark = strings.MARKS[sentence.verdict.label]
        lines.append(f"- {escape(sentence.text)}\n  \n  {mark}{': ' + reason if reason else ''}")
    return "\n".join(lines)
