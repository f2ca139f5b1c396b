"""What parses foreign text gives a value or a refusal in words, whatever comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citewise import CitewiseError, check
from citewise.limits import ReadLimits, UnusableFileError
from citewise.openai_replies import json_object, piece_of, read_events, yes_log_odds_of
from citewise.quantities import quantities
from citewise.questions import load_questions
from citewise.readers.formats import extract
from citewise.readers.kinds import format_of

MARKUP = st.text(
    st.sampled_from("<>/=\"&;#-!? \n\tab1h2tdrliop{}[]:,|\\'é你\u202e\x00"), max_size=200
)
WORDS = st.lists(st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True), min_size=1, max_size=5)
LOOSE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def refused(parse: Callable[[], object], error: type[Exception]) -> bool:
    try:
        parse()
    except error as reason:
        assert str(reason).strip()
        return True
    return False


@LOOSE
@given(st.sampled_from(["html", "csv", "json", "email", "text"]), MARKUP.map(str.encode))
def test_any_text_is_read_as_any_format_or_refused(kind: str, data: bytes) -> None:
    def parse() -> None:
        found = extract(data, "a.jsonl" if b"{" in data else "a", kind, ReadLimits(), lambda: None)
        found.text.encode("utf-8")
        assert all(0 <= start <= len(found.text) for start in found.pages)

    refused(parse, UnusableFileError)


@LOOSE
@given(st.lists(WORDS, min_size=2, max_size=6).filter(lambda rows: len(set(map(len, rows))) == 1))
def test_every_cell_of_a_table_is_in_its_text(rows: list[list[str]]) -> None:
    data = "\r\n".join(";".join(row) for row in rows).encode()
    cells = "".join(f"<tr>{''.join(f'<td>{cell}' for cell in row)}" for row in rows)
    for kind, written in (("csv", data), ("html", f"<table>{cells}</table>".encode())):
        text = extract(written, "a", kind, ReadLimits(), lambda: None).text
        assert all(cell in text for row in rows for cell in row), kind


@LOOSE
@given(st.text(max_size=60), st.binary(max_size=60))
def test_any_name_and_head_have_a_format_or_a_reason(name: str, head: bytes) -> None:
    assert refused(lambda: format_of(name, head), UnusableFileError) or format_of(name, head)


@LOOSE
@given(
    st.sampled_from(["jsonl", "yaml"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "question", "status", "facts", "evidence", "history", "x"]),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    ),
)
def test_a_question_set_is_read_or_refused_in_words(tmp_path: Path, kind: str, set_: Any) -> None:
    path = tmp_path / f"set.{kind}"
    path.write_text(json.dumps(set_), encoding="utf-8")
    if not refused(lambda: load_questions(path), CitewiseError):
        assert all(question.id and question.question for question in load_questions(path))


@LOOSE
@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
def test_what_an_endpoint_sends_is_read_or_refused(pieces: list[bytes], framed: bool) -> None:
    sent = [b"data: " + piece + b"\n\n" for piece in pieces] if framed else pieces

    def parse() -> None:
        for event in read_events(sent):
            found = json_object(event)
            assert isinstance(piece_of(found), str | None)
            yes_log_odds_of(found)

    refused(parse, CitewiseError)


@LOOSE
@given(st.integers(0, 10**12), st.sampled_from(["{}", "{:,}", "${:,}", "{:,} %", "{} people"]))
def test_a_number_is_found_however_it_is_written(number: int, way: str) -> None:
    (found,) = quantities(f"It was {way.format(number)}.")
    assert found.value == number


@LOOSE
@given(st.text(max_size=120), st.lists(st.text(max_size=120), max_size=3))
def test_any_claim_against_any_evidence_has_a_verdict(claim: str, evidence: list[str]) -> None:
    def parse() -> None:
        verdict = check(claim, evidence)
        assert 0.0 <= verdict.score <= 1.0
        assert verdict.reason
        assert evidence or not verdict.supported

    refused(parse, CitewiseError)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"<", b"[" * 5000])
@pytest.mark.parametrize("kind", ["html", "csv", "json", "email", "pdf", "docx", "xlsx", "pptx"])
def test_the_least_and_the_deepest_are_read_or_refused(kind: str, data: bytes) -> None:
    refused(lambda: extract(data, "a", kind, ReadLimits(), lambda: None), UnusableFileError)
