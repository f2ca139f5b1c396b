"""``check``: a text of one or more sentences against given evidence texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from citewise.blocks import find_blocks
from citewise.entailment import shared_entailment
from citewise.errors import InputError
from citewise.judge import judged
from citewise.protocols import JudgeChoice
from citewise.sentences import sentence_offsets
from citewise.splitting import split
from citewise.types import Document, Evidence, Label, Verdict

__all__ = ["check_text"]

_WORST_FIRST = (Label.CONTRADICTED, Label.UNSUPPORTED, Label.PARTLY_SUPPORTED, Label.SUPPORTED)


def check_text(claim: str, evidence: Sequence[str], judge: JudgeChoice = "fast") -> Verdict:
    """See ``citewise.check``."""
    if not isinstance(claim, str) or not claim.strip():
        raise InputError(f"The claim is {claim!r}.", "Give a sentence to check.")
    if isinstance(evidence, str) or not all(isinstance(text, str) for text in evidence):
        raise InputError("The evidence is not a list of strings.", "Give a list of texts.")
    spans = [span for number, text in enumerate(evidence, 1) for span in _spans(text, number)]
    judge_one = _judge_of(judge, spans)
    verdicts = [
        judge_one(claim[start:end])
        for block in find_blocks(claim)
        for start, end in sentence_offsets(claim, block.start, block.end)
    ]
    weakest = min(verdicts, key=lambda v: (_WORST_FIRST.index(v.label), v.score))
    if len(verdicts) == 1:
        return weakest
    return Verdict(weakest.label, weakest.score, weakest.reason, claim.strip(), tuple(verdicts))


def _judge_of(judge: JudgeChoice, spans: Sequence[Evidence]) -> Callable[[str], Verdict]:
    if not isinstance(judge, str):
        texts = [span.rendered or span.text for span in spans]
        return lambda sentence: judge.judge(sentence, texts)
    if judge not in ("fast", "full"):
        raise InputError(f"The judge is {judge!r}.", 'Give "fast", "full" or a Judge.')
    entailment = shared_entailment() if judge == "full" else None
    return lambda sentence: judged(sentence, spans, entailment)


def _spans(text: str, number: int) -> list[Evidence]:
    """The text's sentences and rows; a table's row gets the names of its columns."""
    name = f"text {number}"
    return [
        Evidence(
            name,
            s.start,
            s.end,
            text[s.start : s.end],
            1.0,
            None,
            None,
            "",
            None,
            s.kind,
            s.rendered,
        )
        for passage in split(Document(name, text, ""))
        for s in passage.spans
    ]
