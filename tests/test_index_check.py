"""Each kind of damage is found by the check, and mended by the repair."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing

import pytest

from citewise.assistant import Assistant
from citewise.cli import main
from citewise.errors import IndexFault
from citewise.index import Index
from citewise.index_check import check_index
from citewise.index_repair import repair_index
from citewise.opening import unopened_database
from citewise.sources import FolderSource
from citewise.splitting import split
from doubles import HashEmbedder

BREAD = "# Baking\n\nBread needs yeast. Yeast needs sugar.\n\n# Salt\n\nSalt is added last.\n"
SHIPS = "Ships carry bread.\n\nThe GPT-4 of ships cost $1,500 in 1850.\n"


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    for name, text in (("bread.md", BREAD), ("ships.txt", SHIPS)):
        (root / name).write_text(text, encoding="utf-8")
        os.utime(root / name, (1_600_000_000, 1_600_000_000))
    return root


@pytest.fixture
def folder(tmp_path, corpus):
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        index.refresh(FolderSource(corpus), split)
    return tmp_path / "index"


def check(folder):
    return check_index(unopened_database(folder))


def change(folder, *statements):
    with closing(sqlite3.connect(folder / "citewise.sqlite3")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_sound_index_is_proved(folder):
    report = check(folder)
    assert report.findings == []
    assert report.sound
    assert (report.documents, report.passages, report.spans) == (2, 4, 7)
    assert report.vectors == 4 + 7


DAMAGES = {
    "text": (
        "UPDATE documents SET text = replace(text, 'yeast', 'YEAST') WHERE name = 'bread.md'",
        "documents",
        "the text is not the one that was stored",
    ),
    "offset": (
        'UPDATE passages SET start = start + 1, "end" = "end" + 1 WHERE text LIKE \'Ships%\'',
        "passages",
        "its words are not there",
    ),
    "words of a passage": (
        "UPDATE passages SET text = 'Ships carry water.' WHERE text LIKE 'Ships%'",
        "passages",
        "its words are not there",
    ),
    "span": (
        "UPDATE spans SET \"end\" = 9999 WHERE rendered LIKE 'Ships%'",
        "passages",
        "span 0 is out of place",
    ),
    "vector of another": (
        "UPDATE spans SET vector = (SELECT max(vector) FROM spans) WHERE rendered LIKE 'Ships%'",
        "vectors",
        "has another's vector",
    ),
    "short vector": (
        "UPDATE vectors SET vector = substr(vector, 1, 8) WHERE length(vector) = 256",
        "vectors",
        "holds 8 bytes, not 256 or 128",
    ),
    "long vector": (
        "UPDATE vectors SET vector = zeroblob(256) WHERE length(vector) = 256",
        "vectors",
        "has the length 0.000, not 1",
    ),
    "unused vector": (
        "INSERT INTO vectors (key, vector) VALUES (x'00', x'00')",
        "vectors",
        "1 belong to no passage and no span",
    ),
    "terms": (
        "UPDATE passages SET terms = terms || ' rye' WHERE text LIKE 'Ships%'",
        "words",
        "its terms are not those of its words",
    ),
    "lost words": (
        "INSERT INTO passages_fts (passages_fts, rowid, terms)"
        " SELECT 'delete', id, terms FROM passages LIMIT 1",
        "words",
        "passages_fts does not agree with the passages",
    ),
    "words of no span": (
        "INSERT INTO spans_fts (rowid, terms) VALUES (999, 'rye')",
        "words",
        "spans_fts does not agree with the passages",
    ),
    "count": (
        "UPDATE meta SET value = '17' WHERE key = 'passage_count'",
        "manifest",
        "passage_count is 17, counted were 4",
    ),
    "digest": (
        "UPDATE meta SET value = 'abc' WHERE key = 'vectors_sha256'",
        "vectors",
        "vectors-1.faiss is missing, or not the one in the manifest",
    ),
    "file": ("DELETE FROM files WHERE name = 'ships.txt'", "files", "not listed"),
    "added": (
        "INSERT INTO refiled SELECT min(id), 0 FROM passages",
        "vectors",
        "vectors-1.faiss lacks passage 1, of 1 such",
    ),
    "doubled": (
        'INSERT INTO passages (document, start, "end", kind, heading, text, terms, vector)'
        ' SELECT document, start, "end", kind, heading, text, terms, vector FROM passages'
        " WHERE text LIKE 'Ships%'",
        "passages",
        "overlaps the one before it",
    ),
    "orphan": (
        "UPDATE passages SET document = 77 WHERE text LIKE 'Ships%'",
        "database",
        "belongs to no row of documents",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_mended(folder, corpus, damage):
    statement, part, problem = DAMAGES[damage]
    change(folder, statement)
    report = check(folder)
    assert not report.sound
    assert [f for f in report.findings if f.part == part and problem in f.problem], report
    repair_index(unopened_database(folder), report)
    with Index.open(folder, HashEmbedder()) as index:
        index.refresh(FolderSource(corpus), split)
        assert check(folder).findings == []
        (hit,) = index.lexical("ships cost", 1)
        assert index.passages([hit.id])[0].passage.text.startswith("The GPT-4 of ships")
        assert index.document("bread.md").text == BREAD


def test_a_lost_passage_is_found(folder):
    change(
        folder,
        "PRAGMA foreign_keys = OFF",
        "DELETE FROM spans WHERE passage = (SELECT id FROM passages WHERE text LIKE 'Ships%')",
        "DELETE FROM passages WHERE text LIKE 'Ships%'",
    )
    problems = [finding.problem for finding in check(folder).findings]
    assert "ships.txt, passage at 20: no passage holds 'Ships carry bread.' before it" in problems


def test_a_swapped_vector_file_is_found(folder):
    """Its digest is right, so that only the vectors themselves can tell."""
    from citewise.vectors import VectorIndex, vectors_path

    path = vectors_path(folder, 1)
    with closing(sqlite3.connect(folder / "citewise.sqlite3")) as connection:
        (digest,) = connection.execute(
            "SELECT value FROM meta WHERE key = 'vectors_sha256'"
        ).fetchone()
        index = VectorIndex.load(path, digest)
        ids = index.ids()
        digest = VectorIndex.build(ids, index.reconstruct(ids)[::-1]).save(path)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'vectors_sha256'", (digest,))
        connection.commit()
    assert "vectors of other passages" in check(folder).findings[0].problem


def test_a_database_that_cannot_be_read_is_put_aside(folder, corpus):
    path = folder / "citewise.sqlite3"
    data = bytearray(path.read_bytes())
    data[4096:12288] = b"\x55" * 8192
    path.write_bytes(data)
    report = check(folder)
    assert report.unreadable
    assert report.findings[0].part == "database"
    assert repair_index(unopened_database(folder), report) == "repaired"
    with Index.open(folder, HashEmbedder()) as index:
        index.refresh(FolderSource(corpus), split)
    assert check(folder).sound
    assert (folder / "citewise.sqlite3.damaged").exists()


def test_a_check_while_somebody_writes_is_told(folder):
    with closing(sqlite3.connect(folder / "citewise.sqlite3", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexFault, match="in use by another process"):
            check(folder)


def test_a_check_during_which_an_update_was_published_is_told(folder, corpus):
    def publish(step):
        if step.done == step.total:
            (corpus / "new.txt").write_text("Tea.", encoding="utf-8")
            with Index.open(folder, HashEmbedder()) as index:
                index.refresh(FolderSource(corpus), split)

    with pytest.raises(IndexFault, match=r"was updated while it was checked\. Run the check again"):
        check_index(unopened_database(folder), publish)


# The command


@pytest.fixture
def hashing(monkeypatch):
    """The command line embeds by hashing."""
    monkeypatch.setattr(Assistant, "_made_embedder", lambda self: HashEmbedder())
    monkeypatch.setattr(Assistant, "embedder_name", "hash-64")


def run(capsys, *arguments):
    code = main(["index", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_updates_and_names_what_it_did(corpus, tmp_path, capsys, hashing):
    place = ("--index", tmp_path / "new")
    (corpus / "blank.txt").write_text(" ", encoding="utf-8")
    code, out, _ = run(capsys, corpus, *place, "--dry-run")
    assert (code, out.splitlines()[0]) == (
        0,
        "The index would be updated (first build): 2 documents added.",
    )
    assert not (tmp_path / "new").exists()
    code, out, _ = run(capsys, corpus, *place)
    assert code == 0
    assert out.splitlines() == [
        "Index updated (first build): 2 documents added, 4 passages. 9 texts were embedded.",
        "  added:    bread.md",
        "  added:    ships.txt",
        "  left out: blank.txt: holds no text",
    ]
    (corpus / "bread.md").rename(corpus / "baking.md")
    (corpus / "ships.txt").unlink()
    for arguments in (("--dry-run",), ()):
        code, out, _ = run(capsys, corpus, *place, *arguments)
        assert out.splitlines()[1:3] == [
            "  moved:    bread.md → baking.md",
            "  removed:  ships.txt",
        ]
    code, out, _ = run(capsys, corpus, *place, "--json")
    found = json.loads(out)
    assert found["passages"] == 2
    assert found["update"]["unchanged"] == 1
    assert found["update"]["changes"]["skipped"] == [
        {"name": "blank.txt", "reason": "holds no text"}
    ]


def test_the_command_checks_and_mends(corpus, folder, capsys, hashing):
    place = ("--index", folder)
    code, out, _ = run(capsys, corpus, *place, "--check")
    assert (code, out.splitlines()) == (
        0,
        [f"The index in {folder} is sound: 2 documents, 4 passages, 7 spans, 11 vectors."],
    )
    change(folder, DAMAGES["offset"][0])
    code, out, _ = run(capsys, corpus, *place, "--check", "--json")
    assert code == 1
    assert json.loads(out)["findings"][0]["part"] == "passages"
    code, out, err = run(capsys, corpus, *place, "--repair")
    assert code == 0
    assert "Mended: ships.txt, passage at 1: its words are not there." in err
    assert "is sound: 2 documents, 4 passages" in out
    code, out, _ = run(capsys, corpus, *place, "--stats", "--json")
    assert json.loads(out)["passages"] == 4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 3, "'nowhere' does not exist"),
        (["nowhere", "--dry-run"], 3, "'nowhere' does not exist"),
        ([".", "--index", "none", "--check"], 2, "There is no index in none. Build it with"),
        ([".", "--index", "none", "--stats"], 2, "There is no index in none. Build it with"),
    ],
)
def test_mistakes_are_told(arguments, code, message, tmp_path, monkeypatch, capsys, hashing):
    monkeypatch.chdir(tmp_path)
    found = run(capsys, *arguments)
    assert (found[0], found[1]) == (code, "")
    assert message in found[2]
    assert list(tmp_path.iterdir()) == []


def test_two_modes_at_once_are_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["index", "--check", "--repair"])
    assert stopped.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err
