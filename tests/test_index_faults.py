import contextlib
import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from citewise.database import FORMAT
from citewise.errors import CorpusError, IndexFault
from citewise.index import Index
from doubles import HashEmbedder, document, split_lines

OLD = [document("a.txt", "Bread needs yeast.\n\nSalt comes last."), document("b.txt", "Ships.")]
NEW = [document("a.txt", "Bread needs time."), document("c.txt", "Pianos have keys.")]
BIG = [document("big.txt", "\n\n".join(f"Paragraph number {i} of many." for i in range(3000)))]

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


@pytest.fixture
def folder(tmp_path):
    """A folder with the index of OLD."""
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        index.update(OLD, split_lines)
    return tmp_path / "index"


def names(folder):
    with Index.open(folder, HashEmbedder()) as index:
        return [info.name for info in index.documents()]


def best(index, question):
    (hit,) = index.dense(index.embedder.embed_query(question), 1)
    (stored,) = index.passages([hit.id])
    return stored.passage.text


# Folders


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "index").write_text("hello")
    with pytest.raises(IndexFault, match=r"index is a file\. Give a folder"):
        Index.open(tmp_path / "index", HashEmbedder())


def test_a_file_in_place_of_a_parent(tmp_path):
    (tmp_path / "file").write_text("hello")
    with pytest.raises(IndexFault, match="cannot be used"):
        Index.open(tmp_path / "file" / "index", HashEmbedder())


