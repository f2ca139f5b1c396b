"""Coverage-guided fuzzing of what reads foreign text; needs ``pip install atheris``.

    python evals/fuzz.py splitter -max_total_time=600

Targets: ``splitter``, ``legible``, ``citations``, ``questions``, ``readers``, ``reply``,
``tables``. Each asserts what has to hold whatever comes in. The inputs that reached something new
are kept in ``build/fuzz``, where the next run begins with them. A finding is written into the
current folder as ``crash-...``; once it is understood, it becomes a case of the test of what it
broke.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris  # type: ignore[import-not-found, unused-ignore]

with atheris.instrument_imports(include=["citewise"]):
    from fuzz_files import readers, seeds_of_files

    import citewise.readers  # its readers are imported when a file needs them: too late for this
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

    for reader in pkgutil.iter_modules(citewise.readers.__path__):
        importlib.import_module(f"citewise.readers.{reader.name}")

ROOT = Path(__file__).parents[1]
_LONGEST_CLAIM = 400
_MOST_EVIDENCE = 8
_LONGEST_EVIDENCE = 600
"""As long as what the check is given in an answer: the time it takes is that of both together."""


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
    texts = [part[:_LONGEST_EVIDENCE] for part in rest.split("\n\n") if part.strip()]
    evidence = evidence_from_texts(texts[:_MOST_EVIDENCE])
    found = attribute(claim[:_LONGEST_CLAIM], evidence)
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
    target.__name__: target
    for target in (splitter, legible, citations, questions, readers, reply, tables)
}


def seeds(target: str) -> list[bytes]:
    """What a target is begun with: small inputs that reach far."""
    article = next((ROOT / "seeds").glob("*.txt")).read_bytes()
    paragraphs = article.split(b"\n\n")
    if target == "readers":
        return seeds_of_files()
    if target == "questions":
        lines = (ROOT / "evals" / "questions.jsonl").read_bytes().splitlines()
        return [b"j" + line for line in lines[:40] if len(line) < 1000] + [
            b"y- id: a-b\n  question: What?\n  status: not_found\n  kind: unanswerable\n"
        ]
    if target == "citations":
        pairs = zip(paragraphs[1:60:2], paragraphs[2:60:2], strict=False)
        return [one.replace(b"\n", b" ") + b"\n" + other for one, other in pairs]
    return [part for part in paragraphs[:60] if part.strip()]


def _begin_with(target: str) -> str:
    """The folder of a target's inputs; its seeds are put there at first."""
    folder = ROOT / "build" / "fuzz" / target
    if not folder.is_dir():
        folder.mkdir(parents=True)
        for number, seed in enumerate(seeds(target)):
            (folder / f"seed-{number}").write_bytes(seed)
    return str(folder)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"Give one of {', '.join(TARGETS)}, then options of libFuzzer.")
    chosen = sys.argv.pop(1)
    if all(option.startswith("-") for option in sys.argv[1:]):
        sys.argv.append(_begin_with(chosen))
    atheris.Setup(sys.argv, TARGETS[chosen])
    atheris.Fuzz()
