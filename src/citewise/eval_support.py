"""How well an answer rests on what it cites, by a judge: faithfulness, citation recall, precision.

The definitions are ALCE's (Gao, Yen, Yu and Chen, EMNLP 2023, section 3), with a ``check`` in the
place of their entailment model. Unlike the verdicts inside an answer, this check knows nothing of
the question: what a sentence takes over from it must be in the sources, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from citewise.types import Answer, Citation, Sentence, Verdict

__all__ = ["Check", "Support", "support_of"]

Check = Callable[[str, Sequence[str]], Verdict]


@dataclass(frozen=True, slots=True)
class Support:
    """Shares in [0, 1]; None where nothing was shown, or nothing cited.

    ``faithfulness``: of the claims shown, those that all cited and retrieved words support.
    ``recall``: of the sentences, those that their own citations support together.
    ``precision``: of the citations, those that alone support their sentence, or without which
    the others would not.
    """

    faithfulness: float | None = None
    recall: float | None = None
    precision: float | None = None


def support_of(answer: Answer, check: Check) -> Support:
    """Judge every sentence of an answer against its citations."""
    if not answer.sentences:
        return Support()
    everything = _texts(answer, answer.citations) + [
        item.rendered or item.text for item in answer.evidence
    ]
    claims = [_share_supported(check(s.text, everything)) for s in answer.sentences]
    recalls, needed = [], []
    for sentence in answer.sentences:
        recall, citations = _citations(answer, sentence, check)
        recalls.append(recall)
        needed += citations
    return Support(_mean(claims), _mean(recalls), _mean(needed))


def _share_supported(verdict: Verdict) -> float:
    parts = verdict.claims or (verdict,)
    return sum(part.supported for part in parts) / len(parts)


def _citations(answer: Answer, sentence: Sentence, check: Check) -> tuple[float, list[float]]:
    """Whether the citations support the sentence together, and for each whether it is needed."""
    cited = [c for c in answer.citations if c.number in sentence.citations]
    texts = _texts(answer, cited)
    if not texts or not check(sentence.text, texts).supported:
        return 0.0, [0.0] * len(texts)
    if len(texts) == 1:
        return 1.0, [1.0]
    return 1.0, [
        float(
            check(sentence.text, [text]).supported
            or not check(sentence.text, texts[:place] + texts[place + 1 :]).supported
        )
        for place, text in enumerate(texts)
    ]


def _texts(answer: Answer, citations: Sequence[Citation]) -> list[str]:
    """The quotes; for a table row the words with its columns' names, and the heading above."""
    rendered = {(e.document, e.start, e.end): e.rendered for e in answer.evidence if e.rendered}
    return [
        "\n".join(
            filter(None, (c.heading, rendered.get((c.document, c.start, c.end), "") or c.quote))
        )
        for c in citations
    ]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
