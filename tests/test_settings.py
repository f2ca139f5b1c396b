"""What is set, and what wins: default, file, variable, argument; and what a stranger's file may."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from citewise import Assistant, InputError
from citewise.generator_pool import GeneratorPool
from citewise.generators import make_generator
from citewise.setting import ANYTHING, LOWER
from citewise.settings import ARGUMENT, DEFAULT, current, found, public_environment, using
from citewise.settings_options import add_options, given
from citewise.settings_table import GROUPS, SETTINGS, Settings, settings_of, values_of
from fake_llm import FakeLLM

KEY = "sk-very-secret-0123456789"
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and nothing set."""
    for name in [name for name in os.environ if name.startswith("CITEWISE_")]:
        if name != "CITEWISE_TEST_NETWORK_LOG":
            monkeypatch.delenv(name)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def write(here: Path) -> Write:
    """Writes ``citewise.toml`` into the current folder, or another file."""

    def written(text: str, path: str = "citewise.toml") -> Path:
        (here / path).write_text(text, encoding="utf-8")
        return here / path

    return written


def test_the_defaults_are_those_of_the_dataclasses() -> None:
    assert current() == Settings()
    assert set(found().sources.values()) == {DEFAULT}
    assert settings_of(values_of(Settings())) == Settings()


def test_the_later_of_file_variable_and_argument_wins(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("top_k = 2\nport = 2\nmax_files = 2\n")
    monkeypatch.setenv("CITEWISE_TOP_K", "3")
    monkeypatch.setenv("CITEWISE_PORT", "3")
    in_force = found({"port": 4, "max_files": None})
    chosen = in_force.settings
    assert (chosen.chat.max_files, chosen.top_k, chosen.chat.port) == (2, 3, 4)
    names = ("max_files", "top_k", "port", "idle")
    sources = [str(path), "CITEWISE_TOP_K", ARGUMENT, DEFAULT]
    assert [in_force.sources[name] for name in names] == sources


def test_a_variable_that_is_empty_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in SETTINGS.values():
        monkeypatch.setenv(one.variable, " ")
    assert current() == Settings()


def test_a_file_is_named_by_argument_or_variable_or_is_here(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, other, third = write("top_k = 1"), write("top_k = 2", "b.toml"), write("top_k = 3", "c")
    assert (found().file, found().file_was_named, current().top_k) == (here, False, 1)
    monkeypatch.setenv("CITEWISE_CONFIG", "b.toml")
    assert (found().file, found().file_was_named, current().top_k) == (other, True, 2)
    with using("c"):
        assert (found().file, current().top_k) == (third, 3)
        with using("none"):
            assert (found().file, current().top_k) == (None, 10)
    assert current().top_k == 2


def test_paths_in_a_file_begin_at_its_folder(here: Path, write: Write) -> None:
    (here / "team").mkdir()
    write('corpus = "docs"\ncache = "~/c"\nllm = "m.GGUF"\ndata = "/var/x"', "team/x.toml")
    with using("team/x.toml"):
        chosen = current()
    assert chosen.corpus == here / "team" / "docs"
    assert chosen.cache == Path("~/c").expanduser()
    assert chosen.llm == str(here / "team" / "m.GGUF")
    assert chosen.chat.data == Path("/var/x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_qestion = 5", "'max_qestion' is no setting; the nearest is 'max_question'. Correct"),
        ("[chat]\nport = 5", "'chat' is no setting"),
        ('top_k = "many"', "top_k is 'many'. Set it to a whole number from 1 to 100."),
        ('top_k = "5"', "top_k is '5'. Set it to a whole number from 1 to 100, without quotes."),
        ("top_k = true", "top_k is True. Set it to a whole"),
        ("top_k = 0", "top_k is 0. Set it to a whole number from 1 to 100"),
        ("top_k = 5.0", "top_k is 5.0. Set it to a whole"),
        ("threshold = nan", "threshold is nan. Set it to a number from 0 to 1."),
        ("max_request_bytes = 5", "is 5. Set it to a whole number of at least 1,024."),
        ('mode = "lax"', "mode is 'lax'. Set it to strict or flag."),
        ('offline = "yes"', "offline is 'yes'. Set it to true or false, without quotes."),
        ('corpus = ""', "corpus is ''. Set it to the path of a folder."),
        ("corpus = 5", "corpus is 5. Set it to the path of a folder."),
        ("llm = []", "llm is []. Set it to"),
        (f'api_key = ["{KEY}"]', "api_key is not usable. Set it to text."),
        (f'api_key = "{KEY}', "not valid TOML (at end of document)"),
        ("x = " + "[" * 5000, "not valid TOML (maximum recursion"),
        ("\xff\0", "not valid TOML"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_remedy(write: Write, text: str, said: str) -> None:
    path = write(text, "x.toml")
    with using("x.toml"), pytest.raises(InputError) as caught:
        current()
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CITEWISE_PORT", "70000", "CITEWISE_PORT is '70000'. Set it to a whole number from 0 to"),
        ("CITEWISE_OFFLINE", "perhaps", "CITEWISE_OFFLINE is 'perhaps'. Set it to true or false."),
        ("CITEWISE_IDLE", "inf", "CITEWISE_IDLE is 'inf'. Set it to a number from 0.001"),
        ("CITEWISE_CONFIG", "nowhere.toml", "cannot be read: No such file"),
    ],
)
def test_a_mistake_in_a_variable_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=re.escape(said)):
        current()


