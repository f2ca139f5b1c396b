import math
import sqlite3
import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citewise.database import FORMAT
from citewise.errors import CorpusError, IndexFault, InputError
from citewise.index import Changes, DocumentInfo, Index, Step, UpdateSummary
from citewise.splitting import split
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Document, Passage, Span
from doubles import HashEmbedder, document, split_lines

BREAD = document(
    "bread.txt", "# Baking\nBread needs yeast.\nYeast needs sugar.\n\nSalt is added last."
)
SHIPS = document("sea/ships.txt", "Ships carry bread.\n\nThe GPT-4 of ships cost $1,500 in 1850.")
MUSIC = document("music.txt", "A piano has 88 keys.\n\nA violin has four strings.")


@pytest.fixture
def index(tmp_path):
    with Index.open(tmp_path / "index", HashEmbedder()) as opened:
        yield opened


@pytest.fixture
def filled(index):
    index.update([BREAD, SHIPS, MUSIC], split_lines)
    return index


def texts(index, hits):
    return [stored.passage.text for stored in index.passages([hit.id for hit in hits])]


def everything(index):
    """All that can be asked of an index, without ids."""
    names = [info.name for info in index.documents()]
    found = {}
    for name in names:
        for passage in split_lines(index.document(name)):
            (hit, *_) = index.dense(index.embedder.embed_query(passage_key(passage)), 1)
            found[name, passage.start] = texts(index, [hit])[0], round(hit.score, 3)
    return names, found


def passage_key(passage):
    return f"{passage.heading}\n{passage.text}" if passage.heading else passage.text


def check_consistent(index):
    """Every passage is a slice of its document, is found by its own vector, and by its words."""
    with sqlite3.connect(index.folder / "citewise.sqlite3") as connection:
        ids = [i for (i,) in connection.execute("SELECT id FROM passages")]
        # FTS5 compares its index with the rows, and raises if they differ.
        for table in ("passages_fts", "spans_fts"):
            connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
        connection.rollback()
    connection.close()
    assert index.stats()["passages"] == len(ids)
    for stored in index.passages(ids):
        passage = stored.passage
        text = index.document(passage.document).text
        assert text[passage.start : passage.end] == passage.text
        same = index.dense(index.embedder.embed_query(passage_key(passage)), len(ids))
        assert stored.id in [hit.id for hit in same if hit.score > 0.999]
        assert stored.id in [hit.id for hit in index.lexical(passage.text, len(ids))]
        assert stored.span_vectors.shape[0] == len(passage.spans)
    assert {hit.id for hit in index.dense(index.embedder.embed_query("x"), 10_000)} == set(ids)


def test_a_new_index_is_empty_and_can_be_asked(index):
    assert index.dense(index.embedder.embed_query("bread"), 5) == []
    assert index.lexical("bread", 5) == []
    assert index.documents() == []
    assert not index.contains("bread")
    with pytest.raises(CorpusError, match=r"no document 'bread\.txt'\. The index is empty"):
        index.document("bread.txt")


def test_the_first_update_builds(index):
    seen = []
    done = index.update([BREAD, SHIPS], split_lines, progress=seen.append)
    assert done == UpdateSummary(2, 0, 0, 0, 4, "first build")
    assert done.changes == Changes(added=("bread.txt", "sea/ships.txt"))
    assert [step for step in seen if step.phase == "embedding"][-1] == Step(
        "embedding", 67 + 59, 67 + 59, 6, "sea/ships.txt"
    )
    assert seen[-1].phase == "publishing"
    assert index.documents() == [
        DocumentInfo("bread.txt", BREAD.sha256, 67, 2),
        DocumentInfo("sea/ships.txt", SHIPS.sha256, 59, 2),
    ]
    check_consistent(index)


def test_stats(filled):
    stats = filled.stats()
    assert stats.pop("bytes") > 10_000
    assert stats == {
        "documents": 3,
        "characters": 67 + 59 + 48,
        "passages": 6,
        "spans": 7,
        "dimensions": 64,
        "embedder": "hash-64",
        "vectors": "exact (flat)",
        "words": "FTS5",
        "generation": 1,
        "format": FORMAT,
        "path": str(filled.folder),
    }


