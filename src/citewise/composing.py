"""Checked sentences and their evidence, put together with numbered citations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.support import Attribution
from citewise.types import Citation, Evidence, Label, Sentence, Verdict

__all__ = ["MOST_QUOTES", "Parts", "compose", "not_found", "quoted"]

MOST_QUOTES = 3
_SPACES = re.compile(r"\s+")
_OTHERWISE = "But another document says otherwise: “{}”"
_VERBATIM = Verdict(Label.SUPPORTED, 1.0, "quoted word for word")


@dataclass(frozen=True, slots=True)
class Parts:
    """The text with its markers, and what the markers stand for."""

    text: str
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()


class _Numbering:
    """Gives each cited span its number, in the order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, int, int], int] = {}
        self.citations: list[Citation] = []

    def numbers(self, evidence: Sequence[Evidence]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self._number(item) for item in evidence))

    def _number(self, item: Evidence) -> int:
        key = (item.document, item.start, item.end)
        if key not in self._numbers:
            number = self._numbers[key] = len(self._numbers) + 1
            self.citations.append(
                Citation(
                    number, item.document, item.start, item.end, item.text, item.heading, item.page
                )
            )
        return self._numbers[key]


def compose(attributions: Sequence[Attribution], contrary: Sequence[Evidence] = ()) -> Parts:
    """The sentences that are shown, each followed by the numbers of its citations.

    Args:
        attributions: the sentences with their verdicts and spans.
        contrary: spans of other documents that say otherwise; each is shown word for word.
    """
    numbering = _Numbering()
    sentences = []
    for found in attributions:
        verdict = found.verdict
        # A sentence that is only flagged has no proof, so it gets no citation either.
        cited = numbering.numbers(found.evidence) if verdict.supported else ()
        sentences.append(Sentence(verdict.claim, cited, verdict))
    sentences += [
        Sentence(
            _OTHERWISE.format(_SPACES.sub(" ", item.text)), numbering.numbers((item,)), _VERBATIM
        )
        for item in contrary
    ]
    text = " ".join(_marked(sentence) for sentence in sentences)
    return Parts(text, tuple(sentences), tuple(numbering.citations))


def quoted(evidence: Sequence[Evidence]) -> Parts:
    """The most relevant spans, word for word."""
    numbering = _Numbering()
    sentences = [
        Sentence(_SPACES.sub(" ", item.text), numbering.numbers((item,)), _VERBATIM)
        for item in evidence[:MOST_QUOTES]
    ]
    text = "\n".join(f"“{s.text}” [{s.citations[0]}]" for s in sentences)
    return Parts(text, tuple(sentences), tuple(numbering.citations))


def not_found(unknown_names: Sequence[str], question: str) -> Parts:
    """The honest answer when the documents hold none."""
    if unknown_names:
        listed = ", ".join(f"“{name}”" for name in _joined(unknown_names, question))
        return Parts(f"Your documents do not answer this: they do not mention {listed}.")
    return Parts("Your documents do not answer this.")


def _joined(names: Sequence[str], question: str) -> list[str]:
    """ "Marie" and "Curie" as "Marie Curie" where the question has them side by side."""
    joined = [names[0]]
    for name in names[1:]:
        both = f"{joined[-1]} {name}"
        joined[-1:] = [both] if both in question else [joined[-1], name]
    return joined


def _marked(sentence: Sentence) -> str:
    flag = "" if sentence.verdict.supported else " (not verified)"
    return sentence.text + flag + "".join(f" [{number}]" for number in sentence.citations)