@pytest.fixture
def public():
    """A folder that a user without rights can reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@contextlib.contextmanager
def without_rights(folder):
    """Run the block as somebody who may read ``folder`` and write nothing in it."""
    folder.chmod(0o555)
    for file in folder.iterdir():
        file.chmod(0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@posix
def test_a_read_only_folder_is_searched_but_not_changed(public):
    with Index.open(public / "index", HashEmbedder()) as index:
        index.update(OLD, split_lines)
        index.dense(index.embedder.embed_query("x"), 1)  # Imports FAISS while it is allowed to.
    with without_rights(public / "index"), Index.open(public / "index", HashEmbedder()) as index:
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."
        assert len(index.lexical("salt", 5)) == 1
        assert index.update(OLD, split_lines).reason == ""
        with pytest.raises(IndexFault, match=r"cannot be written\. Make it writable"):
            index.update(NEW, split_lines)
    assert names(public / "index") == ["a.txt", "b.txt"]


@posix
def test_a_read_only_folder_without_an_index(public):
    (public / "index").mkdir()
    with without_rights(public / "index"), pytest.raises(IndexFault, match="cannot be written"):
        Index.open(public / "index", HashEmbedder())


@posix
def test_a_folder_that_cannot_be_made(public):
    with without_rights(public), pytest.raises(IndexFault, match="cannot be written"):
        Index.open(public / "index", HashEmbedder())


# Room


@contextlib.contextmanager
def limited_file_size(size):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@posix
@pytest.mark.parametrize("size", [150_000, 700_000, 1_500_000])
def test_files_that_cannot_grow_leave_the_previous_index(folder, size):
    with Index.open(folder, HashEmbedder()) as index:
        with (
            limited_file_size(size),
            pytest.raises(IndexFault, match=r"could not be written to the end .*disk space"),
        ):
            index.update(BIG, split_lines)
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."
        assert not list(folder.glob("*.tmp"))
    assert names(folder) == ["a.txt", "b.txt"]
    with Index.open(folder, HashEmbedder()) as index:
        assert index.update(BIG, split_lines).passages == 3000


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    path = tmp_path / "small"
    path.mkdir()
    mount = [shutil.which("mount") or "", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    if not mount[0] or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run([shutil.which("umount"), str(path)], check=True)


def test_a_full_disk_leaves_the_previous_index(small_disk):
    with Index.open(small_disk, HashEmbedder()) as index:
        index.update(OLD, split_lines)
        with pytest.raises(IndexFault, match=r"could not be written to the end .*disk space"):
            index.update(BIG, split_lines)
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."
    assert names(small_disk) == ["a.txt", "b.txt"]
    with Index.open(small_disk, HashEmbedder()) as index:
        index.update(NEW, split_lines)
    assert names(small_disk) == ["a.txt", "c.txt"]


def test_a_full_disk_at_the_first_build(small_disk):
    with Index.open(small_disk, HashEmbedder()) as index:
        with pytest.raises(IndexFault, match="could not be written to the end"):
            index.update(BIG, split_lines)
        assert index.documents() == []


# Damage


def rewritten(path, change):
    path.write_bytes(change(path.read_bytes()))


DAMAGES = {
    "garbage": lambda data: b"\x17garbage" * 500,
    "other text": lambda data: b"hello",
    "header only": lambda data: data[:100],
    "truncated": lambda data: data[: len(data) // 2],
    "zeros inside": lambda data: data[:4096] + bytes(12 * 4096) + data[13 * 4096 :],
    "another program's": lambda data: other_database(),
}


def other_database():
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
        return connection.serialize() if sys.version_info >= (3, 11) else b"SQLite format 3\0..."


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_is_moved_aside_and_built_anew(folder, damage, caplog):
    database = folder / "citewise.sqlite3"
    rewritten(database, DAMAGES[damage])
    damaged = database.read_bytes()
    with Index.open(folder, HashEmbedder()) as index:
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "was damaged and is rebuilt from the documents" in record.message
        assert "\n" not in record.message
        assert index.documents() == []
        assert index.update(OLD, split_lines).reason == "repaired"
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."
        assert index.update(NEW, split_lines).reason == "documents changed"
    assert (folder / "citewise.sqlite3.damaged").read_bytes() == damaged


@pytest.mark.parametrize("content", [b"", None])
def test_an_emptied_or_deleted_database_is_built_anew(folder, content):
    database = folder / "citewise.sqlite3"
    database.unlink() if content is None else database.write_bytes(content)
    database.with_name(database.name + "-wal").write_bytes(b"left over" * 999)
    with Index.open(folder, HashEmbedder()) as index:
        assert index.update(OLD, split_lines).reason == "first build"
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."


def test_random_damage_never_gives_a_wrong_answer_or_a_bare_error(folder):
    """Bytes overwritten anywhere: rebuilt, refused, or not hit; never other words."""
    generator = random.Random(5)  # noqa: S311
    database = folder / "citewise.sqlite3"
    sound = database.read_bytes()
    outcomes = set()
    for _ in range(150):
        place = generator.randrange(len(sound) - 64)
        junk = generator.randbytes(generator.choice([1, 8, 64]))
        database.write_bytes(sound[:place] + junk + sound[place + len(junk) :])
        outcomes.add(outcome_of_asking(folder))
        for file in folder.glob("citewise.sqlite3*"):
            file.unlink()
    assert {"rebuilt", "right"} <= outcomes <= {"rebuilt", "refused", "right"}


def outcome_of_asking(folder):
    try:
        with Index.open(folder, HashEmbedder()) as index:
            if not index.documents():
                return "rebuilt"
            index.dense(index.embedder.embed_query("Bread needs yeast."), 1)
            index.lexical("bread salt ships", 5)
            assert [index.document(old.name).text for old in OLD] == [old.text for old in OLD]
            return "right"
    except (IndexFault, CorpusError) as fault:
        assert fault.remedy
        return "refused"


def test_altered_text_is_not_served(folder):
    with contextlib.closing(sqlite3.connect(folder / "citewise.sqlite3")) as connection:
        connection.execute("UPDATE documents SET text = 'Bread needs yeasT.' WHERE name = 'a.txt'")
        connection.commit()
    with (
        Index.open(folder, HashEmbedder()) as index,
        pytest.raises(IndexFault, match=r"text of a\.txt has been altered\. Delete"),
    ):
        index.document("a.txt")


@pytest.mark.parametrize("change", ["DELETE FROM meta", "UPDATE meta SET value = 'x'"])
def test_a_manifest_that_cannot_be_read_is_told(folder, change):
    with contextlib.closing(sqlite3.connect(folder / "citewise.sqlite3")) as connection:
        connection.execute(change)
        connection.commit()
    with Index.open(folder, HashEmbedder()) as index:
        for asking in (lambda: index.idf("bread"), lambda: index.update(NEW, split_lines)):
            with pytest.raises(IndexFault, match=r"is damaged \(the manifest.*Delete the folder"):
                asking()


def altered(data):
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


@pytest.mark.parametrize("change", [None, altered, lambda data: data[:50], lambda data: b""])
def test_a_missing_or_altered_vector_file_is_rebuilt(folder, change, caplog):
    path = folder / "vectors-1.faiss"
    sound = path.read_bytes()
    path.unlink() if change is None else rewritten(path, change)
    with Index.open(folder, HashEmbedder()) as index:
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."
    assert "missing or altered; rebuilt from the database" in caplog.text
    assert path.read_bytes() == sound
    caplog.clear()
    with Index.open(folder, HashEmbedder()) as index:
        assert best(index, "Salt comes last.") == "Salt comes last."
    assert caplog.text == ""


def test_a_vector_file_of_another_index_is_not_used(folder, tmp_path):
    with Index.open(tmp_path / "other", HashEmbedder()) as other:
        other.update([document("z.txt", "Salt comes last.\n\nBread needs yeast.")], split_lines)
    shutil.copy(tmp_path / "other" / "vectors-1.faiss", folder / "vectors-1.faiss")
    with Index.open(folder, HashEmbedder()) as index:
        assert best(index, "Salt comes last.") == "Salt comes last."


def test_a_vector_file_is_rebuilt_in_memory_while_another_writes(folder):
    (folder / "vectors-1.faiss").unlink()
    with Index.open(folder, HashEmbedder()) as index:

        def split_and_search(source):
            assert best(index, "Bread needs yeast.") == "Bread needs yeast."
            return split_lines(source)

        index.update(NEW, split_and_search)
        assert best(index, "Bread needs time.") == "Bread needs time."


# Formats


def set_format(folder, version):
    with contextlib.closing(sqlite3.connect(folder / "citewise.sqlite3")) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


def test_a_newer_format_is_refused_and_kept(folder):
    set_format(folder, FORMAT + 1)
    before = (folder / "citewise.sqlite3").read_bytes()
    with pytest.raises(IndexFault, match=r"newer citewise than this one.*Update citewise"):
        Index.open(folder, HashEmbedder())
    assert (folder / "citewise.sqlite3").read_bytes() == before


def test_an_older_format_is_built_anew(folder, monkeypatch):
    monkeypatch.setattr("citewise.database.FORMAT", FORMAT + 1)
    monkeypatch.setattr("citewise.opening.FORMAT", FORMAT + 1)
    with Index.open(folder, HashEmbedder()) as index:
        assert index.documents() == []
        assert index.update(OLD, split_lines).reason == "format changed"
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."
    assert not (folder / "citewise.sqlite3.damaged").exists()


# Interruptions


class StopError(Exception):
    pass


@pytest.mark.parametrize("place", ["documents", "split", "embed", "progress", "shape", "nan"])
@pytest.mark.parametrize("kind", [StopError, KeyboardInterrupt, OSError])
def test_an_error_anywhere_leaves_the_previous_index(folder, place, kind):
    embedder = HashEmbedder()

    def fail(*_):
        raise kind("stop")

    def documents():
        yield from NEW
        if place == "documents":
            fail()

    split = fail if place == "split" else split_lines
    embed = embedder.embed_passages
    replacements = {
        "embed": fail,
        "shape": lambda texts: embed(texts)[:-1],
        "nan": lambda texts: embed(texts) * float("nan"),
    }
    with Index.open(folder, embedder) as index:
        embedder.embed_passages = replacements.get(place, embed)
        progress = fail if place == "progress" else None
        with pytest.raises(IndexFault if place in ("shape", "nan") else kind):
            index.update(documents(), split, progress=progress)
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."
        embedder.embed_passages = embed
        assert index.update(NEW, split_lines).reason == "documents changed"
    assert names(folder) == ["a.txt", "c.txt"]


def test_a_vector_file_that_cannot_be_written_leaves_the_previous_index(folder):
    (folder / "vectors-2.faiss").mkdir()
    with Index.open(folder, HashEmbedder()) as index:
        with pytest.raises(IndexFault, match="cannot be used"):
            index.update(NEW, split_lines)
        assert best(index, "Bread needs yeast.") == "Bread needs yeast."
        (folder / "vectors-2.faiss").rmdir()
        index.update(NEW, split_lines)
        assert sorted(p.name for p in folder.glob("vectors*")) == ["vectors-2.faiss"]


# Writers


def test_a_second_writer_is_told(folder):
    with Index.open(folder, HashEmbedder()) as one, Index.open(folder, HashEmbedder()) as two:
        told = []

        def split(source):
            with pytest.raises(IndexFault) as fault:
                two.update([], split_lines)
            told.append(str(fault.value))
            assert [info.name for info in two.documents()] == ["a.txt", "b.txt"]
            return split_lines(source)

        one.update(NEW, split)
        assert len(told) == 2
        assert f"is being written by process {os.getpid()}. Wait" in told[0]
        assert two.update([], split_lines).removed == 2


def test_a_second_writer_in_another_process_is_told(folder):
    code = (
        "import sys; from pathlib import Path; from doubles import *;"
        "from citewise.index import Index;"
        "Index.open(Path(sys.argv[1]), HashEmbedder()).update([], split_lines)"
    )
    paths = os.pathsep.join(path for path in [str(Path(__file__).parent), *sys.path] if path)
    errors = []

    def split(source):
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
        )
        errors.append(done.stderr)
        return split_lines(source)

    with Index.open(folder, HashEmbedder()) as index:
        index.update(OLD[:1] + NEW[1:], split)
    assert f"is being written by process {os.getpid()}. Wait" in errors[0]
    assert names(folder) == ["a.txt", "c.txt"]


def test_many_open_a_new_index_at_once(tmp_path):
    faults, start = [], threading.Barrier(8)

    def open_one():
        start.wait()
        try:
            with Index.open(tmp_path / "index", HashEmbedder()) as index:
                assert index.documents() == []
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_half_a_character_is_told(folder):
    with Index.open(folder, HashEmbedder()) as index:
        with pytest.raises(CorpusError, match=r"bad\.txt holds half a character at offset 2"):
            index.update([document_with("ab\ud800")], split_lines)
        assert [info.name for info in index.documents()] == ["a.txt", "b.txt"]


def document_with(text):
    from citewise.types import Document

    return Document("bad.txt", text, "0" * 64)
