"""Sentence boundaries in the cases that break naive splitters."""

from __future__ import annotations

import pytest

from citewise.sentences import sentence_offsets


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It cost $5.00. It rose.", ["It cost $5.00.", "It rose."]),
        ("Dr. Li and J. Smith met. They left.", ["Dr. Li and J. Smith met.", "They left."]),
        ("GPT-4 (est.) has more. Yes.", ["GPT-4 (est.) has more.", "Yes."]),
        ("Sold in the U.S. market. Good.", ["Sold in the U.S. market.", "Good."]),
        ("He said no. Then he left.", ["He said no.", "Then he left."]),
        ("See No. 5 and Fig. 3 here. End.", ["See No. 5 and Fig. 3 here.", "End."]),
        ("1. The next model. It is big.", ["1. The next model.", "It is big."]),
        ('"Stop!" She ran. "Why?" he asked.', ['"Stop!"', "She ran.", '"Why?" he asked.']),
        ("Wait... what? Nothing.", ["Wait... what?", "Nothing."]),
        ("这是第一句。这是第二句!第三句?", ["这是第一句。", "这是第二句!第三句?"]),
        ("これは文です。「はい。」次。", ["これは文です。", "「はい。」", "次。"]),
        ("No end", ["No end"]),
        ("version 2.0 is out", ["version 2.0 is out"]),
        ("  spaced.  Out.  ", ["spaced.", "Out."]),
        ("", []),
    ],
)
def test_boundaries(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_offsets(text)] == sentences


def test_offsets_refer_to_the_whole_text() -> None:
    text = "Skip. One two. Three."
    assert sentence_offsets(text, 6, 14) == [(6, 14)]
