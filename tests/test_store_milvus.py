"""What is Milvus's own among the stores: two engines without a transaction in common."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from citewise import filing
from citewise.errors import IndexFault, InputError
from citewise.folder_index import FolderIndex
from citewise.stores import open_store
from citewise.stores.milvus import search as milvus_search
from citewise.stores.milvus import vectors as milvus_vectors
from citewise.stores.milvus.address import is_milvus, milvus_address
from citewise.stores.milvus.client import Held, MilvusServer, Row
from citewise.stores.milvus.marker import MARKER, new_stamp, stamp_of
from citewise.stores.milvus.rows import collection_name, difference, name_prefix
from citewise.types import Filter
from doubles import HashEmbedder, document, split_lines
from milvus_double import opened_milvus

HERE = Path(__file__).parent
WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty"]
OLD = [document(f"{i}.txt", f"{w} stone\n\n{w} {i} water") for i, w in enumerate(WORDS)]
NEW = [*OLD[2:], document("1.txt", "birch bark\n\nbirch oil"), document("x.txt", "kelp and salt")]
QUESTIONS = [HashEmbedder().embed_query(text) for text in [*WORDS, "kelp", "bark", "water stone"]]

pytest.importorskip("pymilvus", reason="pymilvus is not installed")
pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A Milvus Lite file, served until the last test of this module."""
    from citewise.stores.milvus.file import release, served

    path = tmp_path_factory.mktemp("milvus") / "vectors.db"
    served(path)
    yield path
    release(path)


@pytest.fixture
def index(tmp_path, file):
    with opened_milvus(tmp_path / "index", file) as index:
        yield index


@pytest.fixture
def old(index):
    index.update(OLD, split_lines)
    return index


def right(index, k=5):
    """Whether an index finds what exact search does."""
    return all(index.found(one, k) == index.exactly(one, k) for one in QUESTIONS)


class Hashed(HashEmbedder):
    """Another model of another length."""

    def __init__(self):
        super().__init__("hash-32", 32)


# Addresses and names


def test_addresses():
    assert [is_milvus(a) for a in ("milvus://h", "x/y.milvus.db", "index", "postgresql://h")] == [
        True,
        True,
        False,
        False,
    ]
    plain = milvus_address("milvus://host")
    assert (plain.uri, plain.database, plain.token, plain.file) == (
        "http://host:19530",
        "",
        "",
        None,
    )
    full = milvus_address("milvus+https://ann:p%40ss@host:1953/team")
    assert (full.uri, full.database, full.token) == ("https://host:1953", "team", "ann:p@ss")
    assert full.shown == "milvus+https://host:1953/team"
    assert "p@ss" not in repr(full)
    assert milvus_address("milvus+https://key@host").uri == "https://host:443"
    assert milvus_address("milvus+https://key@host").token == "key"
    assert milvus_address("milvus://[::1]:7").uri == "http://[::1]:7"
    assert milvus_address("milvus+file:///a/b%20c.db").file == Path("/a/b c.db")
    assert milvus_address("a.milvus.db").file == Path("a.milvus.db").absolute()


@pytest.mark.parametrize(
    "address",
    ["milvus://", "milvus://h/a/b", "milvus://ann:secret@h:x", "milvus+file://h/x", "milvus://h?q"],
)
def test_addresses_that_lead_nowhere(address):
    with pytest.raises(InputError, match="milvus://HOST:PORT") as caught:
        milvus_address(address)
    assert "secret" not in str(caught.value)


def test_names_are_what_milvus_allows():
    assert name_prefix("a1", "Team: Größe/2") == "citewise_Team_Gr_e_2_a1_"
    assert name_prefix("a1", "") == "citewise_a1_"
    assert len(collection_name("a" * 32, "x" * 500, "model", 768)) == 9 + 64 + 1 + 32 + 1 + 8
    names = {collection_name("a1", "", *made) for made in [("m", 3), ("m", 4), ("n", 3)]}
    assert len(names) == 3


def test_a_store_of_vectors_needs_a_folder_for_the_documents():
    with pytest.raises(InputError, match="folder"):
        open_store("milvus://127.0.0.1:1", HashEmbedder())