def test_an_update_costs_what_changed(filled):
    embedder = filled.embedder
    assert filled.update([BREAD, SHIPS, MUSIC], split_lines) == UpdateSummary(0, 0, 0, 3, 6, "")
    embedder.embedded.clear()
    longer = document("music.txt", MUSIC.text + "\n\nA drum has no strings.")
    summary = filled.update([BREAD, longer], split_lines)
    assert summary == UpdateSummary(0, 1, 1, 1, 5, "documents changed")
    assert set(embedder.embedded) == {"A drum has no strings."}
    assert [info.name for info in filled.documents()] == ["bread.txt", "music.txt"]
    assert filled.document("music.txt") == longer
    assert not filled.contains("ship")
    check_consistent(filled)


def test_an_update_leaves_no_log_behind(filled):
    assert (filled.folder / "citewise.sqlite3-wal").stat().st_size == 0


def test_what_is_missing_can_stay(filled):
    done = filled.update([MUSIC], split_lines, remove_missing=False)
    assert done == UpdateSummary(0, 0, 0, 1, 6, "")
    tea = document("tea.txt", "Tea is hot.")
    done = filled.update([tea], split_lines, remove_missing=False)
    assert done == UpdateSummary(1, 0, 0, 0, 7, "documents changed")


def test_everything_can_be_removed(filled):
    assert filled.update([], split_lines) == UpdateSummary(0, 0, 3, 0, 0, "documents changed")
    assert filled.dense(filled.embedder.embed_query("bread"), 5) == []
    assert filled.lexical("bread", 5) == []
    assert list(filled.folder.glob("vectors-*")) == []


def test_ids_are_never_used_again(filled):
    before = {hit.id for hit in filled.dense(filled.embedder.embed_query("x"), 99)}
    filled.update([], split_lines)
    filled.update([BREAD, SHIPS, MUSIC], split_lines)
    after = {hit.id for hit in filled.dense(filled.embedder.embed_query("x"), 99)}
    assert len(before) == len(after) == 6
    assert max(before) < min(after)
    assert filled.passages(sorted(before)) == []


def test_passages_come_back_unchanged_and_in_the_order_asked(index):
    passage = Passage(
        "t.txt", 2, 9, "a\0b é 漢", "table", "A > B", (Span(2, 5, "row", "x: a"),), page=3
    )
    index.update([document("t.txt", "..a\0b é 漢..")], lambda _: [passage])
    (hit,) = index.lexical("x", 5)
    (stored,) = index.passages([hit.id, 999])
    assert stored.passage == passage
    expected = index.embedder.embed_query("x: a")
    assert stored.span_vectors.dtype == np.float32
    np.testing.assert_allclose(stored.span_vectors, [expected], atol=1e-3)


def test_the_same_text_in_two_documents_is_two_passages(index):
    twin = document("twin.txt", MUSIC.text)
    index.update([MUSIC, twin], split_lines)
    hits = index.dense(index.embedder.embed_query("A piano has 88 keys."), 2)
    found = [stored.passage.document for stored in index.passages([hit.id for hit in hits])]
    assert found == ["music.txt", "twin.txt"]
    check_consistent(index)


def test_dense_agrees_with_brute_force(filled):
    embedder = filled.embedder
    passages = [p for d in (BREAD, SHIPS, MUSIC) for p in split_lines(d)]
    for question in ("bread and yeast", "strings of a violin", "1500"):
        query = embedder.embed_query(question)
        scores = embedder.embed_passages([passage_key(p) for p in passages]) @ query
        expected = sorted(zip(-scores, range(6), strict=True))[:4]
        hits = filled.dense(query, 4)
        assert texts(filled, hits) == [passages[i].text for _, i in expected]
        assert [hit.score for hit in hits] == pytest.approx([-s for s, _ in expected], abs=1e-6)


def bm25_of_sqlite(question_terms, bodies):
    """The formula of FTS5's bm25(): k1 = 1.2, b = 0.75, weights of frequent terms cut at 1e-6."""
    average = sum(map(len, bodies)) / len(bodies)
    scores = []
    for body in bodies:
        counts, score = Counter(body), 0.0
        for term in question_terms:
            holding = sum(term in other for other in bodies)
            weight = max(1e-6, math.log((len(bodies) - holding + 0.5) / (holding + 0.5)))
            n = counts[term]
            score += weight * n * 2.2 / (n + 1.2 * (0.25 + 0.75 * len(body) / average))
        scores.append(score)
    return scores


