import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewise.spacedterms import distinctive_terms, spaced_terms
from citewise.tokens import content_terms, lexical_terms, words_with


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("DeepSeek-V2", ["deepseekv2", "deepseek", "deep", "seek", "v2", "2"]),
        ("snake_case", ["snakecas", "snak", "cas"]),
        ("getHTTPResponse", ["gethttprespons", "get", "http", "respons"]),
        ("GPUs", ["gpu"]),
        ("405B", ["405b", "405"]),
        ("gpt-3.5-turbo", ["gpt3.5turbo", "gpt", "3.5", "turbo"]),
        ("e-mail", ["email", "mail"]),
        ("U.S. DeepSeek's", ["us", "deepseek", "deep", "seek"]),
        ("C++ and C#", ["c++", "and", "c#"]),
        ("$0.14 78.5%", ["0.14", "78.5"]),
        ("1,500 1,234,567.89", ["1500", "1234567.89"]),
        ("70-80%", ["70-80", "70", "80"]),
        ("2026-06-01", ["2026-06-01", "2026", "06", "01"]),
        ("Élan ＺÜRICH ①", ["elan", "zurich", "1"]),
        ("常见问题", ["常见", "见问", "问题"]),
        ("猫 AI芯片", ["猫", "ai", "芯片"]),
        ("किताब", ["किताब"]),
        ("\0 \ud800 … — “”", []),
        ("", []),
    ],
)
def test_terms(text, terms):
    assert lexical_terms(text) == terms


@pytest.mark.parametrize(
    "family",
    [
        "scale scales scaled scaling",
        "company companies",
        "hire hires hired hiring",
        "run running",
        "class classes",
        "focus focused focuses",
        "GPU GPUs gpus",
        "DeepSeek's DeepSeek’s deepseek",
    ],
)
def test_forms_of_a_word_meet(family):
    first, *others = family.split()
    for other in others:
        assert lexical_terms(first)[0] == lexical_terms(other)[0]


@pytest.mark.parametrize(("one", "other"), [("sing", "s"), ("new", "newer"), ("red", "r")])
def test_short_words_keep_their_ending(one, other):
    assert lexical_terms(one) != lexical_terms(other)


@pytest.mark.parametrize("spelling", ["deepseek_v2", "DeepSeekV2", "Deepseek-V2", "deepseekv2"])
def test_a_compound_is_whole_in_every_spelling(spelling):
    assert lexical_terms(spelling)[0] == "deepseekv2"


def test_a_compound_holds_the_words_it_is_made_of():
    assert set(lexical_terms("deepseek v2")) <= set(lexical_terms("DeepSeek-V2"))


def test_a_question_loses_its_function_words_and_repetitions():
    assert content_terms("What is the MMLU score, the MMLU?") == ["mmlu", "scor"]


def test_a_question_of_function_words_keeps_them():
    assert content_terms("To be or not to be?") == ["to", "be", "or", "not"]


@given(st.text())
def test_terms_can_be_stored_between_spaces(text):
    for term in lexical_terms(text):
        assert term
        assert len(term) <= 64
        assert term == term.strip()
        assert not any(c.isspace() or c in "\"'()*:^\0" for c in term)
        # Outside ASCII everything is a letter to the FTS5 tokenizer; inside, only these are.
        assert all(not c.isascii() or c.isalnum() or c in "-.+#" for c in term)


@given(st.text(), st.text())
def test_terms_of_two_lines_are_those_of_each(one, other):
    assert lexical_terms(f"{one}\n{other}") == lexical_terms(one) + lexical_terms(other)


@pytest.mark.parametrize(
    "unit", ["1", "1,", "1.1", "a-", "aB", "A", "'s", "漢", "\u0301\u0323", "A.", "\ufdfa"]
)
def test_long_runs_take_linear_time(unit):
    start = time.process_time()
    lexical_terms(unit * (100_000 // len(unit)))
    assert time.process_time() - start < 10


def test_words_are_told_as_they_are_written() -> None:
    text = "Becoming rich, Ada's 2 DeepSeek-V2 machines halved costs; 人工智能公司 too."
    terms = {"becom", "halv", "deepseekv2", "智能", "ada"}
    assert words_with(text, terms, 9) == [
        "Becoming", "Ada's", "DeepSeek-V2", "halved", "人工智能公司",
    ]  # fmt: skip
    assert words_with(text, terms, 2) == ["Becoming", "Ada's"]
    assert words_with(text, {"rich"}) == ["rich"]
    assert words_with(text, set()) == []


@given(st.one_of(st.text(max_size=80), st.text("aB1-_.,' \u4e00é#+", max_size=80)))
def test_terms_are_stored_as_they_are_asked_for(text: str) -> None:
    assert spaced_terms(text).split(" ") == (lexical_terms(text) or [""])
    assert spaced_terms(text) == " ".join(lexical_terms(text))
    assert distinctive_terms(text) == content_terms(text)
