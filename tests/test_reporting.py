"""What is told about the index: counts that read well, and files left out named once."""

from __future__ import annotations

from citewise.assistant import Assistant
from citewise.reporting import update_reported
from doubles import HashEmbedder


def told(corpus, index, capsys):
    with Assistant(corpus, index, llm="none", embedder=HashEmbedder()) as assistant:
        update_reported(assistant)
    return capsys.readouterr().err


def test_a_file_left_out_is_named_when_it_is_new_and_counted_afterwards(tmp_path, capsys):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "bread.md").write_text("Bread needs yeast.\n", encoding="utf-8")
    (corpus / "photo.pdf").write_bytes(b"no PDF")
    first = told(corpus, tmp_path / "index", capsys)
    assert "1 document added, 1 passage in" in first
    assert "Left out photo.pdf: " in first
    second = told(corpus, tmp_path / "index", capsys)
    assert "photo.pdf" not in second
    assert "1 file left out; `citewise index --all` names each." in second


def test_only_the_first_of_many_files_left_out_are_named(tmp_path, capsys):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "bread.md").write_text("Bread needs yeast.\n", encoding="utf-8")
    for number in range(23):
        (corpus / f"{number:02}.pdf").write_bytes(b"no PDF")
    lines = told(corpus, tmp_path / "index", capsys).splitlines()
    assert sum(line.startswith("Left out ") for line in lines) == 20
    assert any(line.startswith("… and 3 more") for line in lines)
