"""Cells that a question points at are read from the table itself."""

from __future__ import annotations

import pytest

from citewise.readings import read_cells
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
    return read_cells(question, question, earlier, ROWS, lambda _: 1.0)


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
        "How many times the MMLU score of DeepSeek-V2 is that of GPT-4?",
        "Why?",
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
