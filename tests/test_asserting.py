"""Asserts about answers: what passes, what fails, and what the messages say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from citewise import (
    Answer,
    Citation,
    Document,
    EvaluationError,
    Evidence,
    InputError,
    Label,
    Sentence,
    Status,
    Verdict,
)
from citewise.asserting import assert_faithful, assert_right
from citewise.questions import Question

TOWER = "The tower is 330 m tall. It was opened in 1889."
TABLE = "| Model | MMLU |\n|---|---|\n| V2 | 78.5 |"
SUPPORTED = Verdict(Label.SUPPORTED, 1.0, "as the test says")


def answered(text: str, quote: str = "", evidence: Sequence[str] = ()) -> Answer:
    citations = (Citation(1, "a.txt", 0, len(quote), quote),) if quote else ()
    found = tuple(Evidence("a.txt", 0, len(e), e, 1.0, 1, 1, rendered=e) for e in evidence)
    sentences = (Sentence(text, (1,), SUPPORTED),)
    return Answer("How tall?", Status.ANSWERED, text, sentences, citations, found)


def test_a_faithful_text_passes_and_gives_a_verdict_for_each_claim() -> None:
    verdict = assert_faithful("The tower is 330 m tall [1]. It was opened in 1889.", [TOWER])
    assert verdict.label is Label.SUPPORTED
    assert [v.claim for v in verdict.claims] == [
        "The tower is 330 m tall.",
        "It was opened in 1889.",
    ]


def test_a_single_claim_is_its_own_verdict() -> None:
    verdict = assert_faithful("V2 has an MMLU of 78.5.", [TOWER, TABLE])
    assert (verdict.label, verdict.claims) == (Label.SUPPORTED, ())


def test_each_failing_claim_is_shown_with_its_reason_and_the_nearest_words() -> None:
    text = "The tower is 300 m tall. It was opened in 1889. V2 has an MMLU of 86.4."
    with pytest.raises(AssertionError) as failure:
        assert_faithful(text, [TOWER, TABLE])
    assert str(failure.value).split("\n\n") == [
        "2 of 3 claims are not supported by the sources",
        "claim:    The tower is 300 m tall.\n"
        "verdict:  contradicted (score 0.18)\n"
        "reason:   the source says 330 m, not 300 m\n"
        "nearest:  text 1 of 2: The tower is 330 m tall.",
        "claim:    V2 has an MMLU of 86.4.\n"
        "verdict:  contradicted (score 0.10)\n"
        "reason:   the source says 78.5, not 86.4\n"
        "nearest:  text 2 of 2: V2 — MMLU: 78.5",
    ]


def test_a_claim_without_a_shared_word_has_no_nearest() -> None:
    with pytest.raises(AssertionError, match="nearest:  nothing: none of 1 texts shares a word"):
        assert_faithful("Bananas contain potassium.", [TOWER])


def test_hostile_text_cannot_paint_the_terminal() -> None:
    with pytest.raises(AssertionError) as failure:
        assert_faithful("Bananas\x1b[2J contain potassium.", ["A \x1b]0;title\x07 banana."])
    assert "\x1b" not in str(failure.value)
    assert "\x07" not in str(failure.value)


@pytest.mark.parametrize(
    ("answer", "sources", "message"),
    [
        ("", [TOWER], "The answer is '': it claims nothing"),
        (" [1]", [TOWER], "The answer is ' [1]': it claims nothing"),
        ("It is tall.", [], "There is no source: []"),
        ("It is tall.", [" "], "There is no source: [' ']"),
        ("It is tall.", None, "A text brings no sources"),
        ("It is tall.", TOWER, "The sources are not a list of strings"),
        (None, [TOWER], "The answer is a NoneType"),
        (Answer("How tall?", Status.NOT_FOUND, "No."), None, "'How tall?' is not_found, without"),
        (answered("It is tall."), None, "There is no source"),
    ],
)
def test_where_nothing_can_be_said_it_is_an_error(
    answer: object, sources: object, message: str
) -> None:
    with pytest.raises(InputError) as error:
        assert_faithful(answer, sources)
    assert message in str(error.value)


def test_an_answer_brings_its_own_sources() -> None:
    claim = "The tower is 330 m tall."
    assert assert_faithful(answered(claim, quote=TOWER)).supported
    assert assert_faithful(answered(claim, evidence=[TOWER])).supported
    with pytest.raises(AssertionError, match="the source says 330 m, not 300 m"):
        # Its own verdict is "supported"; it is not believed.
        assert_faithful(answered("The tower is 300 m tall.", quote=TOWER))


def test_the_quotes_of_an_answer_must_stand_in_sources_that_are_given() -> None:
    claim, quote = "The tower is 330 m tall.", "The tower is 330 m tall."
    assert assert_faithful(answered(claim, quote), [TOWER]).supported
    with pytest.raises(AssertionError) as failure:
        assert_faithful(answered(claim, "The tower is 330m tall."), [TOWER])
    assert str(failure.value) == (
        "citation [1] of a.txt is in no source: 'The tower is 330m tall.'\n"
        "nearest:  text 1 of 1: The tower is 330 m tall."
    )


class Library:
    """One document, for any name."""

    def document(self, name: str) -> Document:
        return Document(name, TOWER, "0" * 64)

    def documents(self) -> list[Document]:
        return [self.document("a.txt")]


class Sceptic:
    """Meets ``Judge``: supports what speaks of a tower; ``asked`` lists what it was given."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def judge(self, claim: str, evidence: Sequence[str]) -> Verdict:
        self.asked.append((claim, tuple(evidence)))
        label = Label.SUPPORTED if "tower" in claim else Label.UNSUPPORTED
        return Verdict(label, 0.4, "it says so")


def test_another_judge_is_asked_about_one_sentence_at_a_time() -> None:
    judge = Sceptic()
    assert assert_faithful("The tower sings.", [TOWER], judge=judge).score == 0.4
    with pytest.raises(AssertionError, match="1 of 2 claims are") as failure:
        assert_faithful("The tower sings. It dances.", [TOWER], judge=judge)
    assert "claim:    It dances.\nverdict:  unsupported (score 0.40)" in str(failure.value)
    assert judge.asked[1:] == [("The tower sings.", (TOWER,)), ("It dances.", (TOWER,))]


def test_a_quote_that_is_in_no_document_is_an_error_and_no_miss() -> None:
    question = Question(
        id="height",
        question="How tall?",
        status=Status.ANSWERED,
        facts=(("330 m",),),
        evidence=(("330 metres",),),
        document="a.txt",
    )
    answer = answered("The tower is 330 m tall.", "The tower is 330 m tall.")
    with pytest.raises(EvaluationError, match=r"'height' cannot be graded: .*330 metres"):
        assert_right(question, answer, Library())


def test_right_facts_with_an_inexact_citation_are_not_right() -> None:
    question = Question(
        id="height",
        question="How tall?",
        status=Status.ANSWERED,
        facts=(("330 m",),),
        evidence=(("330 m tall",),),
    )
    good = answered("The tower is 330 m tall.", "The tower is 330 m tall.")
    assert assert_right(question, good, Library()).holds_gold is True
    with pytest.raises(
        AssertionError, match=r"inexact: .*a.txt 0:22 is not 'A tower of 330 m tall.'"
    ):
        assert_right(question, answered(good.text, "A tower of 330 m tall."), Library())
