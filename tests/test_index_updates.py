"""A folder that changes: only what differs is read and embedded, and nothing is lost on the way."""

from __future__ import annotations

import os
import sqlite3
import time

import pytest

from citewise.documents import SkippedFile, SourceFile
from citewise.errors import CorpusError, IndexFault
from citewise.index import Changes, Index
from citewise.index_check import check_index
from citewise.opening import unopened_database
from citewise.sources import FolderSource
from doubles import HashEmbedder, document, split_lines

LONG_AGO = 1_600_000_000


class Folder(FolderSource):
    """A folder that notes what was hashed and read."""

    def __init__(self, root):
        super().__init__(root)
        self.hashed, self.opened = [], []

    def write(self, name, text, *, mtime=LONG_AGO):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (mtime, mtime))

    def digest(self, file):
        self.hashed.append(file.name)
        return super().digest(file)

    def read(self, files):
        for file, reading in super().read(files):
            self.opened.append(file.name)
            yield file, reading

    def touched(self):
        """What was hashed and what was read since the last call."""
        found = self.hashed, self.opened
        self.hashed, self.opened = [], []
        return found


@pytest.fixture
def corpus(tmp_path):
    folder = Folder(tmp_path / "corpus")
    folder.write("a.txt", "Bread needs yeast.\n\nSalt comes last.")
    folder.write("sub/b.txt", "Ships carry bread.")
    folder.write("c.txt", "A piano has keys.")
    return folder


@pytest.fixture
def index(tmp_path):
    with Index.open(tmp_path / "index", HashEmbedder()) as opened:
        yield opened


@pytest.fixture
def built(index, corpus):
    index.refresh(corpus, split_lines)
    index.embedder.embedded.clear()
    corpus.touched()
    return index


def names(index):
    return [info.name for info in index.documents()]


def assert_sound(index):
    report = check_index(unopened_database(index.folder))
    assert report.findings == []
    assert report.waiting == 0
    return report


def best(index, question):
    (hit,) = index.dense(index.embedder.embed_query(question), 1)
    (stored,) = index.passages([hit.id])
    return stored.passage.document, stored.passage.text


def test_an_unchanged_folder_is_listed_and_nothing_is_opened(built, corpus):
    done = built.refresh(corpus, split_lines)
    assert (done.reason, done.unchanged, done.passages) == ("", 3, 4)
    assert corpus.touched() == ([], [])
    assert built.embedder.embedded == []


def test_only_what_changed_is_read_and_only_new_text_embedded(built, corpus):
    corpus.write("a.txt", "Bread needs yeast.\n\nSalt comes first.", mtime=LONG_AGO + 1)
    corpus.write("d.txt", "Rye.")
    (corpus.root / "c.txt").unlink()
    done = built.refresh(corpus, split_lines)
    assert done.changes == Changes(("d.txt",), ("a.txt",), (), ("c.txt",))
    assert (done.added, done.changed, done.removed, done.unchanged) == (1, 1, 1, 1)
    assert corpus.touched() == (["a.txt", "d.txt"], ["a.txt", "d.txt"])
    assert sorted(set(built.embedder.embedded)) == ["Rye.", "Salt comes first."]
    assert best(built, "Salt comes first.") == ("a.txt", "Salt comes first.")
    assert not built.contains("piano")
    assert_sound(built)


def test_a_file_with_another_time_and_the_same_content_is_hashed_and_not_read(built, corpus):
    os.utime(corpus.root / "a.txt", (LONG_AGO + 9, LONG_AGO + 9))
    assert built.refresh(corpus, split_lines).reason == ""
    assert corpus.touched() == (["a.txt"], [])
    assert built.refresh(corpus, split_lines).reason == ""
    assert corpus.touched() == ([], [])


def test_same_size_and_time_is_trusted_unless_asked_not_to(built, corpus):
    corpus.write("c.txt", "A piano has Keys.")
    assert built.refresh(corpus, split_lines).reason == ""
    done = built.refresh(corpus, split_lines, thorough=True)
    assert done.changes.changed == ("c.txt",)
    assert built.document("c.txt").text == "A piano has Keys."


def test_a_file_written_just_now_is_compared_by_content_next_time(index, corpus):
    now = time.time()
    corpus.write("new.txt", "Tea.", mtime=now)
    index.refresh(corpus, split_lines)
    corpus.write("new.txt", "Ale.", mtime=now)
    assert index.refresh(corpus, split_lines).changes.changed == ("new.txt",)
    assert index.document("new.txt").text == "Ale."


