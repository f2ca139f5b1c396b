"""The command line as a user meets it: right, and wrong on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from citewise.cli import main


def test_check_prints_the_verdict_and_exits_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("The engine weighs 15 tons.", encoding="utf-8")
    assert main(["check", "The engine weighs 15 tons.", str(notes)]) == 0
    assert capsys.readouterr().out.startswith("supported (")
    assert main(["check", "--json", "The engine weighs 16 tons.", str(notes)]) == 1
    assert json.loads(capsys.readouterr().out)["label"] == "contradicted"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["check", "It rains.", "nowhere.txt"], 2, "'nowhere.txt' cannot be read"),
        (["ask", "--corpus", "nowhere", "--llm", "none", "Why?"], 3, "'nowhere' does not exist"),
        (["ask", "--llm", "none", ""], 2, "The question is empty"),
        (["ask", "--llm", "none", "x" * 5000], 2, "5,000 characters"),
        (["ask", "--llm", "none", "--top-k", "0", "Why?"], 2, "top_k is 0"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["aks"])
    assert stopped.value.code == 2


def test_help_and_import_load_no_heavy_library() -> None:
    heavy = ["torch", "faiss", "gradio", "llama_index", "sentence_transformers", "xllamacpp"]
    code = (
        "import sys, citewise, citewise.cli\n"
        "try: citewise.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "exit codes" in done.stdout