def test_what_differs():
    ids = np.array([2, 3, 5], np.int64)
    should = Held(ids, np.array([b"b", b"c", b"e"]))
    held = Held(np.array([1, 2, 3], np.int64), np.array([b"a", b"b", b"x"]))
    missing, extra = difference(held, should)
    assert (missing.tolist(), extra.tolist()) == ([3, 5], [1])
    nothing = Held(np.empty(0, np.int64), np.empty(0, "S32"))
    assert [part.tolist() for part in difference(nothing, should)] == [[2, 3, 5], []]
    assert [part.tolist() for part in difference(held, nothing)] == [[], [1, 2, 3]]


def test_a_token_belongs_to_one_generation():
    stamp = new_stamp("12")
    assert stamp != new_stamp("12")
    assert stamp_of({"generation": "12", "milvus_state": stamp}) == stamp
    assert stamp_of({"generation": "1", "milvus_state": stamp}) == ""
    assert stamp_of({"generation": "13", "milvus_state": stamp}) == ""
    assert stamp_of({"generation": "0"}) == ""


# Updates


def test_documents_come_change_and_go(old):
    assert right(old)
    assert old.server.searches >= len(QUESTIONS)
    assert old.differs() == ([], [])
    old.update(NEW, split_lines)
    assert right(old)
    assert old.differs() == ([], [])
    assert len(old.marker()) == 1
    assert old.server.count(old.collection()) == old.stats()["passages"] + 1
    (hit,) = old.dense(HashEmbedder().embed_query("kelp and salt"), 1)
    assert old.passages([hit.id])[0].passage.document == "x.txt"
    assert "Milvus HNSW" in old.stats()["vectors"]


def test_only_what_changed_is_written(old):
    written = []
    old.server.after = written.append
    old.update([*OLD, document("x.txt", "kelp")], split_lines)
    # Nothing was deleted: the marker with two states, one row, and the marker with the new state.
    assert written == ["marker 2", "rows", "settle", "marker 1"]
    written.clear()
    old.update([*OLD, document("x.txt", "kelp")], split_lines)
    assert written == []


def test_a_large_index_whose_words_are_not_filed_each_time(index, monkeypatch):
    """The list of changes then holds those of several updates."""
    monkeypatch.setattr(filing, "_SMALL", 0)
    monkeypatch.setattr(filing, "_SHARE", 9.0)
    states = [OLD, [*OLD, document("x.txt", "kelp")], OLD, OLD[1:], NEW, NEW[2:]]
    written = []
    for state in states:
        written.clear()
        index.server.after = written.append
        index.update(state, split_lines)
        assert index.differs() == ([], [])
        assert len(index.marker()) == 1
        assert right(index)
    assert index.stats()["generation"] == len(states)
    with index._database.reading() as connection:
        (changes,) = connection.execute("SELECT count(*) FROM refiled").fetchone()
    assert changes == 11
    # The last one deleted two documents, and wrote none of those that stayed.
    assert written == ["marker 2", "marker 2", "delete", "settle", "marker 1"]


def test_an_index_emptied_and_filled_again(old):
    name = old.collection()
    old.update([], split_lines)
    assert old.dense(QUESTIONS[0], 3) == []
    assert not old.server.exists(name)
    old.update(NEW, split_lines)
    assert right(old)


def test_another_model_gets_another_collection(old, tmp_path, file):
    name = old.collection()
    with opened_milvus(tmp_path / "index", file, Hashed()) as new:
        new.update(OLD, split_lines)
        question = Hashed().embed_query("cedar")
        assert new.found(question, 3) == new.exactly(question, 3)
        assert new.collection() != name
        assert not new.server.exists(name)
    with pytest.raises(IndexFault, match="hash-32"):
        old.dense(QUESTIONS[0], 3)


def test_two_indexes_in_one_milvus_do_not_see_each_other(old, tmp_path, file):
    with opened_milvus(tmp_path / "other", file, collection="other") as other:
        other.update([document("o.txt", "amber cedar")], split_lines)
        assert len(other.dense(QUESTIONS[0], 9)) == 1
        (name,) = other.server.names("citewise_other_")
        assert right(old)
        other.update([], split_lines)
        assert not other.server.exists(name)
    assert right(old)