def test_a_move_is_neither_read_nor_embedded(built, corpus):
    before = {hit.id for hit in built.dense(built.embedder.embed_query("x"), 99)}
    (corpus.root / "deep").mkdir()
    (corpus.root / "sub/b.txt").rename(corpus.root / "deep/ships.txt")
    (corpus.root / "a.txt").rename(corpus.root / "z.txt")
    done = built.refresh(corpus, split_lines)
    assert done.changes == Changes(moved=(("a.txt", "z.txt"), ("sub/b.txt", "deep/ships.txt")))
    assert (done.moved, done.unchanged, done.reason) == (2, 1, "documents changed")
    assert corpus.touched()[1] == []
    assert built.embedder.embedded == []
    assert names(built) == ["c.txt", "deep/ships.txt", "z.txt"]
    assert best(built, "Ships carry bread.") == ("deep/ships.txt", "Ships carry bread.")
    assert {hit.id for hit in built.dense(built.embedder.embed_query("x"), 99)} == before
    assert_sound(built)
    assert built.refresh(corpus, split_lines).reason == ""


def test_another_suffix_is_another_kind_of_file_and_is_read(built, corpus):
    (corpus.root / "a.txt").rename(corpus.root / "a.md")
    done = built.refresh(corpus, split_lines)
    assert (done.changes.added, done.changes.removed) == (("a.md",), ("a.txt",))
    assert built.embedder.embedded == []
    assert built.document("a.md").format == "markdown"


def test_names_exchanged_between_two_files(built, corpus):
    a, c = corpus.root / "a.txt", corpus.root / "c.txt"
    a.rename(corpus.root / "x")
    c.rename(a)
    (corpus.root / "x").rename(c)
    built.refresh(corpus, split_lines, thorough=True)
    assert built.document("a.txt").text == "A piano has keys."
    assert built.embedder.embedded == []
    assert_sound(built)


def test_equal_passages_share_their_vectors(built, corpus):
    vectors = assert_sound(built).vectors
    for name in ("copy.txt", "copy2.txt"):
        corpus.write(name, "Bread needs yeast.\n\nSalt comes last.")
    done = built.refresh(corpus, split_lines)
    assert done.passages == 8
    assert built.embedder.embedded == []
    assert assert_sound(built).vectors == vectors
    for name in ("a.txt", "copy.txt"):
        (corpus.root / name).unlink()
    built.refresh(corpus, split_lines)
    assert best(built, "Salt comes last.") == ("copy2.txt", "Salt comes last.")
    assert assert_sound(built).vectors == vectors


def test_a_file_that_cannot_be_used_is_told_every_time_and_read_once(built, corpus):
    (corpus.root / "bad.txt").write_text(" \n")
    os.utime(corpus.root / "bad.txt", (LONG_AGO, LONG_AGO))
    reasons = []
    for _ in range(2):
        done = built.refresh(corpus, split_lines)
        assert done.reason == ""
        reasons += [(file.name, file.reason) for file in done.changes.skipped]
    assert corpus.touched() == (["bad.txt"], ["bad.txt"])
    assert len(reasons) == 2
    assert reasons[0] == reasons[1]
    assert reasons[0][0] == "bad.txt"


def test_a_file_that_cannot_be_opened_for_a_moment_stays(built, corpus):
    def refuse(file):
        raise PermissionError(13, "Permission denied")

    corpus.write("a.txt", "New text.", mtime=LONG_AGO + 1)
    corpus.digest = refuse
    done = built.refresh(corpus, split_lines)
    reason = "cannot be read: Permission denied; what was read earlier stays"
    assert done.changes == Changes(skipped=(SkippedFile("a.txt", reason),))
    assert built.document("a.txt").text.startswith("Bread")
    del corpus.digest
    assert built.refresh(corpus, split_lines).changes.changed == ("a.txt",)


def test_a_folder_of_which_nothing_is_left_is_refused_and_the_index_stays(built, corpus):
    for file in corpus.listing().files:
        file.path.unlink()
    with pytest.raises(CorpusError, match=r"corpus' is empty"):
        built.refresh(corpus, split_lines)
    assert names(built) == ["a.txt", "c.txt", "sub/b.txt"]


