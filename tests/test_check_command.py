"""``citewise check``: one claim, a batch, and what is wrong with either."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from citewise.cli import main

NOTES = "Ada Lovelace wrote the first program in 1843. It was printed in London."


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text(NOTES, encoding="utf-8")
    return path


def test_one_claim(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "Ada Lovelace wrote the first program in 1843.", str(notes)]) == 0
    assert capsys.readouterr().out.startswith("supported (")
    assert main(["check", "It was printed in London. That was in 1844.", str(notes)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("unsupported (")
    assert [line.split()[0] for line in out[1:]] == ["supported", "unsupported"]


def test_a_batch_gives_a_verdict_a_line_and_keeps_other_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"id": 7, "claim": "Ada Lovelace wrote the first program in 1843.", "evidence": [NOTES]},
        {"id": 8, "claim": "Ada Lovelace wrote the first program in 1999.", "evidence": [NOTES]},
    ]
    path = tmp_path / "claims.jsonl"
    path.write_text("\n\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(["check", "--batch", str(path)]) == 1
    shown = capsys.readouterr()
    found = [json.loads(line) for line in shown.out.splitlines()]
    assert [(row["id"], row["label"]) for row in found] == [(7, "supported"), (8, "contradicted")]
    assert found[1]["reason"] == "the source says 1843, not 1999"
    assert found[0]["claim"] == rows[0]["claim"]
    assert "evidence" not in found[0]
    assert shown.err.startswith("2 claims, 1 supported, ")


def test_a_batch_from_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.dumps({"claim": "It was printed in London.", "evidence": [NOTES]})
    monkeypatch.setattr("sys.stdin", io.StringIO(line))
    assert main(["check", "--batch", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "supported"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1 is not valid JSON"),
        ("[]", "line 1 is no object"),
        ('{"claim": "x"}', "line 1: There is no list of evidence"),
        ('{"claim": "", "evidence": ["x"]}', "line 1: The claim is ''"),
        ('{"claim": "x", "evidence": [1]}', "line 1: The evidence is not a list of strings"),
        ("", "holds no claim"),
    ],
)
def test_a_broken_batch_names_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path = tmp_path / "claims.jsonl"
    path.write_text(text, encoding="utf-8")
    assert main(["check", "--batch", str(path)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["A claim."], [], ["--batch", "x.jsonl", "A claim.", "notes.txt"]]
)
def test_arguments_that_do_not_go_together(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    assert capsys.readouterr().err
