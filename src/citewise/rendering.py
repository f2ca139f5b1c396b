"""An answer as text: for a terminal, and as Markdown with footnotes."""

from __future__ import annotations

import re
import unicodedata

from citewise.types import Answer, Citation, Evidence, Status

__all__ = ["answer_markdown", "answer_terminal", "explanation_lines", "timing_lines", "visible"]

_SPACES = re.compile(r"\s+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~$&])")
_MARKER = re.compile(r"\\\[(\d+)\\\]")
_NEAREST = 3


def visible(text: str) -> str:
    """Text from a document or a model for a terminal: no control or direction characters."""
    return "".join(
        character if character in "\n\t" or unicodedata.category(character)[0] != "C" else "\ufffd"
        for character in text
    )


def answer_terminal(answer: Answer) -> str:
    """The answer, then its citations; for ``not_found``, the nearest passages."""
    lines = [answer.text, ""]
    if answer.status is Status.NOT_FOUND:
        lines += [f"  - {_where(item)}\n    “{_flat(item.text)}”" for item in _nearest(answer)]
    else:
        lines += [f"  [{c.number}] {_where(c)}\n      “{_flat(c.quote)}”" for c in answer.citations]
    lines += [f"  held back: {s.text} ({s.verdict.reason})" for s in answer.dropped]
    lines += [f"  note: {notice}" for notice in answer.notices]
    return visible("\n".join(lines).rstrip())


def explanation_lines(answer: Answer) -> str:
    """Why the answer is as it is: its signals, every candidate's score, and the draft."""
    lines = ["Signals:"]
    lines += [f"  {name}: {_number(value)}" for name, value in answer.explanation.items()]
    lines += ["Evidence (score, cosine, rank by meaning, rank by words):"]
    lines += [
        f"  {item.score:.4f}  {item.cosine:.3f}  {item.dense_rank or '-':>3}  "
        f"{item.lexical_rank or '-':>3}  {_flat(item.rendered)[:110]}"
        for item in answer.evidence
    ]
    lines += [f"Draft: {_flat(answer.draft)}" if answer.draft else "Draft: none"]
    lines += [
        f"  {sentence.verdict.label} {sentence.verdict.score:.2f}: {sentence.text} "
        f"({sentence.verdict.reason})"
        for sentence in (*answer.sentences, *answer.dropped)
    ]
    return visible("\n".join(lines))


def timing_lines(answer: Answer) -> str:
    """Seconds of each stage, how much of all is not the model's, and the tokens of the prompt."""
    timings = answer.timings
    lines = [f"{stage:>10} {seconds:8.3f} s" for stage, seconds in timings.items()]
    total = timings.get("total", 0.0)
    own = total - sum(timings.get(stage, 0.0) for stage in ("gate", "draft", "confirm"))
    if total:
        lines += [f"{'own work':>10} {own:8.3f} s, {own / total:.1%} of the total"]
    tokens = answer.explanation.get("prompt_tokens")
    if tokens is not None:
        lines += [f"{'prompt':>10} {tokens:>8} tokens"]
    return "\n".join(lines)


def answer_markdown(answer: Answer) -> str:
    """The answer with footnotes; nothing in documents or model output becomes live Markdown."""
    body = (
        _MARKER.sub(r"[^\1]", _escaped(answer.text)) if answer.citations else _escaped(answer.text)
    )
    lines = [f"**{_escaped(answer.question)}**", "", body, ""]
    if answer.status is Status.NOT_FOUND:
        lines += [f"- {_escaped(_where(e))}: “{_escaped(_flat(e.text))}”" for e in _nearest(answer)]
    lines += [
        f"[^{c.number}]: {_escaped(_where(c))}: “{_escaped(_flat(c.quote))}”"
        for c in answer.citations
    ]
    return "\n".join(lines).rstrip() + "\n"


def _nearest(answer: Answer) -> tuple[Evidence, ...]:
    return answer.evidence[:_NEAREST]


def _where(item: Citation | Evidence) -> str:
    parts = [item.document, f"page {item.page}" if item.page else "", item.heading]
    return " › ".join(part for part in parts if part)


def _flat(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", visible(text))


def _number(value: float | str | bool | None) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