def test_a_dry_run_tells_and_changes_nothing(built, corpus):
    before = (built.folder / "citewise.sqlite3").read_bytes()
    corpus.write("a.txt", "Other.", mtime=LONG_AGO + 1)
    corpus.write("new.txt", "New.")
    (corpus.root / "c.txt").rename(corpus.root / "d.txt")
    done = built.refresh(corpus, split_lines, dry_run=True)
    assert done.changes == Changes(("new.txt",), ("a.txt",), (("c.txt", "d.txt"),))
    assert (built.folder / "citewise.sqlite3").read_bytes() == before
    assert built.embedder.embedded == []
    done = built.refresh(corpus, split_lines)
    assert done.changes == Changes(("new.txt",), ("a.txt",), (("c.txt", "d.txt"),))


class StopError(Exception):
    pass


def many(corpus, count=20):
    for number in range(count):
        text = "\n\n".join(f"Fact {number} number {i} is here." for i in range(20))
        corpus.write(f"many/{number:02}.txt", text)


@pytest.mark.parametrize("kind", [StopError, KeyboardInterrupt])
def test_what_was_embedded_before_an_interruption_is_not_embedded_again(
    built, corpus, kind, monkeypatch
):
    monkeypatch.setattr("citewise.staging._SECONDS", 0.0)  # As if embedding were slow.
    many(corpus)
    embedder = built.embedder

    def stop(step):
        if step.phase == "embedding" and step.done > 0.7 * step.total:
            raise kind("stop")

    with pytest.raises(kind):
        built.refresh(corpus, split_lines, progress=stop)
    assert names(built) == ["a.txt", "c.txt", "sub/b.txt"]
    report = check_index(unopened_database(built.folder))
    assert report.sound
    assert report.waiting > 5
    assert not built.contains("fact")
    once = len(embedder.embedded)
    done = built.refresh(corpus, split_lines)
    assert done.added == 20
    # At most one batch, which was not committed yet, is embedded twice.
    assert once < 400 <= len(embedder.embedded) < 400 + 150
    assert_sound(built)


def test_what_was_prepared_and_is_not_wanted_any_more_goes(built, corpus):
    many(corpus)

    def stop(step):
        if step.phase == "embedding" and step.done == step.total:
            raise StopError

    with pytest.raises(StopError):
        built.refresh(corpus, split_lines, progress=stop)
    for file in (corpus.root / "many").iterdir():
        file.unlink()
    assert built.refresh(corpus, split_lines).reason == ""
    assert_sound(built)


def test_one_long_document_goes_on_where_it_was_interrupted(built, corpus, monkeypatch):
    monkeypatch.setattr("citewise.staging._MOST", 256)
    text = "\n\n".join(f"Line {number} of a long book." for number in range(600))
    corpus.write("book.txt", text)
    embedder = built.embedder

    def stop(step):
        if step.texts > 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built.refresh(corpus, split_lines, progress=stop)
    built.refresh(corpus, split_lines)
    assert 600 <= len(embedder.embedded) < 600 + 150
    assert_sound(built)


def test_another_embedding_model_starts_anew_after_an_interruption(built, corpus):
    many(corpus)

    def stop(step):
        if step.phase == "publishing":
            raise StopError

    with pytest.raises(StopError):
        built.refresh(corpus, split_lines, progress=stop)
    other = HashEmbedder("hash-32", 32)
    with Index.open(built.folder, other) as index:
        done = index.refresh(corpus, split_lines)
        assert (done.reason, done.changed, done.added) == ("embedding model changed", 3, 20)
        assert_sound(index)


def test_readers_see_the_old_state_until_the_end(built, corpus):
    many(corpus)
    seen = set()

    def look(step):
        with Index.open(built.folder, HashEmbedder()) as reader:
            seen.add((len(reader.documents()), len(reader.lexical("fact bread", 99))))
            assert len(reader.dense(reader.embedder.embed_query("x"), 99)) == 4

    built.refresh(corpus, split_lines, progress=look)
    assert seen == {(3, 2)}
    assert len(built.documents()) == 23


@pytest.fixture
def small_files(monkeypatch):
    """The vector file is written anew only for larger changes, as in a large index."""
    monkeypatch.setattr("citewise.filing._SMALL", 5)
    monkeypatch.setattr("citewise.filing._SHARE", 0.2)


