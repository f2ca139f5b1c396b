"""Facts, grounding and grades, each value worked out by hand."""

from __future__ import annotations

import pytest

from citewise import Answer, Citation, EvaluationError, Evidence, Label, Sentence, Status, Verdict
from citewise.eval_facts import states
from citewise.eval_grounding import ungrounded
from citewise.grading import Grade, Outcome, grade
from citewise.questions import Question, resolve

TEXT = (
    "Northwind Report\n\nNorthwind opened 12 shops in 2024. The company plans 30 more.\n\n"
    "| City | Sales (2024) | Staff |\n|---|---|---|\n"
    "| Oslo | $1.5M | 40 |\n| Bergen | $0.9M | 25 |\n"
)
SHOPS = "Northwind opened 12 shops in 2024."
PLANS = "The company plans 30 more."
OSLO = "| Oslo | $1.5M | 40 |"
BERGEN = "| Bergen | $0.9M | 25 |"
TEXTS = {"report.txt": TEXT}


def cite(number: int, quote: str, heading: str = "") -> Citation:
    start = TEXT.index(quote)
    return Citation(number, "report.txt", start, start + len(quote), quote, heading)


def evidence(quote: str) -> Evidence:
    start = TEXT.index(quote)
    return Evidence("report.txt", start, start + len(quote), quote, 1.0, 1, 1)


def sentence(text: str, *numbers: int, label: Label = Label.SUPPORTED) -> Sentence:
    return Sentence(text, numbers, Verdict(label, 1.0, "as the test says"))


def answered(
    *sentences: Sentence,
    citations: tuple[Citation, ...] = (),
    found: tuple[Evidence, ...] = (),
    status: Status = Status.ANSWERED,
    question: str = "How many shops?",
) -> Answer:
    text = " ".join(s.text + "".join(f" [{n}]" for n in s.citations) for s in sentences)
    return Answer(question, status, text, sentences, citations, found)


def asked(
    *facts: tuple[str, ...], forbidden: tuple[str, ...] = (), gold: tuple[tuple[str, ...], ...] = ()
) -> Question:
    return Question(
        id="q",
        question="How many shops?",
        kind="prose",
        status=Status.ANSWERED,
        facts=facts,
        forbidden=forbidden,
        evidence=gold,
    )


UNANSWERABLE = Question(
    id="u", question="Who owns it?", kind="unanswerable", status=Status.NOT_FOUND
)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("It has 1,500 stars.", "1500"),
        ("It has 1\u202f500 stars.", "1,500"),
        ("It costs $0.14.", "0.14"),
        ("It costs 0.14 a token.", "$0.14"),
        ("It costs US$ 2.50.", "$2.5"),
        ("worth over $500 billion", "500B"),
        ("worth 500B", "500 billion"),
        ("five hundred billion dollars", "$500B"),
        ("a score of 78.50", "78.5"),
        ("The score is 78.5.", "78.5"),
        ("reached 78.5 %", "78.5%"),
        ("reached 78.5 percent", "78.5%"),
        ("70-80% less compute", "70%"),
        ("from 1 to 2 billion", "1 billion"),
        ("12–18 months", "12-18 months"),
        ("within three years", "3 years"),
        ("about 10x cheaper", "10"),
        ("3×10²⁵ FLOPs", "3e25"),
        ("~10^26 FLOPs", "1e26"),
        ("in mid-2026", "2026"),
        ("Llama 3 405B wins", "405B"),
        ("GPT 4 wins", "GPT-4"),
        ("DeepSeek-V2 wins", "deepseek v2"),
        ("DeepSeek's plan", "DeepSeek"),
        ("it doesn’t", "doesn't"),
        ("500B Yuan", "yuan"),
        ("U.S. export controls", "US"),
        ("常见问题 is the heading", "问题"),
        ("**scale** or *die*", "scale or die"),
    ],
)
def test_a_text_states_a_fact_in_other_words(text: str, fact: str) -> None:
    assert states(text, fact)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("178.5", "78.5"),
        ("78.55", "78.5"),
        ("1178.5", "178.5"),
        ("78", "78.5"),
        ("5 researchers", "5%"),
        ("500 billion yuan", "$500 billion"),
        ("500 million", "500 billion"),
        ("worth 500B", "500"),
        ("GPT-4 wins", "4"),
        ("GPT-4o wins", "GPT-4"),
        ("GPT-4.5 wins", "GPT-4"),
        ("the H100", "100"),
        ("-5 degrees", "5"),
        ("version 2.5.1", "2.5"),
        ("one of them", "1"),
        ("twenty-one", "20"),
        ("Deepseeking", "DeepSeek"),
        ("die or scale", "scale or die"),
        ("", "scale"),
    ],
)
def test_a_text_does_not_state_what_only_resembles_the_fact(text: str, fact: str) -> None:
    assert not states(text, fact)


