"""An answer as text: for a terminal, and as Markdown with footnotes."""

from __future__ import annotations

import json
import re
import unicodedata

from citewise.types import Answer, Citation, Evidence, Status

__all__ = [
    "answer_markdown",
    "answer_terminal",
    "explanation_lines",
    "json_text",
    "timing_lines",
    "visible",
]

_SPACES = re.compile(r"\s+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~$&])")
# What turns bare text into a link or a mention, and what begins a list or a rule.
_ALIVE = re.compile(r"(?i:(?<=www)\.)|:(?=//)|@|^[-=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]", re.MULTILINE)
# JSON itself escapes the controls below the space.
_ACTED_ON = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_JOINERS = "\u200c\u200d"  # these shape letters of several scripts, and emoji
_NEAREST = 3


def visible(text: str) -> str:
    """Text from a document or a model for a terminal: no control or direction characters."""
    return "".join(
        character
        if character in f"\n\t{_JOINERS}" or unicodedata.category(character)[0] != "C"
        else "\ufffd"
        for character in text
    )


def json_text(value: object, indent: int | None = None) -> str:
    """JSON with non-ASCII characters as they are, but for those that a terminal would act on."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _ACTED_ON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


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
    lines = [f"**{_escaped(answer.question)}**", "", _footnoted(answer), ""]
    if answer.status is Status.NOT_FOUND:
        lines += [f"- {_escaped(_where(e))}: “{_escaped(_flat(e.text))}”" for e in _nearest(answer)]
    lines += [
        f"[^{c.number}]: {_escaped(_where(c))}: “{_escaped(_flat(c.quote))}”"
        for c in answer.citations
    ]
    return "\n".join(lines).rstrip() + "\n"


def _footnoted(answer: Answer) -> str:
    """The text, its numbers made footnotes: those of the citations alone, none that it quotes."""
    if not answer.sentences:
        return _escaped(answer.text)
    quoted = answer.status is Status.QUOTED
    return ("\n\n" if quoted else " ").join(
        (f"“{_escaped(_flat(s.text))}”" if quoted else _escaped(_flat(s.text)))
        + ("" if s.verdict.supported else " (not verified)")
        + "".join(f" [^{number}]" for number in s.citations)
        for s in answer.sentences
    )


def _nearest(answer: Answer) -> tuple[Evidence, ...]:
    return answer.evidence[:_NEAREST]


def _where(item: Citation | Evidence) -> str:
    parts = [item.document, f"page {item.page}" if item.page else "", item.heading]
    return " › ".join(part for part in parts if part)


def _flat(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _escaped(text: str) -> str:
    escaped = _MARKDOWN.sub(r"\\\1", visible(text))
    return _ALIVE.sub(lambda match: f"&#{ord(match[0])};", escaped)


def _number(value: float | str | bool | None) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
