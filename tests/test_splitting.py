"""Passages and spans are exact, complete slices of their document, on any text."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewise.splitting import MAX_PASSAGE, split
from citewise.types import Document

SEED = Path(__file__).parents[1] / "seeds" / "deepseek-abandons-lightweight-ai.txt"

PIECES = st.sampled_from(
    [
        "A sentence. ",
        "Dr. Smith paid $5.00 (est.) for it! ",
        "\n",
        "\r\n",
        "\n\n",
        "# Heading\n",
        "Plain Heading\n\n",
        "| a | b |\n|---|---|\n| 1 | 2\\|3 |\n",
        "- item one\n- item two\n",
        "1. first\n2) second\n   goes on\n",
        "```python\nx = 'a | b'\n\n# no heading\n```\n",
        "\t",
        " ",
        "这是一句话。第二句!",
        "👩‍👩‍👧 e\u0301 ",
        "word" * 200,
        "Title\n=====\n",
        "\u2028\x0b\x85",
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=300))


def document(text: str) -> Document:
    return Document("a.txt", text, "")


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from(["text", "code"]), st.lists(st.integers(0, 300), max_size=3))
def test_spans_are_exact_and_cover_every_character_once(
    text: str, kind: str, starts: list[int]
) -> None:
    covered = [False] * len(text)
    previous = 0
    pages = (0, *sorted(starts)) if starts else ()
    source = Document("a.txt", text, "", pages, kind)
    for passage in split(source):
        assert {source.page_at(span.start) for span in passage.spans} == {passage.page}
        assert passage.text == text[passage.start : passage.end]
        assert passage.start == passage.spans[0].start
        assert passage.end == passage.spans[-1].end
        for span in passage.spans:
            assert previous <= span.start < span.end
            assert text[span.start : span.end].strip() == text[span.start : span.end]
            covered[span.start : span.end] = [True] * (span.end - span.start)
            previous = span.end
    missing = [char for char, seen in zip(text, covered, strict=True) if not seen]
    assert "".join(missing).strip() == ""


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_passages_stay_small(text: str) -> None:
    for passage in split(document(text)):
        body = [span for span in passage.spans if span.kind != "heading"]
        if len(body) > 1:
            assert body[-1].end - body[0].start <= MAX_PASSAGE


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "word " * 200_000, "aBcd. " * 170_000, "aBcdEfgh" * 125_000],
    ids=["one word", "words", "short sentences", "glued words"],
)
def test_a_line_of_a_million_characters_is_split_in_linear_time(text: str) -> None:
    began = time.perf_counter()
    passages = split(document(text))
    assert time.perf_counter() - began < 10
    assert sum(passage.end - passage.start for passage in passages) >= 0.99 * len(text.strip()) - (
        len(passages) * 2
    )


def spans(text: str) -> list[tuple[str, str]]:
    return [
        (text[span.start : span.end], span.rendered)
        for passage in split(document(text))
        for span in passage.spans
    ]


def test_a_table_row_carries_its_column_names_and_cites_the_raw_row() -> None:
    text = SEED.read_text(encoding="utf-8")
    rows = dict(spans(text))
    raw = "| AI Hardware Self-Sufficiency | ~20% | ~40% (target) |"
    assert rows[raw] == (
        "AI Hardware Self-Sufficiency — 2024 (Efficiency Era): ~20%; "
        "2026 (Scale Era, Projected): ~40% (target)"
    )


def test_a_cell_of_two_parts_names_each_part() -> None:
    text = SEED.read_text(encoding="utf-8")
    row = next(rendered for raw, rendered in spans(text) if raw.startswith("| DeepSeek-V2 |"))
    assert "Active Parameters: 21B; Total Parameters: 236B" in row


def test_headings_paths_and_kinds() -> None:
    text = "# Guide\n\nIntro here.\n\n## Setup\n\n- one\n- two\n\n## Use\n\n```\ncode\n```\n"
    passages = split(document(text))
    assert [(p.kind, p.heading) for p in passages] == [
        ("prose", "Guide"),
        ("list", "Guide > Setup"),
        ("code", "Guide > Use"),
    ]
    assert [span.kind for span in passages[1].spans] == ["heading", "item", "item"]


def test_plain_text_headings_of_the_seed() -> None:
    headings = {p.heading for p in split(document(SEED.read_text(encoding="utf-8")))}
    assert {"Technical Deep Dive", "Key Players & Case Studies", "Further Reading"} <= headings


def test_list_items_keep_the_line_that_introduces_them() -> None:
    items = spans("What to watch next:\n1. Chips: any news.\n2. Turnover: a sign.\n")
    assert items[1] == ("1. Chips: any news.", "What to watch next: 1. Chips: any news.")


def test_crlf_and_wrapped_lines() -> None:
    text = "The first sentence goes on\r\nover the line end. The second one\r\nfollows here.\r\n"
    assert spans(text) == [
        (
            "The first sentence goes on\r\nover the line end.",
            "The first sentence goes on over the line end.",
        ),
        ("The second one\r\nfollows here.", "The second one follows here."),
    ]


def test_scraped_text_that_lost_its_line_breaks_is_cut_between_the_titles() -> None:
    raws = [raw for raw, _ in spans(SEED.read_text(encoding="utf-8"))]
    assert (
        "DeepSeek's $7 Billion Code Bet: Redefining AI Infrastructure for Enterprise Automation"
        in raws
    )


def test_the_seed_is_the_pinned_document() -> None:
    assert hashlib.sha256(SEED.read_bytes()).hexdigest() == (
        "51c8fef54b044f0bec51a5f929ba245933f3aa40f07f07dbeca4dd7073953351"
    )


def test_passages_end_where_pages_do_and_know_their_page():
    first, second = "# Title\n\nOne sentence here.\n", "And here is another one.\n"
    document = Document("a.pdf", first + second, "", (0, len(first)))
    found = [(p.page, p.text) for p in split(document)]
    assert found == [
        (1, "# Title\n\nOne sentence here."),
        (2, "And here is another one."),
    ]


def test_documents_without_pages_have_passages_without_one():
    assert [p.page for p in split(Document("a.txt", "Some words.", ""))] == [None]
