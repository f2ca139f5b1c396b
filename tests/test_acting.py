"""Who acts on whom: the same action with its two sides exchanged is another action."""

from __future__ import annotations

import pytest

from citewise import check
from citewise.acting import exchanged_sides
from citewise.types import Label

EXCHANGED = [
    ("Oracle sued Google.", "Google sued Oracle."),
    ("Google was sued by Oracle.", "Google sued Oracle."),
    ("The firm was bought by a rival in 2019.", "In 2019 the firm purchased a rival."),
    ("Google sued Oracle over Java.", "In 2018 Oracle sued Google over Java in California."),
    ("The bank owns the company.", "The company owns the bank."),
    ("The company is owned by the bank.", "The company owns the bank."),
    ("Beats acquired Apple.", "Beats, acquired by Apple in 2014, makes headphones."),
    ("Anna taught Peter.", "Anna was taught by Peter."),
    ("The dog chased the cat.", "The cat chased the dog."),
    ("Bob replaced Ada as chief.", "Ada replaced Bob as chief."),
]
THE_SAME = [
    ("Google was sued by Oracle.", "Oracle sued Google."),
    ("The firm was bought by a rival in 2019.", "In 2019 a rival purchased the firm."),
    ("The company is owned by the bank.", "The bank owns the company."),
    ("Apple acquired Beats.", "Beats, acquired by Apple in 2014, makes headphones."),
    ("Anna taught Peter.", "Peter was taught in 1990 by Anna."),
    ("Tencent funded DeepSeek.", "DeepSeek was financed by Tencent."),
    ("The cat was chased by the dog.", "The dog chased the cat."),
    ("Japan invaded China in 1937.", "China was invaded by Japan in 1937."),
    # One source says it either way: whatever the claim says of it, it is there.
    ("Rome conquered Greece.", "Greece conquered Rome; Greece was conquered by Rome."),
    # Neither side acts on the other, both do, or the order of words means nothing.
    ("Paris is the capital of France.", "France's capital is Paris."),
    ("Prices will rise, Smith said.", "Smith said prices will rise."),
    ("A church stood in the valley.", "In the valley stood a church."),
    ("A giant lived in the valley.", "In the valley lived a giant."),
    ("Anna met Peter.", "Peter met Anna."),
    ("Tea costs more than coffee.", "Coffee costs less than tea."),
    ("The book that Ada published won prizes.", "Ada published the book."),
    ("Ada founded the firm with Bob.", "Bob and Ada founded the firm."),
    ("The firm was founded in 1990.", "In 1990 Ada founded the firm."),
]


@pytest.mark.parametrize(("claim", "source"), EXCHANGED)
def test_what_is_turned_round_is_contradicted(claim: str, source: str) -> None:
    assert exchanged_sides(claim, [source])
    verdict = check(claim, [source])
    assert verdict.label is Label.CONTRADICTED
    assert "two sides" in verdict.reason or "exchanged" in verdict.reason


@pytest.mark.parametrize(("claim", "source"), THE_SAME)
def test_what_says_the_same_is_let_pass(claim: str, source: str) -> None:
    assert exchanged_sides(claim, [source]) == ""


@pytest.mark.parametrize(
    "text", ["", ".", "was", "sued", "by by by", "the the the", "s", "’s sued"]
)
def test_fragments_do_no_harm(text: str) -> None:
    assert exchanged_sides(text, [text, "Google sued Oracle."]) == ""
