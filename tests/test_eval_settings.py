"""``citewise eval --compare``: each file's settings hold for its own run, and outrank options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from citewise import Assistant
from citewise.cli import main
from citewise.settings import current
from doubles import HashEmbedder
from test_settings import Write, here, write

__all__ = ["here", "write"]


@pytest.fixture
def eval_command(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A question set and its corpus, as a command line; hashes take the embedder's place."""
    monkeypatch.setattr(Assistant, "_made_embedder", lambda _: HashEmbedder())
    (here / "docs").mkdir()
    (here / "docs" / "a.txt").write_text("The engine weighs 15 tons.\n")
    question = {"id": "a", "question": "What colour is kelp?", "kind": "unanswerable"}
    (here / "q.jsonl").write_text(json.dumps({**question, "status": "not_found"}) + "\n")
    return ["eval", "q.jsonl", "--corpus", "docs", "--index", "i", "--threshold", "0.2"]


def test_each_run_has_the_settings_of_its_file(
    eval_command: list[str],
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = []
    ask = Assistant.ask

    def watched(self: Assistant, *args: object, **more: object) -> object:
        settings = current()
        seen.append((self.threshold, self.bounds.max_history, settings.index_memory_mb, more))
        return ask(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Assistant, "ask", watched)
    write('llm = "none"\nthreshold = 0.9\nmax_history = 7', "a.toml")
    write('llm = "none"\ntop_k = 3\nindex_memory_mb = 64', "b.toml")
    assert main([*eval_command, "--compare", "a.toml", "b.toml"]) == 0
    assert [(row[0], row[1], row[2], row[3]["top_k"]) for row in seen] == [
        (0.9, 7, 1024, 10),
        (0.2, 50, 64, 3),
    ]
    assert current().bounds.max_history == 50
    assert "Every question came out the same." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thresold = 0.9", "'thresold' is no setting; the nearest is 'threshold'"),
        ("threshold = 9", "threshold is 9. Set it to a number from 0 to 1."),
        ("port = 9", "sets 'port', which changes nothing in an eval"),
        ("threshold", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_anything_is_asked(
    eval_command: list[str],
    write: Write,
    capsys: pytest.CaptureFixture[str],
    text: str,
    said: str,
) -> None:
    write(text, "a.toml")
    assert main([*eval_command, "--compare", "a.toml", "a.toml"]) == 2
    assert "a.toml" in (err := capsys.readouterr().err)
    assert said in err
