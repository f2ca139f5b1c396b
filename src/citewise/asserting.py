"""Asserts about answers, for any test runner: is it faithful to its sources, is it right?

A failure's message is for a person: it shows what was claimed, why that does not stand, and the
nearest words of the sources. ``citewise.pytest`` builds on these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from citewise.errors import EvaluationError, InputError
from citewise.questions import Question
from citewise.types import Answer, Document, Label, Verdict

if TYPE_CHECKING:
    from citewise.evaluation import Answerer
    from citewise.grading import Grade
    from citewise.protocols import JudgeChoice

__all__ = ["assert_faithful", "assert_right"]


def assert_faithful(
    answer: str | Answer, sources: Sequence[str] | None = None, *, judge: JudgeChoice = "fast"
) -> Verdict:
    """Fail unless the sources support every claim of an answer; returns the weakest verdict.

    Args:
        answer: a text, with or without ``[1]`` markers, or an ``Answer``.
        sources: the texts it must rest on, at least one. An ``Answer`` brings its own: what it
            cites and its evidence. If they are given all the same, its quotes must stand in them.
        judge: decides on each claim, as in ``citewise.check``; "fast" by default, which gives the
            same verdict on every processor.

    Raises:
        AssertionError: a claim is not supported, or a quote is not in the sources. The message
            gives each one's verdict, reason, score, and the nearest words of the sources.
        InputError: there is no claim or no source, so that nothing could be said.
    """
    __tracebackhide__ = True
    claims = _claims(answer)
    texts = _own_sources(answer) if sources is None else _given_sources(sources)
    verdicts = [part for claim in claims for part in _judged(claim, texts, judge)]
    failing = [verdict for verdict in verdicts if not verdict.supported]
    strays = [] if sources is None else _stray_quotes(answer, texts)
    if failing or strays:
        raise AssertionError(_report(failing, len(verdicts), strays, texts))
    # Labels are declared from best to worst.
    weakest = max(verdicts, key=lambda v: (list(Label).index(v.label), -v.score))
    if len(verdicts) == 1:
        return weakest
    return replace(weakest, claim=" ".join(claims), claims=tuple(verdicts))


def assert_right(question: Question, answer: Answer, assistant: Answerer) -> Grade:
    """Fail unless an answer is right, as ``docs/evals.md`` defines it, with exact citations.

    Args:
        question: what was asked, and what a right answer states.
        answer: what was answered.
        assistant: gives the documents; what it would answer now plays no part.

    Raises:
        AssertionError: wrong, wrongly refused or not refused, or a citation is not the document's
            words. The message shows the outcome, what is missing, the answer and the nearest
            evidence.
        EvaluationError: the question cannot be graded, such as for a gold quote that is in no
            document.
    """
    __tracebackhide__ = True
    from citewise.eval_report import describe
    from citewise.evaluation import evaluate

    known = getattr(assistant, "documents", tuple)
    names = [document.name for document in known()]
    result = evaluate([question], _Given(answer, assistant), names).results[0]
    if result.grade is None:
        raise EvaluationError(
            f"Question {question.id!r} cannot be graded: {result.error}", "Mend the question set."
        )
    if not result.grade.outcome.right or result.grade.inexact:
        facts = (alternative for group in question.facts for alternative in group)
        wanted = " ".join([question.question, *facts])
        nearest = _nearest(wanted, [item.rendered or item.text for item in answer.evidence])
        raise AssertionError(_printable(f"{describe(result)}\n  nearest:    {nearest}"))
    return result.grade


@dataclass(frozen=True, slots=True)
class _Given:
    """Meets ``Answerer`` with an answer that is already there."""

    answer: Answer
    assistant: Answerer

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:  # noqa: ARG002
        """The answer, whatever is asked."""
        return self.answer

    def document(self, name: str) -> Document:
        """The assistant's document of that name."""
        return self.assistant.document(name)


