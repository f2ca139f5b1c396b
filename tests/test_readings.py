"""Cells that a question points at are read from the table itself."""

from __future__ import annotations

import pytest

from citewise.readings import gives, read_table, unexplained
from citewise.splitting import split
from citewise.types import Document, Evidence

TABLE = """| Model | Parameters (Active/Total) | MMLU Score | Cost (per 1M tokens) |
|---|---|---|---|
| DeepSeek-V2 | 21B / 236B | 78.5 | $0.14 |
| GPT-4 (est.) | ~200B / 1.8T | 86.4 | $5.00 |
| Llama 3 405B | 405B / 405B | 87.8 | $2.50 |
"""
ROWS = [
    Evidence("a", s.start, s.end, TABLE[s.start : s.end], 1.0, 1, 1, "", None, s.kind, s.rendered)
    for passage in split(Document("a", TABLE, ""))
    for s in passage.spans
    if s.kind == "row"
]


def read(question: str, earlier: str = "") -> str:
    readings = read_table(question, question, earlier, ROWS, lambda _: 1.0)
    return " ".join(reading.text for reading in readings)


@pytest.mark.parametrize(
    ("question", "cells"),
    [
        ("What is the MMLU score of GPT-4?", "GPT-4 (est.) — MMLU Score: 86.4."),
        ("How many active parameters has DeepSeek-V2?", "DeepSeek-V2 — Active Parameters: 21B."),
        ("Which model costs $2.50?", "Llama 3 405B — Cost (per 1M tokens): $2.50."),
        (
            "MMLU score of Llama 3 405B against DeepSeek-V2?",
            "DeepSeek-V2 — MMLU Score: 78.5. Llama 3 405B — MMLU Score: 87.8.",
        ),
    ],
)
def test_row_and_column_named(question: str, cells: str) -> None:
    assert read(question) == cells


@pytest.mark.parametrize(
    "question",
    [
        "What is the MMLU score of GPT-5?",
        "What is the cost of Llama 4?",
        "How is DeepSeek-V2 licensed?",
        "How many startups had DeepSeek-V2 in 2019?",
        "What is the MMLU score of GPT-4 in France?",
        "Why?",
        "How did DeepSeek-V2 reach such a cost?",
    ],
)
def test_nothing_is_read_where_the_table_is_not_asked(question: str) -> None:
    assert read(question) == ""


def test_a_follow_up_takes_from_the_question_before_what_it_does_not_name() -> None:
    before = "What MMLU score did DeepSeek-V2 get?"
    assert read("And Llama 3 405B?", before) == "Llama 3 405B — MMLU Score: 87.8."
    assert read("And the cost?", before) == "DeepSeek-V2 — Cost (per 1M tokens): $0.14."
    assert read("And its licence?", before) == ""


def test_all_figures_of_a_row() -> None:
    assert read("All figures for DeepSeek-V2").count("DeepSeek-V2 — ") == 4


@pytest.mark.parametrize(
    ("question", "sentences"),
    [
        ("Which model is cheapest?", "DeepSeek-V2 has the lowest Cost (per 1M tokens): $0.14."),
        ("What is the highest MMLU score?", "Llama 3 405B has the highest MMLU Score: 87.8."),
        (
            "Which has the second highest MMLU score?",
            "GPT-4 (est.) has the second-highest MMLU Score: 86.4.",
        ),
        (
            "Besides Llama 3 405B, which one has the highest MMLU score?",
            "GPT-4 (est.) has the highest MMLU Score: 86.4.",
        ),
        (
            "Is GPT-4 or DeepSeek-V2 more expensive?",
            "GPT-4 (est.) has the higher Cost (per 1M tokens): $5.00. "
            "DeepSeek-V2 — Cost (per 1M tokens): $0.14.",
        ),
        (
            "How many times the MMLU score of DeepSeek-V2 is that of GPT-4?",
            "DeepSeek-V2 — MMLU Score: 78.5. GPT-4 (est.) — MMLU Score: 86.4.",
        ),
    ],
)
def test_comparisons_are_worked_out_from_the_cells(question: str, sentences: str) -> None:
    assert read(question) == sentences


@pytest.mark.parametrize(
    "question",
    ["Which model is the most popular?", "Is GPT-4 faster than DeepSeek-V2?", "Which is best?"],
)
def test_nothing_is_compared_that_no_column_tells(question: str) -> None:
    assert read(question) == ""


def test_a_comparison_cites_every_row_it_was_worked_out_from() -> None:
    (winner,) = read_table("Which model is cheapest?", "", "", ROWS, lambda _: 1.0)
    assert winner.compares
    assert {item.text for item in winner.evidence} == {row.text for row in ROWS}
    assert "$5.00" in winner.reason


def test_the_short_part_of_a_name_can_be_left_out() -> None:
    table = "| Firm | Strategy |\n|---|---|\n| Zhipu AI | Open |\n| Baidu | Closed |\n"
    rows = [
        Evidence("a", s.start, s.end, table[s.start : s.end], 1, 1, 1, "", None, s.kind, s.rendered)
        for passage in split(Document("a", table, ""))
        for s in passage.spans
        if s.kind == "row"
    ]
    (found,) = read_table(
        "What is Zhipu's strategy?", "What is Zhipu's strategy?", "", rows, lambda _: 1.0
    )
    assert found.text == "Zhipu AI — Strategy: Open."


def test_equal_cells_have_no_greatest() -> None:
    table = "| Firm | Sales |\n|---|---|\n| Aa | 5 |\n| Bb | 5 |\n"
    rows = [
        Evidence("a", s.start, s.end, table[s.start : s.end], 1, 1, 1, "", None, s.kind, s.rendered)
        for passage in split(Document("a", table, ""))
        for s in passage.spans
        if s.kind == "row"
    ]
    assert read_table("Which firm has the highest sales?", "", "", rows, lambda _: 1.0) == []


def test_what_the_cells_do_not_account_for() -> None:
    question = "What is the MMLU score of GPT-4 according to sceptics?"
    readings = read_table(question, question, "", ROWS, lambda _: 1.0)
    assert unexplained(question, question, readings) == {"accord", "sceptic"}


def test_a_draft_gives_a_cell_if_it_holds_its_number() -> None:
    (reading,) = read_table("MMLU score of GPT-4?", "MMLU score of GPT-4?", "", ROWS, lambda _: 1.0)
    assert gives("It got 86.4 on MMLU.", reading)
    assert not gives("It got 87.8 on MMLU.", reading)
