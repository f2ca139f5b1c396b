"""What the support check must stop, and what it must let through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from citewise import check
from citewise.errors import InputError
from citewise.support import SupportJudge, attribute, evidence_from_texts
from citewise.types import Evidence, Label

TABLE = (
    "| Model | MMLU Score | Inference Cost (per 1M tokens) |\n|---|---|---|\n"
    "| DeepSeek-V2 | 78.5 | $0.14 |\n| GPT-4 (est.) | 86.4 | $5.00 |\n"
)
PROSE = "Ada Lovelace wrote the first program in 1843. The engine was never finished."


@pytest.mark.parametrize(
    "claim",
    [
        "DeepSeek-V2 has an MMLU score of 78.5.",
        "The inference cost of GPT-4 is $5.00 per 1M tokens.",
        "DeepSeek-V2 scored 78.5 on MMLU and GPT-4 scored 86.4.",
        "Ada Lovelace wrote the first program in 1843.",
        "The engine was never finished.",
    ],
)
def test_what_the_evidence_states_is_supported(claim: str) -> None:
    verdict = check(claim, [TABLE, PROSE])
    assert verdict.label is Label.SUPPORTED, verdict
    assert verdict.score > 0.5


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("Ada Lovelace wrote the first program in 1844.", "the source says 1843, not 1844"),
        (
            "Alan Turing wrote the first program in 1843.",
            "the source says Ada Lovelace, not Alan Turing",
        ),
        ("The engine was finished.", "it leaves out a denial in the source"),
        ("DeepSeek-V2 has an MMLU score of 86.4.", "belongs to 'GPT-4 (est.)', not to"),
        ("The MMLU score of DeepSeek-V2 is $0.14.", "stands under 'Inference Cost"),
        ("GPT-4 has an MMLU score of 78.5.", "belongs to 'DeepSeek-V2', not to 'GPT-4 (est.)'"),
        ("Bananas are rich in potassium.", "the source does not mention: "),
    ],
)
def test_what_it_does_not_state_is_not(claim: str, reason: str) -> None:
    verdict = check(claim, [TABLE, PROSE])
    assert verdict.label is not Label.SUPPORTED, verdict
    assert reason in verdict.reason
    assert verdict.score < 0.5


def test_a_text_gets_the_verdict_of_its_weakest_sentence() -> None:
    verdict = check("The engine was never finished. Ada Lovelace was 99 years old.", [PROSE])
    assert verdict.claims[0].label is Label.SUPPORTED
    assert verdict.label is verdict.claims[1].label is not Label.SUPPORTED


def test_no_evidence_supports_nothing() -> None:
    assert check("The engine was never finished.", []).label is Label.UNSUPPORTED


@pytest.mark.parametrize("claim", ["", "  ", None])
def test_an_empty_claim_is_an_error(claim: str) -> None:
    with pytest.raises(InputError, match="Give a sentence"):
        check(claim, [PROSE])


def test_one_string_as_evidence_is_an_error() -> None:
    with pytest.raises(InputError, match="Give a list"):
        check("It rains.", "It rains.")


def test_the_judge_seam_agrees_with_check() -> None:
    assert SupportJudge().judge("The engine was never finished.", [PROSE]).supported


def test_a_name_of_the_question_needs_proof_at_the_beginning_of_a_sentence() -> None:
    spans = evidence_from_texts(["The government is expected to support the spree."])
    claim = "Beijing is expected to support the spree."
    asked = "How is Beijing expected to respond?"
    found = attribute(claim, spans, given=asked, weight=lambda _: 5.0)
    assert found.verdict.reason == "'Beijing' is not in the source"
    assert attribute(claim.replace("Beijing", "It"), spans).verdict.supported


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("Zhipu is betting that it can buy its way up.", "the source says DeepSeek, not Zhipu"),
        ("OpenAI builds models.", "'OpenAI' is not in the source"),
        ("It was always a firm.", "does not say 'always'"),
    ],
)
def test_names_are_not_swapped_and_nothing_is_made_stronger(claim: str, reason: str) -> None:
    texts = [
        "For years DeepSeek and Zhipu were small. DeepSeek is betting that it can buy its way up. "
        "An open lab with AI experts builds models. It was a firm."
    ]
    verdict = check(claim, texts)
    assert not verdict.supported
    assert reason in verdict.reason


@pytest.mark.parametrize(("cosine", "supported"), [(0.34, False), (0.62, True)])
def test_what_only_the_question_says_needs_a_source_that_speaks_of_it(
    cosine: float, supported: bool
) -> None:
    text = "Northwind is a research firm with limited consumer presence."
    spans = [replace(evidence_from_texts([text])[0], cosine=cosine)]
    claim = (
        "The old business slows Northwind down by being a research firm with limited "
        "consumer presence."
    )
    found = attribute(claim, spans, given="Whose old business slows it down?")
    assert found.verdict.supported is supported
    if not supported:
        assert found.verdict.reason == (
            "the question says it, the source does not: old, business, slows, down"
        )


def test_a_clause_at_the_end_needs_words_of_its_own_in_the_source() -> None:
    source = "The company is doubling its headcount while it changes its core strategy."
    judge = SupportJudge()
    plain = "The company is doubling its headcount while it changes its strategy"
    assert judge.judge(f"{plain}.", [source]).supported
    more = judge.judge(f"{plain}, which will be a monumental management challenge.", [source])
    assert more.label is Label.PARTLY_SUPPORTED
    assert more.reason == "the source does not say: monumental, management, challenge"
    told = [f"{source[:-1]}, a monumental challenge for its management."]
    assert judge.judge(f"{plain}, which is a monumental management challenge.", told).supported


def test_what_a_clause_adds_is_said_of_what_stands_before_it() -> None:
    evidence = evidence_from_texts(
        [
            "The most immediate danger is the hardware risk, because chips cannot be bought.",
            "Doubling the staff at once is a monumental management challenge for Northwind.",
        ]
    )
    question = "Which danger is most pressing?"
    mixed = (
        "The most pressing danger is the hardware risk, "
        "which is a monumental management challenge for Northwind."
    )
    found = attribute(mixed, evidence, given=question).verdict
    assert found.label is Label.PARTLY_SUPPORTED
    assert found.reason.startswith("the source says of something else: monumental")
    right = "Northwind is doubling the staff, which is a monumental management challenge."
    assert attribute(right, evidence, given="How hard is it?").verdict.supported


def test_a_row_proves_nothing_of_its_subject_that_no_cell_holds() -> None:
    row = Evidence(
        "a.md", 0, 40, "| Orbis | Vertical | $300B |", 1.0, 1, 1, "", None, "row",
        "Orbis — Strategy: Vertical; Valuation: $300B", 0.7,
    )  # fmt: skip
    found = attribute(
        "Orbis invested in the latest round.", [row], given="Who invested in the latest round?"
    )
    assert not found.verdict.supported
    right = attribute(
        "The valuation of Orbis is $300B.", [row], given="What is the valuation of Orbis?"
    )
    assert right.verdict.supported


def test_a_row_far_from_the_question_does_not_bear_out_its_words() -> None:
    row = Evidence(
        "a.md", 0, 40, "| NorthWind | Vertical | $300B |", 1.0, 4, 2, "", None, "row",
        "NorthWind — Strategy: Vertical; Recent Funding: $300B", 0.27,
    )  # fmt: skip
    asked = "Who invested in the latest funding round of Orbis?"
    said = "NorthWind invested in the latest funding round of Orbis."
    assert not attribute(said, [row], given=asked).verdict.supported
    cell = attribute(
        "NorthWind's strategy is vertical.", [row], given="Which strategy has NorthWind?"
    )
    assert cell.verdict.supported


def test_a_small_word_with_the_capital_of_a_title_needs_no_proof() -> None:
    texts = ["Police asked readers of The Guardian for help; the man was never identified."]
    verdict = attribute("The man has never been identified.", evidence_from_texts(texts)).verdict
    assert verdict.supported, verdict.reason