def _claims(answer: str | Answer) -> list[str]:
    __tracebackhide__ = True
    if isinstance(answer, Answer):
        if not answer.sentences:
            raise InputError(
                f"The answer to {answer.question!r} is {answer.status}, without a sentence: it "
                "claims nothing.",
                "Assert its status instead.",
            )
        return [sentence.text for sentence in answer.sentences]
    if not isinstance(answer, str):
        raise InputError(f"The answer is a {type(answer).__name__}.", "Give a text or an Answer.")
    from citewise.eval_facts import without_markers

    text = without_markers(answer)
    if not text.strip():
        raise InputError(f"The answer is {answer!r}: it claims nothing.", "Give its text.")
    return [text]


def _given_sources(sources: Sequence[str]) -> list[str]:
    __tracebackhide__ = True
    if isinstance(sources, str) or not all(isinstance(text, str) for text in sources):
        raise InputError("The sources are not a list of strings.", "Give a list of texts.")
    texts = [text for text in sources if text.strip()]
    if not texts:
        raise InputError(
            f"There is no source: {list(sources)!r}.", "Give the texts the answer must rest on."
        )
    return texts


def _own_sources(answer: str | Answer) -> list[str]:
    __tracebackhide__ = True
    if not isinstance(answer, Answer):
        raise InputError("A text brings no sources.", "Give the texts it must rest on.")
    cited = [f"{c.heading}\n{c.quote}".strip() for c in answer.citations]
    return _given_sources([*cited, *(item.rendered or item.text for item in answer.evidence)])


def _judged(claim: str, texts: list[str], judge: JudgeChoice) -> list[Verdict]:
    from citewise.blocks import find_blocks
    from citewise.checking import check_text
    from citewise.sentences import sentence_offsets

    if isinstance(judge, str):
        verdict = check_text(claim, texts, judge)
        return list(verdict.claims or (verdict,))
    # Any other judge is asked about one sentence at a time.
    sentences = [
        claim[start:end]
        for block in find_blocks(claim)
        for start, end in sentence_offsets(claim, block.start, block.end)
    ]
    return [replace(judge.judge(sentence, texts), claim=sentence) for sentence in sentences]


def _stray_quotes(answer: str | Answer, texts: list[str]) -> list[str]:
    citations = answer.citations if isinstance(answer, Answer) else ()
    return [
        f"citation [{c.number}] of {c.document} is in no source: {c.quote!r}\n"
        f"nearest:  {_nearest(c.quote, texts)}"
        for c in citations
        if not any(c.quote in text for text in texts)
    ]


def _report(
    failing: Sequence[Verdict], judged: int, strays: Sequence[str], texts: list[str]
) -> str:
    blocks = [_claim_report(verdict, texts) for verdict in failing] + list(strays)
    if failing:
        head = f"{len(failing)} of {judged} claims are not supported by the sources"
        blocks.insert(0, head)
    return _printable("\n\n".join(blocks))


def _claim_report(verdict: Verdict, texts: list[str]) -> str:
    return (
        f"claim:    {verdict.claim}\n"
        f"verdict:  {verdict.label} (score {verdict.score:.2f})\n"
        f"reason:   {verdict.reason}\n"
        f"nearest:  {_nearest(verdict.claim, texts)}"
    )


def _nearest(claim: str, texts: Sequence[str]) -> str:
    """The sentence or row that shares most words with a claim, and where it stands."""
    from citewise.splitting import split
    from citewise.tokens import content_terms

    wanted = set(content_terms(claim))
    found = [
        (len(wanted & set(content_terms(span.rendered))), -number, span.rendered)
        for number, text in enumerate(texts, 1)
        for passage in split(Document(f"text {number}", text, ""))
        for span in passage.spans
    ]
    shared, place, words = max(found, key=lambda item: item[:2], default=(0, 0, ""))
    if not shared:
        return f"nothing: none of {len(texts)} texts shares a word with it"
    return f"text {-place} of {len(texts)}: {' '.join(words.split())}"


def _printable(text: str) -> str:
    from citewise.rendering import visible

    return visible(text)