def test_what_is_no_plain_file_is_not_opened(here: Path) -> None:
    os.mkfifo(here / "citewise.toml")
    with pytest.raises(InputError, match="is no settings file"):
        current()
    (here / "citewise.toml").unlink()
    (here / "citewise.toml").write_bytes(b"#" * 300_000)
    with pytest.raises(InputError, match="is no settings file"):
        current()


FORBIDDEN = [
    'llm = "https://collect.example/v1#m"',
    'llm = "http://10.0.0.5:8080/v1#m"',
    'llm = "HTTP://127.0.0.1.example/v1"',
    'llm = "http://127.0.0.1:1@collect.example/v1"',
    'llm = "http://127.0.0.1\\\\@collect.example/v1"',
    'llm = "http://localhost.collect.example/v1"',
    'llm = "http://127.0.0.1:1/v1, http://collect.example/v1"',
    'llm = ["http://127.0.0.1:1/v1", "http://collect.example/v1"]',
    'llm = "http://127.0.0.1:1/v1,http://collect.example/v1"',
    'llm = "weights.gguf"',
    'store = "postgresql://collect.example/all"',
    'collections = "board"',
    'collections_header = "X-Groups"',
    'runner = "ray://collect.example:10001"',
    'api_key = "mine"',
    'owner_password = "mine"',
    "owner = true",
    'corpus = ".."',
    'corpus = "/etc"',
    'corpus = "~"',
    'corpus = "link"',
    'corpus = "s3://bucket/docs"',
    'index = "index"',
    'cache = "cache"',
    'models = "models"',
    'data = "data"',
    'save_questions = "questions.jsonl"',
    "offline = false",
    'mode = "flag"',
    "threshold = 0.4",
    "max_question = 2001",
    "asks_a_minute = 0",
    "read_memory_bytes = 99999999999",
    "index_memory_mb = 1025",
    "keep_days = 0.01",
    "idle = 0.01",
    "shared_uploads = true",
    "uploads = true",
    "max_file = 33",
    'host = "0.0.0.0"',
    'host = "::"',
    'metrics = "local"',
    'traces = "http://collect.example:4318"',
    "trace_text = true",
    'judge = "fast"',
    "shutdown_seconds = 31",
    'trusted_proxies = "10.0.0.1"',
]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_a_found_file_can_neither_send_elsewhere_nor_loosen(
    here: Path, write: Write, text: str
) -> None:
    (here / "link").symlink_to("/etc")
    path = write(text)
    with pytest.raises(InputError, match="found in the current folder, not named") as caught:
        Assistant()
    assert str(path) in str(caught.value)
    assert "may not set " + text.partition(" ")[0] in str(caught.value)
    assert "CITEWISE_CONFIG=citewise.toml" in caught.value.remedy
    with using("citewise.toml"):
        assert found().sources[text.partition(" ")[0]] == str(path)