def test_a_fact_without_words_or_numbers_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="'§'"):
        states("anything", "§")


def test_a_model_that_loops_on_digits_is_read_in_one_pass() -> None:
    assert not states("9" * 100_000, "9")


def graded(question: Question, answer: Answer) -> Grade:
    return grade(question, answer, resolve(question, TEXTS), TEXTS)


@pytest.mark.parametrize(
    ("status", "text", "forbidden", "outcome"),
    [
        (Status.ANSWERED, "It opened 12 shops.", "25", Outcome.ANSWERED_CORRECTLY),
        (Status.QUOTED, "It opened 12 shops.", "25", Outcome.QUOTED_CORRECTLY),
        (Status.ANSWERED, "It opened 13 shops.", "25", Outcome.ANSWERED_WRONGLY),
        (Status.ANSWERED, "It opened 12 or 25 shops.", "25", Outcome.ANSWERED_WRONGLY),
        (Status.NOT_FOUND, "It opened 12 shops.", "25", Outcome.REFUSED_WRONGLY),
    ],
)
def test_outcome_of_an_answerable_question(
    status: Status, text: str, forbidden: str, outcome: Outcome
) -> None:
    answer = answered(sentence(text), status=status)
    assert graded(asked(("12", "twelve"), forbidden=(forbidden,)), answer).outcome is outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.NOT_FOUND, Outcome.REFUSED_RIGHTLY),
        (Status.ANSWERED, Outcome.NOT_REFUSED),
        (Status.QUOTED, Outcome.NOT_REFUSED),
    ],
)
def test_outcome_of_an_unanswerable_question(status: Status, outcome: Outcome) -> None:
    result = graded(UNANSWERABLE, answered(sentence("Ola Nordmann."), status=status))
    assert result.outcome is outcome
    assert (result.citation_precision, result.citation_recall, result.holds_gold) == (None,) * 3
    assert result.gold_ranks == ()


def test_every_group_must_be_met_and_reasons_are_kept() -> None:
    question = asked(("12",), ("30", "thirty"), ("Oslo",), forbidden=("25", "26"))
    result = graded(question, answered(sentence("It has 12 in Oslo, and 25.")))
    assert result.missing == (("30", "thirty"),)
    assert result.forbidden == ("25",)


def test_a_marker_is_not_a_number() -> None:
    answer = answered(sentence("It opened some.", 1), citations=(cite(1, SHOPS),))
    assert answer.text == "It opened some. [1]"
    assert graded(asked(("1",)), answer).missing == (("1",),)


def test_citation_precision_recall_and_gold() -> None:
    # Three citations: one in the first group, none in the second, two beside the gold.
    question = asked(("12",), gold=((SHOPS, OSLO), (PLANS,)))
    citations = (cite(1, "12 shops"), cite(2, BERGEN), cite(3, "Northwind Report"))
    result = graded(question, answered(sentence("It opened 12.", 1, 2, 3), citations=citations))
    assert result.citation_precision == pytest.approx(1 / 3)
    assert result.citation_recall == pytest.approx(1 / 2)
    assert result.holds_gold is True


def test_touching_is_not_overlapping() -> None:
    before = TEXT[: TEXT.index(SHOPS)]
    answer = answered(sentence("It opened 12.", 1), citations=(cite(1, before),))
    result = graded(asked(("12",), gold=((SHOPS,),)), answer)
    assert (result.citation_precision, result.citation_recall) == (0.0, 0.0)
    assert result.holds_gold is False


def test_citations_without_a_denominator() -> None:
    gold = ((SHOPS,),)
    without = graded(asked(("12",), gold=gold), answered(sentence("It opened 12.")))
    assert without.citation_precision is None
    assert (without.citation_recall, without.holds_gold) == (0.0, False)
    nearest = answered(citations=(cite(1, OSLO),), status=Status.NOT_FOUND)
    refused = graded(asked(("12",), gold=gold), nearest)
    assert refused.citation_precision is None
    assert refused.citation_recall is None


def test_gold_in_another_document_does_not_count() -> None:
    other = Citation(1, "other.txt", 0, len(TEXT), TEXT)
    answer = answered(sentence("It opened 12.", 1), citations=(other,))
    question = asked(("12",), gold=((SHOPS,),))
    result = grade(question, answer, resolve(question, TEXTS), {"other.txt": TEXT})
    assert (result.holds_gold, result.inexact) == (False, ())


