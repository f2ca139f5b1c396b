"""No password is told, however an address was mistyped."""

from __future__ import annotations

from pathlib import Path

import pytest

from citewise.cli import main
from citewise.errors import InputError
from citewise.masking import masked
from citewise.stores.place import StorePlace

SECRET = "open-sesame"
MALFORMED = [
    f"postgresql:/joe:{SECRET}@h/docs",
    f"postgresql:joe:{SECRET}@h/docs",
    f"postgresql//joe:{SECRET}@h/docs",
    f"postgress:joe:{SECRET}@h/docs",
    f"postgresql;//joe:{SECRET}@h/docs",
    f"postgresql@joe:{SECRET}@h/docs",
    f"milvus:root:{SECRET}@h",
    f"milvus:root:{SECRET}@h/x.milvus.db",
    f"milvus+https:/{SECRET}@h",
    f"host=127.0.0.1 password={SECRET} dbname=x",
    f"host=127.0.0.1 password = 'a, {SECRET}' dbname=x",
]


@pytest.mark.parametrize(
    "address",
    [
        *MALFORMED,
        f"postgresql://joe:a/b{SECRET}@h:1/docs",
        f"postgresql://joe:a@{SECRET}@h/docs",
        f"postgresql://joe:a,{SECRET}@h/docs",
        f"postgresql://joe:a {SECRET}@h/docs",
        f"postgresql://joe:{SECRET}://a@h/docs",
        f"postgresql:///docs?password=a,{SECRET}",
        f"postgresql:///docs?password=a#{SECRET}",
        f"postgresql:///docs?x={SECRET}&password=a",
        f"http://a/v1?key=a,{SECRET}, http://b/v1",
        f"postgresql:///docs?host=/run&password={SECRET}",
        f"http://a/v1, http://{SECRET}@b/v1",
    ],
)
def test_an_address_is_told_without_its_secret(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert SECRET not in masked(address)
    monkeypatch.setenv("CITEWISE_STORE", address)
    main(["config", "store"])
    assert SECRET not in "".join(capsys.readouterr())


def test_what_is_no_secret_stays() -> None:
    assert masked("http://127.0.0.1:11434/v1#qwen3:8b") == "http://127.0.0.1:11434/v1#qwen3:8b"
    assert masked("postgresql://joe:pw@h/docs") == "postgresql://***@h/docs"
    assert masked("http://k@a/v1?k=1#m, http://b/v1") == "http://***@a/v1?***#m, http://b/v1"
    assert masked("path/to/postgres/index") == "path/to/postgres/index"


@pytest.mark.parametrize("address", MALFORMED)
def test_what_is_no_address_is_refused_unquoted(address: str) -> None:
    with pytest.raises(InputError) as caught:
        StorePlace.of(address, Path("index"))
    assert SECRET not in str(caught.value)


def test_folders_and_files_may_be_called_like_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("postgres/index").mkdir(parents=True)
    for path in ("postgres/index", "postgres-index", "milvus/x.milvus.db"):
        assert StorePlace.of(path, Path("index")).shown == path
    with pytest.raises(InputError):
        StorePlace.of("postgresql/h/docs", Path("index"))


def test_an_option_that_a_command_lacks_is_told_without_its_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["check", "a", "b", f"--store=postgresql://joe:{SECRET}@h/docs"])
    shown = capsys.readouterr().err
    assert "unrecognized arguments: --store=postgresql://***@h/docs" in shown


@pytest.mark.parametrize("command", [["ask", "Who?"], ["chat"], ["eval", "questions.jsonl"]])
def test_each_command_that_reads_takes_a_store(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--store", f"postgresql:joe:{SECRET}@h/docs"]) == 2
    assert "The address of the store is none" in capsys.readouterr().err


def test_the_chat_takes_the_store_of_its_option_for_one_that_is_shared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CITEWISE_STORE", raising=False)
    monkeypatch.delenv("CITEWISE_OWNER_PASSWORD", raising=False)
    monkeypatch.setattr("citewise.ui.server.serve", lambda *_, **__: None)
    assert main(["chat", "--owner", "--store", f"postgresql://joe:{SECRET}@h/docs"]) == 2
    shown = capsys.readouterr().err
    assert "Set CITEWISE_OWNER_PASSWORD" in shown
    assert SECRET not in shown