def test_each_vector_finds_its_own_passage(index):
    texts = "\n\n".join(f"w{i} v{i * 7 % 501} u{i * 11 % 499}" for i in range(500))
    index.update([document("many.txt", texts)], split_lines)
    with index._database.reading() as connection:
        from citewise.records import all_vectors

        ids, vectors = all_vectors(connection, 64)
    first = {
        vector.tobytes(): int(i) for i, vector in reversed(list(zip(ids, vectors, strict=True)))
    }
    assert all(index.dense(v, 1)[0].id == first[v.tobytes()] for v in vectors[::5])
    assert index.server.searches >= 100


def test_among_equals_the_first_are_found(index):
    texts = [document(f"{i:02}.txt", "the same words\n\nothers here") for i in range(60)]
    index.update(texts, split_lines)
    question = HashEmbedder().embed_query("the same words")
    assert index.found(question, 7) == index.exactly(question, 7)
    assert [i for i, _ in index.found(question, 7)] == list(range(1, 14, 2))


# Filters


@pytest.mark.parametrize(
    ("few", "named", "scattered", "by_milvus"),
    [(1000, 1000, 0, False), (0, 1000, 0, True), (0, 0, 0, True), (0, 0, 1000, False)],
)
def test_filters(old, monkeypatch, few, named, scattered, by_milvus):
    """By the database, by documents named to Milvus, and applied to what Milvus finds."""
    monkeypatch.setattr(milvus_search, "_FEW", few)
    monkeypatch.setattr(milvus_search, "_NAMED", named)
    monkeypatch.setattr(milvus_search, "_SCATTERED", scattered)
    some = old.selected(Filter(documents=("3.txt", "7.txt", "9.txt")))
    for within in (some, some[:1], some[1::2]):
        for question in QUESTIONS:
            assert old.found(question, 4, within) == old.exactly(question, 4, within)
    assert (old.server.searches > 0) == by_milvus


def test_a_filter_names_no_more_documents_to_milvus_than_it_may(old, monkeypatch):
    monkeypatch.setattr(milvus_search, "_FEW", 0)
    named = []
    real = type(old.server).nearest

    def nearest(self, name, vector, limit, documents):
        named.append(documents)
        return real(self, name, vector, limit, documents)

    monkeypatch.setattr(type(old.server), "nearest", nearest)
    within = old.selected(Filter(documents=("3.txt", "7.txt")))
    old.dense(QUESTIONS[0], 2, within)
    assert named == [[4, 8]]
    monkeypatch.setattr(milvus_search, "_NAMED", 1)
    monkeypatch.setattr(milvus_search, "_SCATTERED", 0)
    old.dense(QUESTIONS[0], 2, within)
    assert set(map(str, named[1:])) == {"None"}


def test_what_milvus_does_not_find_is_found_in_the_database(old, monkeypatch):
    def two(self, name, vector, limit, documents):
        return np.array([1, 2], np.int64), np.array([0.5, 0.4], np.float32)

    monkeypatch.setattr(type(old.server), "nearest", two)
    assert right(old)


def test_vectors_that_cannot_be(old):
    with pytest.raises(IndexFault, match="64"):
        old.dense(np.zeros(3, np.float32), 1)
    with pytest.raises(InputError, match="not a number"):
        old.dense(np.full(64, np.nan, np.float32), 1)


# Readers during an update


def test_a_reader_is_right_at_every_step(old, tmp_path, file):
    seen = []
    with opened_milvus(tmp_path / "index", file) as reader:
        assert right(reader)

        def look(what):
            names = {info.name for info in reader.documents()}
            seen.append((what, "x.txt" in names, right(reader)))

        old.server.before = old.server.after = look
        old.update(NEW, split_lines)
        assert reader.server.searches > len(QUESTIONS)
    assert [what for what, _, _ in seen[::2]] == [
        "marker 2",
        "rows",
        "marker 2",
        "delete",
        "settle",
        "marker 1",
    ]
    assert [new for _, new, _ in seen] == [False] * 4 + [True] * 8
    assert all(fits for _, _, fits in seen)