def test_ranks_of_gold_in_the_evidence() -> None:
    question = asked(("12",), gold=((SHOPS,), (OSLO,), (PLANS,)))
    found = (evidence(BERGEN), evidence(OSLO), evidence(SHOPS), evidence(OSLO))
    result = graded(question, answered(sentence("It opened 12."), found=found))
    assert result.gold_ranks == (3, 2, None)


def test_inexact_citations_are_named() -> None:
    shifted = Citation(1, "report.txt", 1, 1 + len(SHOPS), SHOPS)
    nowhere = Citation(2, "gone.txt", 0, 5, "North")
    from_the_end = Citation(3, "report.txt", -2, -1, TEXT[-2:-1])
    citations = (shifted, nowhere, from_the_end, cite(4, SHOPS))
    answer = answered(sentence("It opened 12.", 1, 2, 3, 4, 9), citations=citations)
    faults = graded(asked(("12",)), answer).inexact
    assert [fault.split()[0] for fault in faults] == ["[1]", "[2]", "[3]", "[9]"]
    assert faults[-1] == "[9] has no citation"


def test_shown_sentences_without_full_support_are_named() -> None:
    answer = answered(
        sentence("It opened 12."),
        sentence("Perhaps.", label=Label.PARTLY_SUPPORTED),
        sentence("Never.", label=Label.CONTRADICTED),
    )
    result = graded(asked(("12",)), answer)
    assert result.sentences == 3
    assert result.unsupported == ("Perhaps.", "Never.")
    assert not result.flawless


def test_what_cannot_be_graded_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="demands no fact"):
        graded(asked(), answered(sentence("It opened 12.")))
    with pytest.raises(EvaluationError, match="no checked sentences"):
        graded(asked(("12",)), Answer("Q", Status.ANSWERED, "It opened 12."))


@pytest.mark.parametrize(
    ("text", "quote", "lacking"),
    [
        ("Northwind opened 12 shops in 2024.", SHOPS, ()),
        ("Northwind opened 13 shops in May 2025.", SHOPS, ("13", "May", "2025")),
        ("It then opened in Malmö with IKEA.", SHOPS, ("Malmö", "IKEA")),
        ("Twelve shops opened.", SHOPS, ()),
        ("It opened 12% more.", SHOPS, ("12%",)),
        ("Oslo has 40% of them.", OSLO, ()),  # a cell's unit may stand in its header
        ("Some shops opened. Then nothing.", SHOPS, ()),
        ("Northwind plans 30 more.", PLANS, ()),  # the first line says who the company is
        ("Oslo sold for $1.5 million in 2024.", OSLO, ()),  # 2024 stands in the header
        ("Oslo sold for 40M in 2023.", OSLO, ("40M", "2023")),
        ("The London shop has 40 staff.", OSLO, ("London",)),
        ("Staff in Oslo: 25.", OSLO, ("25",)),
    ],
)
def test_numbers_and_names_that_the_citation_lacks(
    text: str, quote: str, lacking: tuple[str, ...]
) -> None:
    found = ungrounded(answered(sentence(text, 1), citations=(cite(1, quote),)), TEXTS)
    assert tuple(token for item in found for token in item.tokens) == lacking


def test_a_sentence_without_citation_holds_nothing() -> None:
    found = ungrounded(answered(sentence("It opened 12.")), TEXTS)
    assert [(item.sentence, item.tokens) for item in found] == [("It opened 12.", ("12",))]


def test_names_from_the_question_count_for_table_rows_alone() -> None:
    question = "How does Norway do in 1999?"
    row = answered(
        sentence("In Norway, Oslo has 40 staff.", 1), citations=(cite(1, OSLO),), question=question
    )
    assert ungrounded(row, TEXTS) == ()
    prose = answered(
        sentence("In Norway it opened 12.", 1), citations=(cite(1, SHOPS),), question=question
    )
    assert ungrounded(prose, TEXTS)[0].tokens == ("Norway",)
    year = answered(
        sentence("Oslo has 40 staff in 1999.", 1), citations=(cite(1, OSLO),), question=question
    )
    assert ungrounded(year, TEXTS)[0].tokens == ("1999",)


def test_a_name_that_opens_the_sentence_counts_if_it_is_known_as_one() -> None:
    text = "Huawei opened 12 shops."
    citations = (cite(1, SHOPS),)
    unknown = answered(sentence(text, 1), citations=citations)
    assert ungrounded(unknown, TEXTS) == ()
    known = answered(sentence(text, 1), citations=citations, question="What did Huawei open?")
    assert ungrounded(known, TEXTS)[0].tokens == ("Huawei",)
