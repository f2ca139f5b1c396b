"""``check``: a text of one or more sentences against given evidence texts."""

from __future__ import annotations

from collections.abc import Sequence

from citewise.blocks import find_blocks
from citewise.errors import InputError
from citewise.judge import judged
from citewise.protocols import Judge
from citewise.sentences import sentence_offsets
from citewise.splitting import split
from citewise.types import Document, Evidence, Label, Verdict

__all__ = ["check_text"]

_WORST_FIRST = (Label.CONTRADICTED, Label.UNSUPPORTED, Label.PARTLY_SUPPORTED, Label.SUPPORTED)


def check_text(claim: str, evidence: Sequence[str], judge: Judge | None = None) -> Verdict:
    """See ``citewise.check``."""
    if not isinstance(claim, str) or not claim.strip():
        raise InputError(f"The claim is {claim!r}.", "Give a sentence to check.")
    if isinstance(evidence, str) or not all(isinstance(text, str) for text in evidence):
        raise InputError("The evidence is not a list of strings.", "Give a list of texts.")
    spans = [span for number, text in enumerate(evidence, 1) for span in _spans(text, number)]
    texts = [span.rendered or span.text for span in spans]
    verdicts = [
        judged(claim[start:end], spans) if judge is None else judge.judge(claim[start:end], texts)
        for block in find_blocks(claim)
        for start, end in sentence_offsets(claim, block.start, block.end)
    ]
    weakest = min(verdicts, key=lambda v: (_WORST_FIRST.index(v.label), v.score))
    if len(verdicts) == 1:
        return weakest
    return Verdict(weakest.label, weakest.score, weakest.reason, claim.strip(), tuple(verdicts))


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
