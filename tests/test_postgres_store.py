"""What only a PostgreSQL store has: secrets, roles, an approximate index, a server that goes."""

from __future__ import annotations

import builtins
import json

import numpy as np
import pytest

from citewise.assistant import Assistant
from citewise.cli import main
from citewise.errors import IndexFault, InputError
from citewise.stores import open_store
from citewise.stores.postgres import bm25, nearness, vectors
from citewise.stores.postgres.address import Address
from doubles import HashEmbedder, document, split_lines
from stores import postgres  # noqa: F401 - a fixture

BREAD = document("bread.txt", "Bread needs yeast.\n\nSalt comes last.")
SECRET = "open-sesame"


@pytest.fixture
def place(postgres):  # noqa: F811
    return postgres.new_database()


@pytest.fixture
def index(place):
    with open_store(place, HashEmbedder()) as opened:
        yield opened


# Addresses and secrets.


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"postgresql://me:{SECRET}@db.example:6432/docs", "postgresql://db.example:6432/docs"),
        (f"postgres://me:{SECRET}@db/docs?sslmode=require", "postgresql://db/docs"),
        (f"postgresql:///docs?host=/run/pg&user=me&password={SECRET}", "postgresql:///run/pg/docs"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    parsed = Address.parse(address)
    assert parsed.place == shown
    assert SECRET not in repr(parsed)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:1/docs",
        f"postgresql://me:{SECRET}@nowhere.invalid/docs",
        f"postgresql://me:{SECRET}@@127.0.0.1/docs",
        f"postgresql://me:{SECRET}@127.0.0.1:{SECRET}/docs",
        f"postgresql://me:{SECRET}@127.0.0.1:1/docs?{SECRET}=1",
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(address):
    with pytest.raises((IndexFault, InputError)) as told:
        open_store(address, HashEmbedder())
    assert SECRET not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.remedy


def test_the_password_is_nowhere_in_what_a_store_says(index, place, caplog):
    with_password = place.replace("postgres@", f"postgres:{SECRET}@")
    with open_store(with_password, HashEmbedder()) as opened:
        opened.update([BREAD], split_lines)
        assert SECRET not in json.dumps(opened.stats())
        assert SECRET not in str(opened.folder)
        assert SECRET not in caplog.text
        with opened.database.locked(), pytest.raises(IndexFault) as told:
            opened.update([], split_lines)
        assert SECRET not in str(told.value)


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "psycopg":
            raise ImportError("No module named 'psycopg'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r'pip install "citewise\[postgres\]"'):
        open_store("postgresql://localhost/docs", HashEmbedder())


# The server, its roles, its connections.


def test_a_lost_connection_is_replaced(index, postgres, place):  # noqa: F811
    index.update([BREAD], split_lines)
    assert len(index.lexical("yeast", 5)) == 1
    name = place.partition("?")[0].rpartition("/")[2]
    postgres.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    assert len(index.lexical("yeast", 5)) == 1


def test_a_store_that_was_dropped_is_told_and_built_again(index, postgres, place):  # noqa: F811
    index.update([BREAD], split_lines)
    postgres.execute("DROP SCHEMA citewise CASCADE", place)
    assert index.identity() == ""
    with pytest.raises(IndexFault, match="is gone"):
        index.documents()
    with open_store(place, HashEmbedder()) as again:
        assert again.update([BREAD], split_lines).reason == "first build"


def test_a_role_that_may_only_read_searches_and_cannot_write(index, postgres, place):  # noqa: F811
    index.update([BREAD], split_lines)
    for statement in (
        "CREATE ROLE reader LOGIN",
        "GRANT USAGE ON SCHEMA citewise TO reader",
        "GRANT SELECT ON ALL TABLES IN SCHEMA citewise TO reader",
    ):
        postgres.execute(statement, place)
    with open_store(place.replace("postgres@", "reader@"), HashEmbedder()) as reader:
        assert len(reader.lexical("yeast", 5)) == 1
        assert reader.update([BREAD], split_lines).reason == ""
        with pytest.raises(IndexFault, match=r"cannot be written\. Make it writable"):
            reader.update([document("bread.txt", "Bread needs flour.")], split_lines)


def test_reading_needs_one_look_for_its_state_and_one_for_all_terms(index, monkeypatch):
    """Each look is a way to the server and back: a question must not make one for every term."""
    import psycopg

    from citewise.retrieval import Retriever, make_query

    index.update([BREAD], split_lines)
    looks = []
    real = psycopg.Cursor.execute

    def look(self, *args, **options):
        looks.append(args[0])
        return real(self, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", look)
    retriever = Retriever(index, index.embedder)
    retriever.search(make_query("does bread need any yeast or salt", (), index), 5)
    # Twice a state and its end, once the terms, both searches, passages and spans; a slip.
    assert len(looks) <= 11


# Words.


def counted(index, statement: str) -> list:
    with index.database.reading() as reading:
        return reading.connection.execute(statement).fetchall()


def test_a_term_counts_as_often_as_it_occurs(index):
    text = "\n\n".join(f"{'loaf ' * n}and {'rye ' * (40 - n)}." for n in (1, 2, 3, 7, 20, 39))
    filler = "\n\n".join(f"Other {n}." for n in range(30))
    index.update([document("a.txt", text), document("b.txt", filler)], split_lines)
    hits = index.lexical("loaf", 9)
    weight, average = np.log((36 - 6 + 0.5) / 6.5), (6 * 41 + 30 * 2) / 36
    norm = 1.2 * (0.25 + 0.75 * 41 / average)
    expected = [weight * n * 2.2 / (n + norm) for n in (39, 20, 7, 3, 2, 1)]
    assert [hit.score for hit in hits] == pytest.approx(expected, rel=1e-12)


def test_very_long_terms_and_quotes_can_be_stored_and_found(index):
    long = "x" * 5000
    index.update([document("a.txt", f"A {long} word.\n\nIt's 'quoted' \\ back.")], split_lines)
    assert len(index.lexical(long, 5)) == 1
    assert len(index.lexical("quoted back", 5)) == 1
    assert index.check().sound


def test_the_second_look_leaves_out_what_cannot_be_among_the_best():
    terms = [
        bm25._Term(f"'7:{name}'", 1.0, bound, 1)
        for name, bound in zip("abc", (5, 3, 1), strict=True)
    ]
    assert bm25._reaching(terms, 4.0) == "'7:a' | ('7:b' & ('7:c'))"
    assert bm25._reaching(terms, 4.5) == "'7:a'"
    assert bm25._reaching(terms, 0.0) == "'7:a' | '7:b' | '7:c'"


# Meaning.


def some_documents(count: int):
    rng = np.random.default_rng(1)
    words = [f"w{n}" for n in range(400)]
    return [
        document(f"{n}.txt", "\n\n".join(" ".join(rng.choice(words, 12)) + "." for _ in range(20)))
        for n in range(count)
    ]


@pytest.fixture
def indexed(index, monkeypatch):
    """As if it were large: with an approximate index."""
    monkeypatch.setattr(nearness, "INDEXED_FROM", 500)
    monkeypatch.setattr(vectors, "_FEW", 100)
    index.update(some_documents(30), split_lines)
    return index


def test_a_large_collection_gets_an_index_that_finds_nearly_all(indexed):
    assert indexed.stats()["vectors"] == "hnsw, ranked by exact vectors"
    rng = np.random.default_rng(2)
    found = []
    with indexed.database.reading() as reading:
        every = vectors._every(reading.manifest, "")
        for _ in range(40):
            vector = rng.normal(size=64).astype(np.float32)
            vector /= np.linalg.norm(vector)
            exact = {hit.id for hit in vectors._hits(reading, every, vector, 10)}
            _let_the_planner_take_the_index(reading)
            hits = indexed.dense(vector, 10)
            assert len(hits) == 10
            found.append(len({hit.id for hit in hits} & exact) / 10)
        assert "nearest_1" in _plan(reading)
    assert np.mean(found) >= 0.98


def _let_the_planner_take_the_index(reading) -> None:
    """So few vectors are looked at as fast one by one."""
    for way in ("seqscan", "bitmapscan", "sort"):
        reading.connection.execute(f"SET LOCAL enable_{way} = off")


def _plan(reading) -> str:
    statement = vectors._first(reading.manifest, 20)
    for name, value in (("%(vector)s", f"'{[0.0] * 64}'"), ("%(k)s", "10")):
        statement = statement.replace(name, value)
    return str(reading.connection.execute(f"EXPLAIN {statement}").fetchall())


def test_a_filtered_search_by_the_index_finds_as_many_as_asked_for(indexed):
    from citewise.types import Filter

    names = tuple(f"{n}.txt" for n in range(8))
    within = indexed.selected(Filter(documents=names))
    assert len(within) == 160
    vector = HashEmbedder().embed_query("w1 w2 w3")
    with indexed.reading(), indexed.database.reading() as reading:
        _let_the_planner_take_the_index(reading)
        hits = indexed.dense(vector, 50, within)
    assert len(hits) == 50
    assert {hit.id for hit in hits} <= set(within.tolist())


def test_the_index_follows_what_changes(indexed):
    anew = [*some_documents(30)[1:], document("0.txt", "Nothing like it before.")]
    indexed.update(anew, split_lines)
    (hit,) = indexed.dense(HashEmbedder().embed_query("Nothing like it before."), 1)
    assert indexed.passages([hit.id])[0].passage.text == "Nothing like it before."
    assert indexed.check().sound


def test_another_model_gets_its_own_index_and_the_old_one_goes(indexed, place):
    with open_store(place, HashEmbedder("hash-32", 32)) as other:
        other.update(some_documents(30), split_lines)
        assert other.stats()["vectors"] == "hnsw, ranked by exact vectors"
        names = counted(other, "SELECT relname FROM pg_class WHERE relname LIKE 'nearest_%'")
        assert len(names) == 1
        assert names != [("nearest_1",)]
        assert other.check().sound


# Checking and mending, and the command.


@pytest.mark.parametrize(
    ("harm", "part"),
    [
        ("UPDATE citewise.documents SET text = 'Bread.'", "documents"),
        ("UPDATE citewise.passages SET start = start + 1", "passages"),
        ('UPDATE citewise.spans SET "end" = "end" + 500', "passages"),
        ("UPDATE citewise.words SET words = '''1:rye'':1'", "words"),
        ("UPDATE citewise.terms SET passages = 9 WHERE term = 'yeast'", "words"),
        ("DELETE FROM citewise.terms WHERE term = 'yeast'", "words"),
        ("UPDATE citewise.collections SET span_terms = 1", "manifest"),
        ("DELETE FROM citewise.passage_vectors", "vectors"),
        (
            "UPDATE citewise.span_vectors SET vector = vector + vector",
            "vectors",
        ),
        ("DELETE FROM citewise.files", "files"),
    ],
)
def test_whatever_is_wrong_is_found_and_mended(index, postgres, place, harm, part):  # noqa: F811
    index.update([BREAD], split_lines)
    assert index.check().sound
    postgres.execute(harm, place)
    report = index.check()
    assert part in {finding.part for finding in report.findings}
    index.repair(report)
    index.update([BREAD], split_lines)
    report = index.check()
    assert report.sound, report.findings
    assert index.document("bread.txt") == BREAD


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(Assistant, "_made_embedder", lambda self: HashEmbedder())
    monkeypatch.setattr(Assistant, "embedder_name", "hash-64")
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "bread.md").write_text("# Bread\n\nBread needs yeast. Salt comes last.\n")
    return folder


def test_the_command_builds_tells_checks_and_mends(corpus, place, postgres, capsys):  # noqa: F811
    address = place.replace("postgres@", f"postgres:{SECRET}@")

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["index", str(corpus), "--store", address, *arguments])
        captured = capsys.readouterr()
        assert SECRET not in captured.out + captured.err
        return code, captured.out

    assert "would be updated (first build): 1 document added" in run("--dry-run")[1]
    assert "1 document added" in run()[1]
    stats = json.loads(run("--stats", "--json")[1])
    assert (stats["documents"], stats["words"]) == (1, "tsvector")
    code, said = run("--check")
    assert (code, "is sound: 1 document" in said) == (0, True)
    postgres.execute("UPDATE citewise.documents SET text = 'Rye.'", place)
    assert run("--check")[0] == 1
    code, said = run("--repair")
    assert (code, "is sound" in said) == (0, True)
    assert json.loads(run("--json")[1])["update"]["unchanged"] == 1


def test_a_question_never_changes_what_others_share(place, corpus, tmp_path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "secret.md").write_text("Nobody may read this.\n")
    with Assistant(corpus, store=place, embedder=HashEmbedder(), llm="none", quiet=True) as one:
        one.update()
        held = [info.name for info in one.documents()]
    settings = {"store": place, "embedder": HashEmbedder(), "llm": "none", "quiet": True}
    with Assistant(other, **settings) as asking:
        assert asking.ask("Who may read this?").evidence
        assert [info.name for info in asking.documents()] == held


@pytest.mark.parametrize("mode", [[], ["--watch"], ["--repair"], ["--dry-run"]])
def test_a_store_is_not_filled_with_documents_that_nobody_named(place, mode, capsys) -> None:
    assert main(["index", "--store", place, *mode]) == 2
    assert "Nobody says which documents" in capsys.readouterr().err


def test_a_mistyped_collection_is_told(place, capsys) -> None:
    for mode in ("--check", "--stats"):
        assert main(["index", "--store", place, "--collection", "legl", mode]) == 2
        assert "There is no collection 'legl'" in capsys.readouterr().err