def test_every_setting_is_either_harmless_in_a_found_file_or_tried_above() -> None:
    tried = {text.partition(" ")[0] for text in FORBIDDEN}
    of_a_kind = {one.name for one in SETTINGS.values() if one.found is LOWER}
    free = {one.name for one in SETTINGS.values() if one.found is ANYTHING}
    assert free == {"top_k", "port", "browser"}
    assert set(SETTINGS) - tried - of_a_kind - free == set()


@pytest.mark.parametrize(
    "text",
    [
        'llm = "none"',
        'llm = "qwen2.5-coder-0.5b-instruct"',
        'llm = "http://127.0.0.1:11434/v1#qwen3:8b"',
        'llm = ["http://localhost:1/v1", "http://[::1]:2/v1"]',
        'corpus = "docs/contracts"',
        "offline = true",
        'mode = "strict"',
        "threshold = 0.6",
        "max_question = 12",
        "uploads = false",
        'host = "::1"',
    ],
)
def test_a_found_file_may_do_what_is_safe(write: Write, text: str) -> None:
    path = write(text)
    assert found().sources[text.partition(" ")[0]] == str(path)


def test_a_key_does_not_go_where_a_found_file_says(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITEWISE_API_KEY", KEY)
    with FakeLLM() as llm:
        write(f'llm = "{llm.url}#fake"')
        with pytest.raises(InputError, match="may not set llm to this") as caught:
            make_generator(current().llm)
        assert KEY not in str(caught.value)
        assert llm.requests == []
        with using("citewise.toml"):
            generator = make_generator(current().llm)
        assert isinstance(generator, GeneratorPool)
        generator.close()


def test_an_assistants_arguments_win_over_all(
    here: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('corpus = "docs"\nthreshold = 0.7\nmax_history = 3\nllm = "none"')
    monkeypatch.setenv("CITEWISE_THRESHOLD", "0.8")
    monkeypatch.setenv("CITEWISE_INDEX", "/of/docs")
    as_set = Assistant(quiet=True)
    assert (as_set.corpus, as_set.threshold) == (here / "docs", 0.8)
    assert (as_set.index_folder, as_set.bounds.max_history) == (Path("/of/docs"), 3)
    told = Assistant("other", mode="flag", threshold=0.9, quiet=True)
    assert (told.corpus, told.threshold, told.mode) == (Path("other"), 0.9, "flag")
    assert told.index_folder != Path("/of/docs"), "it is the index of another corpus"
    assert Assistant("other", "mine", quiet=True).index_folder == Path("mine")


def test_an_assistant_says_once_which_file_it_uses(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("top_k = 5")
    Assistant()
    Assistant()
    assert capsys.readouterr().err == f"Settings: {path} (found in the current folder).\n"


def test_secrets_are_neither_shown_nor_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_API_KEY", KEY)
    monkeypatch.setenv("CITEWISE_OWNER_PASSWORD", KEY)
    monkeypatch.setenv("CITEWISE_TOP_K", "5")
    assert current().api_key == current().chat.owner_password == KEY
    assert KEY not in repr(found())
    assert KEY not in public_environment().values()
    assert public_environment()["CITEWISE_TOP_K"] == "5"


def test_every_setting_has_help_and_what_has_an_option_can_be_given() -> None:
    parser = argparse.ArgumentParser()
    names = [one.name for one in SETTINGS.values() if one.option]
    add_options(parser, *names)
    assert given(parser.parse_args([]), names) == {}
    for one in SETTINGS.values():
        assert one.help and "\n" not in one.help and not one.help.endswith(".")
        assert one.option in ("", f"--{one.name}", f"--no-{one.name}") or "_" in one.name
    args = parser.parse_args(["--no-uploads", "--max-file", "7", "--idle", "1.5", "--mode", "flag"])
    told = {"uploads": False, "max_file": 7, "idle": 1.5, "mode": "flag"}
    assert given(args, names) == told
    assert sum(len(group) for group in GROUPS.values()) == len(SETTINGS)
    for wrong in ("0", "x", "1.5"):
        with pytest.raises(SystemExit):
            parser.parse_args(["--max-file", wrong])
