"""``citewise models``: what it prints, where, and how it exits."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from citewise.errors import InputError, ModelError
from citewise.models_command import add_parser
from citewise.registry import DEFAULT_MODELS, MODELS, get


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CITEWISE_CACHE", str(tmp_path))
    monkeypatch.setenv("CITEWISE_OFFLINE", "1")
    monkeypatch.delenv("CITEWISE_MODELS", raising=False)
    return tmp_path / "models"


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="citewise")
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["models", *arguments])
    return int(args.run(args))


def test_list_shows_every_model(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    assert run("list") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["NAME", "ROLE", "LICENCE", "SIZE", "STATE", "DEFAULT", "PATH"]
    assert lines[1].split()[:7] == [
        "qwen2.5-coder-1.5b-instruct", "llm", "Apache-2.0", "1.12", "GB", "missing", "yes",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[1:]] == list(MODELS)
    assert lines[4].split()[-2:] == ["yes", str(cache / "all-mpnet-base-v2")]
    assert err == ""


def test_list_as_json(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    assert run("list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows if row["default"]] == list(DEFAULT_MODELS)
    assert {row["state"] for row in rows} == {"missing"}
    assert rows[2]["size"] == get("all-minilm-l6-v2").size
    assert rows[0]["path"].endswith("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")


def test_list_tells_damage_without_reading(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    spec = get("qwen2.5-coder-0.5b-instruct")
    (cache / spec.name).mkdir(parents=True)
    (cache / spec.name / spec.entry).write_bytes(b"GGUF")
    run("list", "--json")
    row = json.loads(capsys.readouterr().out)[1]
    assert (row["state"], "has 4 bytes" in row["problem"]) == ("damaged", True)


def test_verify_tells_what_is_missing_and_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "all-minilm-l6-v2") == 3
    out, err = capsys.readouterr()
    assert "missing" in out
    assert "lacks" in err
    assert "Run `citewise models fetch all-minilm-l6-v2`." in err


def test_path_and_fetch_of_what_is_not_there_say_what_to_do() -> None:
    for action in ("path", "fetch"):
        with pytest.raises(ModelError, match="citewise models fetch all-mpnet-base-v2") as caught:
            run(action, "all-mpnet-base-v2")
        assert caught.value.exit_code == 3


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"Known models: qwen2\.5-coder"):
        run("fetch", "nonsense")


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--help")
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "citewise models fetch all-mpnet-base-v2" in out
    assert "CITEWISE_OFFLINE" in out


@pytest.mark.model
def test_a_fetched_model_is_found_and_verified(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CITEWISE_CACHE")
    monkeypatch.delenv("CITEWISE_OFFLINE")
    assert run("fetch", "all-minilm-l6-v2", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["state"], row["problem"]) == ("verified", "")
    monkeypatch.setenv("CITEWISE_OFFLINE", "1")
    assert run("path", "all-minilm-l6-v2") == 0
    assert capsys.readouterr().out == row["path"] + "\n"
    assert run("verify", "all-minilm-l6-v2") == 0