def test_a_reader_that_began_before_an_update_sees_the_state_before(old, tmp_path, file):
    with opened_milvus(tmp_path / "index", file) as reader, reader.reading():
        assert right(reader)
        before = [reader.found(one, 5) for one in QUESTIONS]
        old.update(NEW, split_lines)
        assert [reader.found(one, 5) for one in QUESTIONS] == before
        # Asked of one that looks at that state for the first time, too.
        reader.kept._held = None
        assert [reader.found(one, 5) for one in QUESTIONS] == before
    assert len(old.marker()) == 1
    assert right(old)


def test_threads_that_ask_while_another_updates_are_never_wrong(old, tmp_path, file):
    done, wrong, asked = threading.Event(), [], []

    def ask(reader):
        while not done.is_set():
            for question in QUESTIONS:
                with reader.reading():
                    found, exact = reader.found(question, 6), reader.exactly(question, 6)
                asked.append(found)
                if found != exact:
                    wrong.append((found, exact))

    with opened_milvus(tmp_path / "index", file) as reader:
        threads = [threading.Thread(target=ask, args=(reader,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for turn in range(8):
            old.update((NEW, OLD)[turn % 2], split_lines)
        done.set()
        for thread in threads:
            thread.join()
        assert len(asked) >= len(QUESTIONS)
        assert reader.server.searches > 0
    assert wrong == []
    assert old.differs() == ([], [])


def test_no_search_looks_while_a_flush_moves_rows(old, tmp_path, file, monkeypatch):
    """Milvus Lite takes rows out of memory before they stand in a segment."""
    from milvus_lite.engine import collection

    log, flushing = collection.WAL, threading.Event()

    def slow(*args, **kwargs):
        flushing.set()
        time.sleep(0.5)
        return log(*args, **kwargs)

    monkeypatch.setattr(collection, "WAL", slow)
    with opened_milvus(tmp_path / "index", file) as reader:
        # It has looked at the new state, all of which Milvus holds, and then trusts it for a while.
        old.server.before = lambda what: what == "settle" and right(reader)
        writer = threading.Thread(target=old.update, args=(NEW, split_lines))
        writer.start()
        assert flushing.wait(20)
        for _ in range(20):
            with reader.reading():
                assert right(reader)
        writer.join()


# Crashes and mending


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_kills_between_any_two_writes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "milvus_kills", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(kill["before"], kill["state"]) for kill in found] == [
        ("marker 2", "old"),
        ("rows", "old"),
        ("marker 2", "new"),
        ("delete", "new"),
        ("settle", "new"),
        ("marker 1", "new"),
        ("none", "new"),
    ]
    for kill in found:
        assert kill["right"], kill
        assert kill["by Milvus"], kill
        # The first to look has mended what the kill left.
        assert kill["settled"], kill
        assert kill["differs"] == [[], []], kill
        assert kill["afterwards"] == [[[], []], 1, len(NEW)], kill


@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_an_hnsw_that_was_cut_short_is_made_anew(tmp_path, caplog, kept):
    """Milvus Lite writes it in place: a process killed meanwhile leaves half of one."""
    file = tmp_path / "own.db"
    with opened_milvus(tmp_path / "index", file) as index:
        index.update(OLD, split_lines)
        assert right(index)
    graphs = list(file.glob("**/*.idx"))
    assert graphs
    for graph in graphs:
        graph.write_bytes(graph.read_bytes()[: int(kept * graph.stat().st_size)])
    with opened_milvus(tmp_path / "index", file) as index:
        assert right(index)
        assert index.server.searches > 0
        assert index.differs() == ([], [])
        index.update(NEW, split_lines)
        assert right(index)
    assert "its HNSW is built anew" in caplog.text
    caplog.clear()
    with opened_milvus(tmp_path / "index", file) as index:
        assert right(index)
    assert not caplog.records


@pytest.mark.parametrize("strike", range(1, 7))
def test_a_write_that_fails(old, tmp_path, file, strike):
    """Before SQLite's commit the update fails and nothing has changed; after it, it is done."""
    writes = []

    def before(what):
        writes.append(what)
        if len(writes) == strike:
            raise IndexFault("Milvus failed.", "Try again.")

    old.server.before = before
    early = strike <= 2
    if early:
        with pytest.raises(IndexFault, match="Milvus failed"):
            old.update(NEW, split_lines)
    else:
        old.update(NEW, split_lines)
    assert ("x.txt" in {info.name for info in old.documents()}) != early
    assert right(old)
    with opened_milvus(tmp_path / "index", file) as other:
        assert right(other)
        assert other.differs() == ([], [])
    old.server.before = lambda what: None
    old.update(NEW, split_lines)
    assert right(old)
    assert old.differs() == ([], [])


def _rows_gone(index, folder):
    index.server.delete(index.collection(), np.array([2, 5], np.int64))


def _rows_of_others(index, folder):
    vector = QUESTIONS[0]
    index.server.write(index.collection(), [Row(900 + i, 1, "00", vector) for i in range(40)])


def _marker_gone(index, folder):
    index.server.delete(index.collection(), np.array([MARKER], np.int64))


def _collection_gone(index, folder):
    index.server.drop(index.collection())


def _folder_restored(index, folder):
    """To the state before two updates; another was made from it, so that the numbers are equal."""
    index.close()
    shutil.copytree(folder, folder.with_name("backup"))
    index.update(NEW, split_lines)
    index.close()
    shutil.rmtree(folder)
    folder.with_name("backup").rename(folder)
    with FolderIndex.open(folder, HashEmbedder()) as without:
        without.update([*OLD[:4], document("y.txt", "moss fern")], split_lines)


def _published_without_milvus(index, folder):
    with FolderIndex.open(folder, HashEmbedder()) as without:
        without.update(NEW, split_lines)


@pytest.mark.parametrize(
    "harm",
    [
        _rows_gone,
        _rows_of_others,
        _marker_gone,
        _collection_gone,
        _folder_restored,
        _published_without_milvus,
    ],
)
def test_whatever_happens_to_milvus_is_mended(old, tmp_path, file, harm, caplog):
    harm(old, tmp_path / "index")
    with opened_milvus(tmp_path / "index", file) as index:
        assert right(index)
        assert index.server.searches >= len(QUESTIONS)
        assert index.differs() == ([], [])
        assert len(index.marker()) == 1
    assert caplog.text.count("brought in line") == 1
    with opened_milvus(tmp_path / "index", file) as index:
        assert right(index)
    assert caplog.text.count("brought in line") == 1


@pytest.mark.parametrize("harm", [_rows_gone, _collection_gone, _published_without_milvus])
def test_an_update_mends_too(old, tmp_path, harm):
    harm(old, tmp_path / "index")
    old.kept._held = None
    old.update([*NEW, document("z.txt", "reed")], split_lines)
    assert old.differs() == ([], [])
    assert right(old)


def test_a_running_reader_notices_what_others_did_to_milvus(old, monkeypatch):
    assert right(old)
    old.server.delete(old.collection(), np.array([MARKER, 1, 2, 3], np.int64))
    monkeypatch.setattr(milvus_vectors, "_TRUSTED", 0.0)
    old.kept._held.until = time.monotonic()
    assert right(old)
    assert old.differs() == ([], [])


def test_without_the_right_to_write_a_difference_is_searched_around(old, tmp_path, file, caplog):
    old.server.delete(old.collection(), np.array([MARKER, 4], np.int64))
    with opened_milvus(tmp_path / "index", file) as reader:
        reader.kept._database.read_only = True
        assert right(reader)
        assert reader.server.searches == 0
    assert "does not hold the present state" in caplog.text


# A server that is not there


@pytest.fixture
def unreachable(monkeypatch):
    return "milvus://ann:secret@127.0.0.1:9/team"


def test_an_update_without_a_server_says_so_and_changes_nothing(tmp_path, unreachable):
    with open_store(unreachable, HashEmbedder(), folder=tmp_path) as index:
        with pytest.raises(IndexFault, match=r"127\.0\.0\.1:9/team is not reachable") as caught:
            index.update(OLD, split_lines)
        assert "secret" not in str(caught.value)
        assert caught.value.remedy.startswith("Start it")
        assert index.documents() == []
        assert index.dense(QUESTIONS[0], 3) == []


def test_questions_without_a_server_are_answered_from_the_database(
    old, tmp_path, unreachable, monkeypatch, caplog
):
    expected = [old.exactly(one, 5) for one in QUESTIONS]
    with open_store(unreachable, HashEmbedder(), folder=tmp_path / "index") as index:
        found = [[(h.id, round(h.score, 5)) for h in index.dense(q, 5)] for q in QUESTIONS]
        assert found == expected
        assert caplog.text.count("is not reachable") == 1
        assert "secret" not in caplog.text
        # Too many to be compared one by one for every question.
        monkeypatch.setattr(milvus_search, "MOST_SCANNED", 10)
        with pytest.raises(IndexFault, match="is not reachable"):
            index.dense(QUESTIONS[0], 3)


def test_a_server_that_fails_is_not_asked_for_a_while(old, monkeypatch, caplog):
    assert right(old)
    real, asked = type(old.server).nearest, []

    def fails(self, *arguments):
        asked.append(arguments)
        raise IndexFault("Milvus at x failed (deadline exceeded).", "Check that it runs.")

    monkeypatch.setattr(type(old.server), "nearest", fails)
    assert right(old)
    assert len(asked) == 1
    assert caplog.text.count("deadline exceeded") == 1
    monkeypatch.setattr(type(old.server), "nearest", real)
    searches = old.server.searches
    assert right(old)
    assert old.server.searches == searches
    old.kept._held.until = 0.0
    assert right(old)
    assert old.server.searches > searches


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    index = open_store("milvus://127.0.0.1:9", HashEmbedder(), folder=tmp_path)
    with index, pytest.raises(InputError, match=r'pip install "citewise\[milvus\]"'):
        index.update(OLD, split_lines)


def test_a_file_serves_one_process(old, tmp_path, file):
    """The other answers from the database, and is told why it cannot write."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from doubles import HashEmbedder, document, split_lines\n"
        "from citewise.errors import IndexFault\n"
        "from citewise.stores import open_store\n"
        "folder, file = map(Path, sys.argv[1:])\n"
        "address = f'milvus+file://{file}'\n"
        "with open_store(address, HashEmbedder(), folder=folder) as index:\n"
        "    print([hit.id for hit in index.dense(HashEmbedder().embed_query('cedar'), 2)])\n"
        "    try:\n"
        "        index.update([document('n.txt', 'new')], split_lines)\n"
        "    except IndexFault as fault:\n"
        "        print(fault)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "index"), str(file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ids, told = done.stdout.splitlines()
    assert json.loads(ids) == [i for i, _ in old.exactly(HashEmbedder().embed_query("cedar"), 2)]
    assert "another process uses it" in told
    assert "one process at a time" in told
    assert "Traceback" not in done.stderr
    assert right(old)


def test_closing_lets_another_process_have_the_file(tmp_path):
    with opened_milvus(tmp_path / "index", tmp_path / "own.db") as index:
        index.update(OLD, split_lines)
        second = opened_milvus(tmp_path / "index", tmp_path / "own.db")
        assert right(second)
        second.close()
        assert right(index)
    import fcntl

    with (tmp_path / "own.db" / "LOCK").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # Closed, it stays usable.
    assert right(index)
    index.close()


def test_nothing_of_milvus_is_imported_before_it_is_needed(tmp_path):
    script = (
        "import sys; from pathlib import Path; from citewise.stores import open_store\n"
        "from doubles import HashEmbedder\n"
        "open_store('milvus://127.0.0.1:9', HashEmbedder(), folder=Path(sys.argv[1]))\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('pymilvus', 'milvus_lite', 'grpc')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_the_address_leads_to_it(tmp_path):
    address = f"milvus+file://{tmp_path}/v.db"
    with open_store(address, HashEmbedder(), "team", folder=tmp_path / "index") as index:
        index.update(OLD, split_lines)
        assert index.folder == tmp_path / "index" / "collections" / "team"
        server = MilvusServer(milvus_address(address))
        assert len(server.names("citewise_team_")) == 1
        server.close()
