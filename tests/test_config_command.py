"""``citewise config``, the file on the command line, and the page that lists all settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from citewise.cli import main
from citewise.config_command import settings_table
from citewise.settings_table import SETTINGS
from test_settings import KEY, Write, here, write

__all__ = ["here", "write"]

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def test_the_page_lists_what_there_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert settings_table() in page, "run `citewise config --markdown` and put it into the page"
    assert all(f"| `{name}` |" in page for name in SETTINGS)


def test_it_prints_values_with_their_sources(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("top_k = 5\nmax_files = 3")
    monkeypatch.setenv("CITEWISE_API_KEY", KEY)
    monkeypatch.setenv("CITEWISE_MAX_FILES", "4")
    assert main(["config"]) == 0
    shown = capsys.readouterr()
    lines = {line.split()[0]: line.split()[1:] for line in shown.out.splitlines() if line.strip()}
    assert lines["top_k"] == ["5", str(path)]
    assert lines["max_files"] == ["4", "CITEWISE_MAX_FILES"]
    assert lines["api_key"] == ["***", "CITEWISE_API_KEY"]
    assert lines["owner_password"] == ["-", "default"]
    assert f"\n3 of {len(SETTINGS)} are not the default." in shown.out
    assert KEY not in shown.out + shown.err
    assert f"Settings file: {path} (found in the current folder)" in shown.out


def test_json_holds_the_same(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(f'corpus = "docs"\napi_key = "{KEY}"', "x.toml")
    assert main(["--config", "x.toml", "config", "--json"]) == 0
    out = capsys.readouterr().out
    told = json.loads(out)
    assert told["file"] == str(path)
    assert list(told["settings"]) == list(SETTINGS)
    corpus = {"value": str(path.parent / "docs"), "source": str(path)}
    assert told["settings"]["corpus"] == {**corpus, "variable": "CITEWISE_CORPUS"}
    assert told["settings"]["api_key"]["value"] == "***"
    assert KEY not in out


def test_folders_that_nobody_set_are_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CITEWISE_CACHE", str(here / "cache"))
    monkeypatch.setenv("CITEWISE_CORPUS", "docs")
    assert main(["config", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["settings"]
    assert told["index"]["source"] == "default"
    assert told["index"]["value"].startswith(str(here / "cache" / "indexes" / "docs-"))
    assert "/chats/docs-" in told["data"]["value"]
    assert told["models"]["value"] is None


@pytest.mark.parametrize(
    "address",
    [
        f"http://me:{KEY}@host/v1",
        f"http://{KEY}@a/v1, http://b/v1",
        f"http://a/v1?key={KEY}#m",
        f"http://a/v1?model=m&key={KEY}, http://b/v1",
    ],
)
def test_a_key_in_an_address_is_masked(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CITEWISE_LLM", address)
    for command in (["config"], ["config", "llm"], ["config", "--json"]):
        assert main(command) == 0
        out = capsys.readouterr().out
        assert "***" in out
        assert KEY not in out


def test_one_setting_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "top_k"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("top_k = 10    (default)\n")
    for part in ("whole number from 1 to 100", "CITEWISE_TOP_K", "--top-k", "named: anything"):
        assert part in out
    assert main(["config", "topk"]) == 2
    assert "no setting 'topk'; the nearest is 'top_k'" in capsys.readouterr().err


def test_a_mistyped_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CITEWISE_MAX_QESTION", "5")
    assert main(["config"]) == 0
    said = "CITEWISE_MAX_QESTION is no setting; the nearest is CITEWISE_MAX_QUESTION."
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("behind", [False, True])
def test_a_file_on_the_command_line_is_used_and_told_on_stderr(
    behind: bool, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write('corpus = "nowhere"\nllm = "none"', f"{behind}.toml")
    option = ["--config", path.name]
    assert main(["ask", *option, "Why?"] if behind else [*option, "ask", "Why?"]) == 3
    shown = capsys.readouterr()
    assert shown.err.startswith(f"Settings: {path} (as named).\n")
    assert f"{str(path.parent / 'nowhere')!r} does not exist" in shown.err
    assert shown.out == ""


def test_a_strangers_file_stops_a_command_and_can_be_ignored(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write('llm = "https://collect.example/v1"')
    ask = ["ask", "--corpus", "nowhere", "--llm", "none", "Why?"]
    assert main(ask) == 2
    assert "may not set llm to this" in capsys.readouterr().err
    assert main(["--config", "none", *ask]) == 3
    assert "'nowhere' does not exist" in capsys.readouterr().err


def test_help_teaches_and_is_cheap() -> None:
    code = (
        "import sys, time, citewise.cli\n"
        "try: citewise.cli.main(['config', '--help'])\n"
        "except SystemExit: pass\n"
        "print('numpy' in sys.modules, 'httpx' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "False False\n"
    for part in ("CITEWISE_CONFIG", "citewise.toml", "found, not named", "examples"):
        assert part in done.stdout