def test_lexical_agrees_with_the_formula(filled):
    passages = [p for d in (BREAD, SHIPS, MUSIC) for p in split_lines(d)]
    bodies = [
        lexical_terms("\n".join([p.heading, *(s.rendered for s in p.spans)])) for p in passages
    ]
    scores = bm25_of_sqlite(["yeast", "ship"], bodies)
    expected = sorted((-s, i) for i, s in enumerate(scores) if s > 0)
    hits = filled.lexical("What about the yeasts of ships?", 10)
    assert texts(filled, hits) == [passages[i].text for _, i in expected]
    assert [hit.score for hit in hits] == pytest.approx([-s for s, _ in expected])
    assert filled.lexical("yeast ships", 1) == hits[:1]


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("baking", "# Baking"),
        ("gpt 4", "The GPT-4"),
        ("GPT4", "The GPT-4"),
        ("1500", "The GPT-4"),
        ("string", "A violin"),
    ],
)
def test_lexical_finds_headings_compounds_numbers_and_forms(filled, question, start):
    assert [text[: len(start)] for text in texts(filled, filled.lexical(question, 10))] == [start]


def test_lexical_finds_nothing_where_no_word_fits(filled):
    assert filled.lexical("quantum chromodynamics", 10) == []
    assert filled.lexical("bread", 0) == []


@pytest.mark.parametrize(
    "question",
    [
        "",
        " \n\t",
        '"',
        'bread" OR "a',
        "NEAR(bread yeast, 2)",
        "bread AND NOT yeast",
        "terms : bread",
        "^bread*",
        "a\0b",
        "\ud800",
        "'; DROP TABLE passages; --",
        "( ( {",
        "bread " * 20_000,
        " ".join(map(str, range(20_000))),
        "🍞" * 50_000,
    ],
)
def test_lexical_takes_any_characters(filled, question):
    hits = filled.lexical(question, 5)
    assert (len(hits) > 0) == any(filled.contains(t) for t in content_terms(question))
    scores = filled.span_scores(question, filled.passages([hit.id for hit in hits]))
    assert {passage for passage, _ in scores} == {hit.id for hit in hits}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text())
def test_lexical_takes_any_text(filled, question):
    assert all(hit.score > 0 for hit in filled.lexical(question, 5))


def test_span_scores_agree_with_the_formula(filled):
    spans = [s.rendered for d in (BREAD, SHIPS, MUSIC) for p in split_lines(d) for s in p.spans]
    bodies = [lexical_terms(span) for span in spans]
    average = sum(map(len, bodies)) / 7
    (hit,) = filled.lexical("yeast", 5)
    scores = filled.span_scores("Does yeast need sugar?", filled.passages([hit.id]))
    weight = {t: math.log(1 + (7 - n + 0.5) / (n + 0.5)) for t, n in (("yeast", 2), ("sugar", 1))}
    weight["need"] = weight["yeast"]
    length = 1.2 * (0.25 + 0.75 * 3 / average)
    first = (weight["need"] + weight["yeast"]) * 2.2 / (1 + length)
    second = first + weight["sugar"] * 2.2 / (1 + length)
    assert scores == pytest.approx({(hit.id, 0): first, (hit.id, 1): second})
    assert filled.idf("sugar") == pytest.approx(weight["sugar"])


def test_span_scores_are_zero_where_nothing_fits(filled):
    (hit,) = filled.lexical("piano", 5)
    assert filled.span_scores("yeast", filled.passages([hit.id, 999])) == {(hit.id, 0): 0.0}


def test_idf_is_higher_for_rarer_terms(filled):
    assert filled.idf("unknown") > filled.idf("sugar") > filled.idf("yeast") > 0


def test_contains(filled):
    assert filled.contains("bak")
    assert filled.contains("1500")
    assert not filled.contains("1501")
    assert not filled.contains("")


def test_an_unknown_document_names_the_nearest(filled):
    with pytest.raises(CorpusError, match=r"no document 'sea/ship\.txt'\. Nearest: 'sea/ships"):
        filled.document("sea/ship.txt")


def test_opened_again_it_answers_the_same(filled):
    before = everything(filled)
    filled.close()
    with Index.open(filled.folder, HashEmbedder()) as again:
        assert everything(again) == before
        assert again.update([BREAD, SHIPS, MUSIC], split_lines).reason == ""


