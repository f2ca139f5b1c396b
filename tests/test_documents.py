"""What is read from a folder, what is left out, and how that is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from citewise.documents import list_files, read_corpus, read_file, read_sources
from citewise.errors import CorpusError


def test_names_texts_and_hashes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.md").write_bytes(b"# B\r\ntext")
    (tmp_path / "sub" / "a.txt").write_bytes("ä".encode("utf-16"))
    corpus = read_corpus(tmp_path)
    assert [(d.name, d.text) for d in corpus.documents] == [
        ("b.md", "# B\r\ntext"),
        ("sub/a.txt", "ä"),
    ]
    assert len(corpus.documents[0].sha256) == 64


def test_one_file_is_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "only.txt").write_text("words", encoding="utf-8")
    assert [d.name for d in read_corpus(tmp_path / "only.txt").documents] == ["only.txt"]


def test_unusable_files_are_named_with_their_reason(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("fine", encoding="utf-8")
    (tmp_path / "binary.txt").write_bytes(b"a\x00b")
    (tmp_path / "blank.txt").write_text(" \n", encoding="utf-8")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    (tmp_path / ".hidden.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.txt")
    corpus = read_corpus(tmp_path)
    assert [d.name for d in corpus.documents] == ["good.txt"]
    reasons = {file.name: file.reason for file in corpus.skipped}
    assert reasons == {
        "binary.txt": "is binary: it holds NUL characters",
        "blank.txt": "holds no text",
        "image.png": ".png is not a format that can be read",
        "link.txt": "is a link; links are not followed",
        "pipe.txt": "is not a regular file",
    }


def test_a_missing_folder_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"'.*nowhere' does not exist\. Give a folder"):
        read_corpus(tmp_path / "nowhere")


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is empty"):
        read_corpus(tmp_path)


def test_a_folder_without_a_readable_document_lists_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\x00")
    with pytest.raises(CorpusError, match=r"x\.bin: \.bin is not a format"):
        read_corpus(tmp_path)


def test_listing_tells_what_changed_without_reading(tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(b"not looked into")
    (tmp_path / "a.txt").write_text("words", encoding="utf-8")
    os.utime(tmp_path / "a.txt", ns=(10**18, 10**18 + 7))
    files = list_files(tmp_path).files
    assert [(f.name, f.size, f.path) for f in files] == [
        ("a.txt", 5, tmp_path / "a.txt"),
        ("b.pdf", 15, tmp_path / "b.pdf"),
    ]
    assert files[0].mtime_ns == 10**18 + 7
    ((_, reading), _) = read_sources(files)
    assert reading.documents[0].modified == "2001-09-09T01:46:40Z"


def test_one_file_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "upload-17").write_bytes(b"<p>Hello.</p>")
    (document,) = read_file(tmp_path / "upload-17", "page.html").documents
    assert (document.name, document.text, document.format) == ("page.html", "Hello.", "html")


def test_files_come_in_the_order_given(tmp_path: Path) -> None:
    for number in range(12):
        name = f"{number:02}.{'html' if number % 2 else 'txt'}"
        (tmp_path / name).write_text(f"number {number}", encoding="utf-8")
    read = list(read_sources(list_files(tmp_path).files, processes=3))
    assert [r.documents[0].text for _, r in read] == [f"number {n}" for n in range(12)]
