"""Documents behind fsspec addresses: memory, and S3 as a real local server speaks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from citewise import Assistant, CorpusError, InputError
from citewise.cli import main
from citewise.documents import ReadLimits
from citewise.places import default_index
from citewise.remote_address import RemoteAddress, corpus_of
from citewise.remote_source import RemoteSource
from citewise.settings import current, using
from doubles import HashEmbedder
from s3_double import s3_server

Put = Callable[..., None]
FILES = {
    "bread.txt": "Bread needs yeast.\n\nSalt comes last.",
    "sub/ships.md": "# Ships\n\nShips carry bread over the sea.",
    "sub/table.csv": "port,depth\nGhent,12 m\nBruges,9 m\n",
    "image.png": "no image",
    ".hidden/secret.txt": "nobody reads this",
}


@pytest.fixture
def memory() -> Iterator[Any]:
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


@pytest.fixture
def corpus(memory: Any) -> RemoteAddress:
    for name, text in FILES.items():
        memory.pipe(f"/docs/{name}", text.encode())
    address = corpus_of("memory://docs")
    assert isinstance(address, RemoteAddress)
    return address


def contents(index: Path) -> dict[str, Any]:
    """Every document with its passages, terms and vectors, as stored, but for ids and times."""
    import sqlite3

    with sqlite3.connect(index / "citewise.sqlite3") as connection:
        documents = connection.execute(
            "SELECT name, sha256, text, format, source FROM documents ORDER BY name"
        ).fetchall()
        passages = connection.execute(
            'SELECT d.name, p.start, p."end", p.kind, p.heading, p.text, p.terms, v.vector'
            " FROM passages p JOIN documents d ON d.id = p.document"
            " JOIN vectors v ON v.id = p.vector ORDER BY d.name, p.start"
        ).fetchall()
    connection.close()
    return {"documents": documents, "passages": passages}


def assistant(corpus: Any, index: Path, embedder: HashEmbedder | None = None) -> Assistant:
    return Assistant(corpus, index, llm="none", embedder=embedder or HashEmbedder(), quiet=True)


def test_what_names_a_place_elsewhere_and_what_a_folder() -> None:
    remote = corpus_of("s3://bucket/a//b/")
    assert (remote, type(remote)) == ("s3://bucket/a//b", RemoteAddress)
    assert (remote.protocol, remote.name) == ("s3", "b")  # type: ignore[union-attr]
    assert corpus_of("file:///srv/docs") == Path("/srv/docs")
    assert corpus_of("abfs://box@account.dfs.core.windows.net/x").name == "x"
    assert isinstance(corpus_of("C:/docs"), Path)
    for text in ("https://me:secret@host/docs", "ftp://me:secret@host"):
        with pytest.raises(InputError, match="holds a password") as caught:
            corpus_of(text)
        assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="chains file systems"):
        corpus_of("zip://*.txt::s3://bucket/all.zip")


def test_the_setting_takes_an_address_from_who_may_give_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITEWISE_CORPUS", "s3://bucket/docs")
    assert current().corpus == RemoteAddress("s3://bucket/docs")
    monkeypatch.delenv("CITEWISE_CORPUS")
    Path("citewise.toml").write_text('corpus = "s3://bucket/docs"', "utf-8")
    with pytest.raises(InputError, match="may not set corpus"):
        current()
    with using("citewise.toml"):
        assert current().corpus == RemoteAddress("s3://bucket/docs")


def test_each_address_has_an_index_of_its_own() -> None:
    one, other = (default_index(RemoteAddress(f"s3://bucket/{n}/docs")) for n in "ab")
    assert one != other
    assert one.name.startswith("docs-")


def test_a_remote_folder_becomes_the_same_index_as_a_local_one(
    corpus: RemoteAddress, tmp_path: Path
) -> None:
    for name, text in FILES.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    with assistant(tmp_path / "docs", tmp_path / "local") as local:
        wanted = local.update()
    with assistant("memory://docs/", tmp_path / "remote") as remote:
        found = remote.update()
        assert remote.corpus == corpus
    assert contents(tmp_path / "remote") == contents(tmp_path / "local")
    assert [d[0] for d in contents(tmp_path / "remote")["documents"]] == [
        "bread.txt",
        "sub/ships.md",
        "sub/table.csv",
    ]
    assert found.changes == wanted.changes
    assert [s.name for s in found.changes.skipped] == ["image.png"]


def test_only_what_changed_is_read_again(
    memory: Any, corpus: RemoteAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    plain = RemoteSource._download

    def noted(self: RemoteSource, file: Any, *more: Any) -> Any:
        opened.append(file.name)
        return plain(self, file, *more)

    monkeypatch.setattr(RemoteSource, "_download", noted)
    with assistant(corpus, tmp_path) as one:
        one.update()
        assert sorted(opened) == ["bread.txt", "image.png", "sub/ships.md", "sub/table.csv"]
        opened.clear()
        assert one.update().reason == ""
        assert opened == []
        memory.pipe("/docs/bread.txt", b"Bread needs time.")
        memory.mv("/docs/sub/ships.md", "/docs/boats.md")
        memory.rm("/docs/sub/table.csv")
        done = one.update()
        assert opened == ["bread.txt"]
        assert done.changes.changed == ("bread.txt",)
        assert done.changes.moved == (("sub/ships.md", "boats.md"),)
        assert done.changes.removed == ("sub/table.csv",)
        assert one.document("bread.txt").text == "Bread needs time."


def test_a_file_past_the_limit_is_left_out_with_its_reason(
    memory: Any, corpus: RemoteAddress
) -> None:
    source = RemoteSource(corpus, ReadLimits(file_bytes=34))
    files = {file.name: file for file in source.listing().files}
    read = {file.name: found for file, found in source.read(files.values())}
    assert set(read) == set(files)
    assert [s.reason for s in read["bread.txt"].skipped] == ["is larger than 34 bytes"]
    # One that grew after it was listed, too.
    memory.pipe("/docs/sub/table.csv", b"a,b\n" * 1000)
    ((_, grown),) = source.read([files["sub/table.csv"]])
    assert [s.reason for s in grown.skipped] == ["is larger than 34 bytes"]
    assert not grown.unreached


def test_what_is_forbidden_for_a_moment_stays_and_is_tried_again(
    memory: Any, corpus: RemoteAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with assistant(corpus, tmp_path) as one:
        one.update()
        memory.pipe("/docs/bread.txt", b"Bread needs time.")
        memory.pipe("/docs/new.txt", b"This is new.")
        with monkeypatch.context() as patched:
            patched.setattr(RemoteSource, "_blocks", _forbidden)
            patched.setattr(RemoteSource, "digest", lambda self, file: file.name)
            done = one.update()
        said = {s.name: s.reason for s in done.changes.skipped}
        assert said["bread.txt"] == "cannot be read: access is denied; what was read earlier stays"
        assert said["new.txt"] == "cannot be read: access is denied"
        assert one.document("bread.txt").text == FILES["bread.txt"]
        done = one.update()
        assert (done.changes.changed, done.changes.added) == (("bread.txt",), ("new.txt",))
        assert one.document("bread.txt").text == "Bread needs time."


def _forbidden(self: RemoteSource, file: Any) -> Iterator[bytes]:
    raise PermissionError("https://signed.example/?key=secret")
    yield b""


def test_a_store_that_breaks_off_ends_the_update_and_keeps_its_secrets(
    corpus: RemoteAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: RemoteSource, file: Any) -> Iterator[bytes]:
        raise ConnectionResetError("https://signed.example/?key=secret")
        yield b""

    with assistant(corpus, tmp_path) as one:
        with monkeypatch.context() as patched:
            patched.setattr(RemoteSource, "_blocks", broken)
            patched.setattr(RemoteSource, "digest", lambda self, file: file.name)
            with pytest.raises(CorpusError, match="cannot be read: ConnectionResetError") as caught:
                one.update()
        assert "secret" not in str(caught.value)
        assert one.update().added == 3


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://nothing", "There is nothing at 'memory://nothing'"),
        ("nosuch://bucket/x", "No file system is known for nosuch:// addresses"),
        ("gs://bucket/x", 'pip install "gcsfs"'),
    ],
)
def test_an_address_that_cannot_be_is_told_with_its_remedy(
    memory: Any, tmp_path: Path, address: str, said: str
) -> None:
    if address.startswith("gs"):
        with pytest.raises(ImportError):
            import gcsfs  # type: ignore[import-not-found]  # noqa: F401
    with pytest.raises(CorpusError) as caught:
        assistant(address, tmp_path).update()
    assert said in str(caught.value)


def test_names_that_lead_out_of_the_folder_are_left_out(memory: Any) -> None:
    memory.pipe("/docs/a.txt", b"A text.")
    source = RemoteSource(RemoteAddress("memory://docs"))
    found = source._fs.find("/docs", detail=True)
    keys = ["/docs/../x.txt", "/docs//y.txt", "/docs/folder/", "/docs/\x1b[31m.txt"]
    found |= {key: {"size": 1} for key in keys}
    source._found = lambda: found  # type: ignore[method-assign]
    listing = source.listing()
    assert [file.name for file in listing.files] == ["\\x1b[31m.txt", "a.txt"]
    assert sorted(s.name for s in listing.skipped) == ["../x.txt", "/y.txt"]


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with s3_server("library") as fs:
        yield fs


def test_s3_is_listed_read_and_told_unchanged_by_its_tags(
    s3: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in FILES.items():
        s3.pipe(f"library/docs/{name}", text.encode())
    s3.pipe("library/docs-of-others/other.txt", b"Not ours.")
    monkeypatch.setattr("citewise.assistant.Assistant._made_embedder", lambda _: HashEmbedder())
    command = ["index", "s3://library/docs", "--index", str(tmp_path), "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["documents"], told["update"]["added"]) == (3, 3)
    source = RemoteSource(RemoteAddress("s3://library/docs"))
    files = source.listing().files
    assert [file.name for file in files] == sorted(n for n in FILES if not n.startswith("."))
    assert all(file.tag and file.mtime_ns for file in files)  # type: ignore[attr-defined]

    def unread(self: RemoteSource, file: Any) -> Iterator[bytes]:
        raise AssertionError(file.name)

    with monkeypatch.context() as patched:
        patched.setattr(RemoteSource, "_blocks", unread)
        assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["update"]["reason"] == ""
    # Of the same size, within the same second: only the tag tells.
    s3.pipe("library/docs/bread.txt", FILES["bread.txt"].replace("yeast", "water").encode())
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["update"]["changed"] == 1


def test_a_bucket_that_is_not_there_is_told(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="s3://nosuchbucket/docs") as caught:
        assistant("s3://nosuchbucket/docs", tmp_path).update()
    assert "secret-of-nobody" not in str(caught.value)