def test_the_vector_file_of_a_large_index_is_not_written_for_every_change(
    index, corpus, small_files
):
    many(corpus, 2)
    index.refresh(corpus, split_lines)
    with Index.open(index.folder, HashEmbedder()) as reader:
        assert len(reader.dense(reader.embedder.embed_query("x"), 999)) == 44
        for turn in range(1, 4):
            corpus.write("a.txt", f"Turn {turn} of this.", mtime=LONG_AGO + turn)
            index.refresh(corpus, split_lines)
            assert [p.name for p in index.folder.glob("vectors-*")] == ["vectors-1.faiss"]
            for asked in (index, reader):
                assert best(asked, f"Turn {turn} of this.") == ("a.txt", f"Turn {turn} of this.")
                hits = asked.dense(asked.embedder.embed_query("Bread needs yeast."), 999)
                assert len(hits) == len({hit.id for hit in hits}) == 43
            assert_sound(index)
    many(corpus, 3)
    index.refresh(corpus, split_lines)
    assert [p.name for p in index.folder.glob("vectors-*")] == ["vectors-5.faiss"]
    assert_sound(index)


def test_layers_rank_like_one_index(index, corpus, small_files, tmp_path):
    many(corpus, 3)
    index.refresh(corpus, split_lines)
    corpus.write("many/01.txt", "Fact 1 number 3 is here.\n\nFact 99 is new.", mtime=LONG_AGO + 1)
    (corpus.root / "c.txt").unlink()
    corpus.write("extra.txt", "Fact 7 number 7 is extra.")
    index.refresh(corpus, split_lines)
    with Index.open(tmp_path / "fresh", HashEmbedder()) as fresh:
        fresh.refresh(corpus, split_lines)
        for question in ("Fact 1 number 3 is here.", "Fact 99 is new.", "bread", "7"):
            assert ranked(index, question) == ranked(fresh, question)


def ranked(index, question):
    hits = index.dense(index.embedder.embed_query(question), 200)
    places = [(s.passage.document, s.passage.start) for s in index.passages([h.id for h in hits])]
    return sorted((round(-hit.score, 5), *place) for hit, place in zip(hits, places, strict=True))


def test_documents_given_by_hand_leave_nothing_of_an_interruption(index):
    index.update([document("a.txt", "Bread.")], split_lines)

    def stop(step):
        if step.phase == "publishing":
            raise StopError

    with pytest.raises(StopError):
        index.update([document("b.txt", "Secret.")], split_lines, progress=stop)
    with sqlite3.connect(index.folder / "citewise.sqlite3") as connection:
        assert connection.execute("SELECT name FROM documents").fetchall() == [("a.txt",)]
    connection.close()


def test_listing_gives_what_the_source_holds(corpus):
    assert [(f.name, f.size) for f in corpus.listing().files] == [
        ("a.txt", 36),
        ("c.txt", 17),
        ("sub/b.txt", 18),
    ]
    assert isinstance(corpus.listing().files[0], SourceFile)


def test_a_second_writer_is_told_while_the_first_prepares(built, corpus):
    many(corpus)
    told = []

    def write_too(step):
        if step.phase == "embedding" and not told:
            with Index.open(built.folder, HashEmbedder()) as other:
                with pytest.raises(IndexFault, match="is being written by process") as fault:
                    other.refresh(corpus, split_lines)
                told.append(str(fault.value))

    built.refresh(corpus, split_lines, progress=write_too)
    assert len(told) == 1
    assert_sound(built)


def test_a_lost_vector_file_takes_the_words_of_later_changes_along(
    index, corpus, small_files, monkeypatch
):
    monkeypatch.setattr("citewise.derivedwords.SMALL", 5)
    monkeypatch.setattr("citewise.index_check_words.SMALL", 5)
    many(corpus, 2)
    index.refresh(corpus, split_lines)
    corpus.write("late.txt", "Rye came late.")
    index.refresh(corpus, split_lines)
    assert_sound(index)
    (index.folder / "vectors-1.faiss").unlink()
    for _ in range(2):
        with Index.open(index.folder, HashEmbedder()) as again:
            assert best(again, "Rye came late.") == ("late.txt", "Rye came late.")
            assert len(again.lexical("rye", 5)) == 1
            assert len(again.lexical("bread", 5)) == 2
        assert_sound(index)
