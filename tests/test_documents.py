"""What is read from a folder, what is left out, and how that is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from citewise.documents import read_corpus
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
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
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
        "latin.txt": "is not UTF-8 text (byte 3); convert it to UTF-8",
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
