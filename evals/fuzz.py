"""Coverage-guided fuzzing of what reads foreign text; needs ``pip install atheris``.

    python evals/fuzz.py splitter -max_total_time=600

Targets: ``splitter``, ``legible``, ``citations``, ``questions``, ``reply``, ``tables``. Each
asserts what has to hold whatever comes in. A finding is written into the current folder as
``crash-...``; once it is understood, it becomes a case of the test of what it broke.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris  # type: ignore[import-not-found, unused-ignore]

with atheris.instrument_imports(include=["citewise"]):
    from citewise.errors import CitewiseError
    from citewise.legible import seen
    from citewise.openai_api import neutralise
    from citewise.openai_replies import json_object, piece_of, read_events, yes_log_odds_of
    from citewise.questions import load_questions
    from citewise.rendering import visible
    from citewise.sentences import sentence_offsets
    from citewise.splitting import split
    from citewise.support import attribute, evidence_from_texts
    from citewise.tables import parse_table
    from citewise.types import Document


def splitter(data: bytes) -> None:
    """Spans are slices, cover all that is not white space once, and lie in their passage."""
    text = data.decode("utf-8", "replace").replace("\x00", " ")
    covered = bytearray(len(text))
    for passage in split(Document("a.md", text, "")):
        assert text[passage.start : passage.end] == passage.text
        for span in passage.spans:
            assert passage.start <= span.start < span.end <= passage.end
            assert not any(covered[span.start : span.end])
            covered[span.start : span.end] = b"\x01" * (span.end - span.start)
    assert all(done or character.isspace() for done, character in zip(covered, text, strict=True))
    last = 0
    for start, end in sentence_offsets(text):
        assert last <= start < end <= len(text)
        last = end


def legible(data: bytes) -> None:
    """Twice is once; nothing is added; control tokens are gone."""
    text = atheris.FuzzedDataProvider(data).ConsumeUnicode(len(data))
    once = seen(text)
    assert seen(once) == once
    assert len(once) <= len(text)
    safe = neutralise(text)
    assert neutralise(safe) == safe
    assert "<|" not in safe
    visible(text)


def citations(data: bytes) -> None:
    """The check of any sentence ends with a verdict, and cites only what it was given."""
    claim, _, rest = data.decode("utf-8", "replace").partition("\n")
    evidence = evidence_from_texts([part for part in rest.split("\n\n") if part.strip()])
    found = attribute(claim, evidence)
    assert 0.0 <= found.verdict.score <= 1.0
    assert set(found.evidence) <= set(evidence)
    assert not found.verdict.supported or found.evidence


def questions(data: bytes) -> None:
    """A question set is read or refused in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("set.yaml" if data[:1] == b"y" else "set.jsonl")
        path.write_bytes(data[1:])
        try:
            load_questions(path)
        except CitewiseError as error:
            assert str(error)


def reply(data: bytes) -> None:
    """What an endpoint sends is read or refused in words."""
    try:
        for event in read_events([data[i : i + 7] for i in range(0, len(data), 7)]):
            found = json_object(event)
            piece_of(found)
            yes_log_odds_of(found)
    except CitewiseError as error:
        assert str(error)


def tables(data: bytes) -> None:
    """Rows of any table are slices."""
    text = data.decode("utf-8", "replace")
    lines, start = [], 0
    for line in text.split("\n"):
        if line.strip():  # a blank line ends a table
            lines.append((start, start + len(line)))
        start += len(line) + 1
    if len(lines) >= 2:
        table = parse_table(text, lines)
        for row in table.rows:
            assert 0 <= row.start <= row.end <= len(text)
            table.render(row)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (splitter, legible, citations, questions, reply, tables)
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"Give one of {', '.join(TARGETS)}, then options of libFuzzer.")
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
