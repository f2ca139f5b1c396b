"""Keys and questions stay where they belong, and nothing is told to anybody."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import no_network
from citewise import Assistant, Status
from citewise.generators import make_generator
from doubles import HashEmbedder
from fake_llm import FakeLLM, Reply, Request

KEY = "sk-test-7f3a9c5e1d2b4a68"
KELP = "The Tidewater plant processes 48,000 tonnes of kelp a year."
QUESTION = "How much kelp does the Tidewater plant process a year?"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "report.txt").write_text(f"{KELP}\n", encoding="utf-8")
    return folder


def telling(request: Request) -> Reply:
    """An endpoint that repeats the key it was given, as some do in their errors."""
    given = request.headers.get("authorization", "")
    return Reply(status=500, body=json.dumps({"error": f"cannot serve {given}"}).encode())


@pytest.mark.parametrize("standing", [telling, Reply(status=401), Reply(KELP)])
def test_a_key_is_sent_to_its_endpoint_and_stands_nowhere_else(
    standing: object,
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("CITEWISE_API_KEY", KEY)
    with FakeLLM(standing) as llm:  # type: ignore[arg-type]
        generator = make_generator(f"{llm.url}#fake")
        index = corpus.parent / "index"
        with Assistant(corpus, index, llm=generator, embedder=HashEmbedder()) as assistant:
            answer = assistant.ask(QUESTION)
            told = [answer.to_json(), answer.to_markdown(), repr(answer), repr(generator)]
            told += [repr(assistant), str(assistant.stats()), getattr(generator, "identity", "")]
        assert {r.headers["authorization"] for r in llm.requests} == {f"Bearer {KEY}"}
    shown = capsys.readouterr()
    told += [shown.out, shown.err, caplog.text]
    told += [p.read_bytes().decode("latin-1") for p in corpus.parent.rglob("*") if p.is_file()]
    assert all(KEY not in text for text in told)


def test_a_question_is_not_logged(corpus: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Assistant(
        corpus, corpus.parent / "index", llm="none", embedder=HashEmbedder(), quiet=True
    ) as assistant:
        assert assistant.ask(QUESTION).status is Status.QUOTED
    assert "Tidewater" not in caplog.text


def guarded(arguments: list[str], folder: Path, **environment: str) -> tuple[str, str]:
    """Run Python where nothing beyond this machine can be reached; its output and its attempts."""
    log = folder / "attempts.txt"
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, no_network.LOG: str(log), **environment},
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr, log.read_text("utf-8") if log.exists() else ""


@pytest.mark.model
def test_every_command_keeps_to_this_machine_and_keeps_the_key(
    corpus: Path, tmp_path: Path
) -> None:
    case = {
        "id": "kelp",
        "kind": "prose",
        "question": QUESTION,
        "status": "answered",
        "facts": [["48,000"]],
        "evidence": [[KELP]],
    }
    (tmp_path / "set.jsonl").write_text(json.dumps(case) + "\n", encoding="utf-8")
    common = ["--corpus", str(corpus), "--index", str(tmp_path / "index")]
    reports = ["--html", "r.html", "--markdown", "r.md", "--junit", "r.xml", "--json", "r.json"]
    with FakeLLM(Reply(KELP, logprobs={"Yes": -0.01, "No": -5.0})) as llm:
        environment = {"CITEWISE_API_KEY": KEY, "CITEWISE_LLM": f"{llm.url}#fake"}
        for arguments in (
            ["index", str(corpus), "--index", str(tmp_path / "index")],
            ["ask", *common, "--json", "--explain", "--timings", QUESTION],
            ["check", KELP, str(corpus / "report.txt")],
            ["eval", "set.jsonl", *common, "--no-cache", *reports],
            ["models", "list"],
        ):
            output, tried = guarded(["-m", "citewise.cli", *arguments], tmp_path, **environment)
            assert tried == "", arguments
            assert KEY not in output
        assert len(llm.requests) > 4
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"r.html", "r.md", "r.xml"} <= {path.name for path in files}
    assert all(KEY.encode() not in path.read_bytes() for path in files)