def test_another_embedding_model_is_refused_until_all_is_embedded_anew(filled):
    other = HashEmbedder("hash-32", 32)
    with Index.open(filled.folder, other) as index:
        with pytest.raises(IndexFault, match="built with 'hash-64', not 'hash-32'"):
            index.dense(other.embed_query("bread"), 5)
        assert len(index.lexical("yeast", 5)) == 1
        with pytest.raises(InputError, match=r"'bread\.txt' was not given"):
            index.update([SHIPS], split_lines, remove_missing=False)
        done = index.update([BREAD, SHIPS, MUSIC], split_lines)
        assert done == UpdateSummary(0, 3, 0, 0, 6, "embedding model changed")
        assert index.stats()["dimensions"] == 32
        check_consistent(index)
    with pytest.raises(IndexFault, match="built with 'hash-32', not 'hash-64'"):
        filled.dense(filled.embedder.embed_query("bread"), 5)


def test_two_documents_of_one_name_are_refused(index):
    with pytest.raises(InputError, match=r"Two documents are called 'music\.txt'"):
        index.update([MUSIC, MUSIC], split_lines)


def test_a_passage_that_is_not_in_its_document_is_refused(filled):
    before = everything(filled)
    wrong = Passage("a.txt", 0, 3, "xyz", "prose", "", ())
    with pytest.raises(CorpusError, match=r"a\.txt was split at 0–3"):
        filled.update([document("a.txt", "abc")], lambda _: [wrong])
    outside = Passage("a.txt", 0, 1, "a", "prose", "", (Span(0, 2, "sentence", "ab"),))
    with pytest.raises(CorpusError, match=r"a\.txt was split at 0–1"):
        filled.update([document("a.txt", "abc")], lambda _: [outside])
    assert everything(filled) == before


def test_a_reader_elsewhere_sees_an_update(filled):
    with Index.open(filled.folder, HashEmbedder()) as reader:
        assert len(reader.dense(reader.embedder.embed_query("x"), 99)) == 6
        filled.update([MUSIC], split_lines)
        assert len(reader.dense(reader.embedder.embed_query("x"), 99)) == 2
        assert [info.name for info in reader.documents()] == ["music.txt"]


def test_many_threads_read_while_one_writes(filled):
    stop, faults = threading.Event(), []

    def read():
        query = filled.embedder.embed_query("A piano has 88 keys.")
        try:
            while not stop.is_set():
                (hit,) = filled.dense(query, 1)
                for stored in filled.passages([hit.id]):
                    assert stored.passage.text == "A piano has 88 keys."
                assert len(filled.lexical("piano", 5)) == 1
                assert len(filled.documents()) in (1, 3)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        filled.update([MUSIC], split_lines)
        filled.update([BREAD, SHIPS, MUSIC], split_lines)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    check_consistent(filled)


def test_inside_reading_an_update_is_not_seen(filled):
    with filled.reading():
        assert filled.contains("piano")
        update = threading.Thread(target=filled.update, args=([SHIPS], split_lines))
        update.start()
        update.join()
        with filled.reading():
            assert len(filled.documents()) == 3
        (hit,) = filled.lexical("piano", 5)
        assert texts(filled, [hit]) == ["A piano has 88 keys."]
        assert len(filled.dense(filled.embedder.embed_query("x"), 10)) == 6
    assert not filled.contains("piano")
    assert len(filled.dense(filled.embedder.embed_query("x"), 10)) == 2


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x y", "x\n\ny z", "", "q\nr"])),
        max_size=5,
    )
)
def test_any_history_of_updates_ends_like_a_fresh_build(tmp_path_factory, history):
    with (
        Index.open(tmp_path_factory.mktemp("old"), HashEmbedder()) as old,
        Index.open(tmp_path_factory.mktemp("new"), HashEmbedder()) as new,
    ):
        for corpus in history:
            documents = [document(name, text) for name, text in corpus.items()]
            old.update(documents, split_lines)
        if history:
            new.update(documents, split_lines)
        assert everything(old) == everything(new)
        for term in "xyzqr":
            assert old.idf(term) == new.idf(term)
        check_consistent(old)


def test_pages_and_origin_of_a_document_are_kept(tmp_path):
    text = "First page.\n\nSecond page."
    about = ("pdf", "2026-03-01T12:00:00Z", "box.zip")
    original = Document("box.zip/a.pdf", text, "0" * 64, (0, 13), *about)
    with Index.open(tmp_path, HashEmbedder()) as index:
        index.update([original], split)
        assert index.document("box.zip/a.pdf") == original
        pages = {p.passage.text: p.passage.page for p in index.passages([1, 2])}
        assert pages == {"First page.": 1, "Second page.": 2}
