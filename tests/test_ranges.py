"""One end of a range is not the value, and neither is a range with another end."""

from __future__ import annotations

import pytest

from citewise import check
from citewise.ranges import another_range, half_of_a_range


@pytest.mark.parametrize(
    ("claim", "source", "found"),
    [
        ("A million tokens cost $0.50.", "Cost: $0.10 - $0.50", "$0.10 - $0.50"),
        ("Pay will rise by 30%.", "Pay may rise by 30-50% over the year.", "30-50%"),
        ("It holds 2 billion.", "It holds 1 to 2 billion.", "1 to 2 billion"),
        ("It holds 1 billion.", "It holds 1 to 2 billion.", "1 to 2 billion"),
        ("It takes 12 months.", "It takes 12–18 months.", "12–18"),
    ],
)
def test_half_a_range_is_told(claim: str, source: str, found: str) -> None:
    assert half_of_a_range(claim, source) == f"the source gives a range: {found}"


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("A million tokens cost between $0.10 and $0.50.", "Cost: $0.10 - $0.50"),
        ("A million tokens cost up to $0.50.", "Cost: $0.10 - $0.50"),
        ("A million tokens cost $0.10 to $0.50.", "Cost: $0.10 - $0.50"),
        ("It cost $0.50 in May.", "It cost $0.10 - $0.50 in a year, and $0.50 in May."),
        ("He ruled until 1820.", "He ruled 1811-1820."),
        ("The model is GPT-4.", "GPT-4-8 and GPT-4 were shown."),
        ("It weighs 7 kg.", "It weighs 5 kg."),
    ],
)
def test_a_whole_range_an_end_called_so_and_years_are_left_alone(claim: str, source: str) -> None:
    assert half_of_a_range(claim, source) == ""


def test_the_check_calls_it_partly_supported() -> None:
    verdict = check("Pay will rise by 30%.", ["Pay will rise by 30-50% over the year."])
    assert str(verdict.label) == "partly_supported"
    assert verdict.reason == "the source gives a range: 30-50%"


@pytest.mark.parametrize(
    ("claim", "source", "found"),
    [
        ("It costs between $5.00 and $5.00.", "Cost: $0.50 - $5.00", "$0.50 - $5.00"),
        ("It costs between $0.10 and $5.00.", "Cost: $0.50 - $5.00", "$0.50 - $5.00"),
        ("Pay will rise by 30-60%.", "Pay may rise by 30-50% over the year.", "30-50%"),
        ("It takes 12 to 20 months.", "It takes 12–18 months.", "12–18"),
    ],
)
def test_a_range_with_another_end_is_told(claim: str, source: str, found: str) -> None:
    assert another_range(claim, source) == found
    verdict = check(claim, [source])
    assert str(verdict.label) == "contradicted"
    assert verdict.score < 0.2


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("It costs between $0.50 and $5.00.", "Cost: $0.50 - $5.00"),
        ("It costs $0.50–$5.00.", "Cost: $0.50 to $5.00"),
        ("It holds 1 to 2 billion.", "It holds 1-2 billion."),
        ("The team won 5-2.", "It took 2-7 minutes; the team won 5-2."),
        ("It grew between 2 and 9.", "It took 2-7 minutes. It grew between 2 and 9."),
        ("It rose from $0.10 - $0.50 to $0.50 - $5.00.", "$0.10 - $0.50, then $0.50 - $5.00"),
    ],
)
def test_the_same_range_a_score_and_another_pair_are_left_alone(claim: str, source: str) -> None:
    assert another_range(claim, source) == ""
