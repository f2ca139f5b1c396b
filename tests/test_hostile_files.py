"""Files made to hang, to fill the memory, to escape, or simply broken: each costs one line."""

from __future__ import annotations

import io
import os
import threading
import time
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citewise.documents import Reading, list_files, read_corpus, read_file, read_sources
from citewise.errors import CorpusError
from citewise.files import safe_name
from citewise.limits import ReadLimits, UnusableFileError
from citewise.readers.formats import extract
from citewise.readers.from_zip import safe_path
from citewise.reading_process import ReaderProcess
from file_samples import (
    docx_file,
    eml_file,
    epub_file,
    long_pdf,
    pdf_file,
    pptx_file,
    xlsx_file,
    zip_file,
)

SAMPLES = {
    "a.docx": docx_file(),
    "a.pptx": pptx_file(),
    "a.xlsx": xlsx_file(),
    "a.epub": epub_file(),
    "a.pdf": pdf_file(),
    "a.zip": zip_file({"a.txt": b"words " * 100}),
}


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def reasons(reading: Reading) -> dict[str, str]:
    return {file.name: file.reason for file in reading.skipped}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_truncated_file_costs_one_line(tmp_path: Path, name: str) -> None:
    data = SAMPLES[name]
    write(tmp_path, f"half/{name}", data[: len(data) // 2])
    write(tmp_path, f"empty/{name}", b"")
    write(tmp_path, f"garbage/{name}", os.urandom(5000))
    write(tmp_path, f"head/{name}", data[:8] + os.urandom(5000))
    write(tmp_path, "good.txt", b"Good words.")
    corpus = read_corpus(tmp_path)
    assert [d.name for d in corpus.documents] == ["good.txt"]
    told = {s.name: s.reason for s in corpus.skipped}
    assert sorted(told) == [f"{part}/{name}" for part in ("empty", "garbage", "half", "head")]
    assert told[f"empty/{name}"].endswith(": it is empty")
    assert told[f"garbage/{name}"].endswith(": its first bytes are those of something else")
    for part in ("half", "head"):
        assert told[f"{part}/{name}"].startswith("is damaged or incomplete: ")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_a_file_with_altered_bytes_is_read_or_refused(name: str, data: st.DataObject) -> None:
    altered = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(altered) - 1))
        altered[place] = data.draw(st.integers(0, 255))
    kind = name.removeprefix("a.")
    if kind != "zip":
        try:
            found = extract(bytes(altered), name, kind, ReadLimits(), lambda: None)
        except UnusableFileError as reason:
            assert str(reason)
        else:
            assert all(0 <= start <= len(found.text) for start in found.pages)


def test_encrypted_files_say_so(tmp_path: Path) -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption

    locked = pdf_file(encrypt=StandardEncryption("secret", canPrint=0))
    packed = bytearray(zip_file({"a.txt": b"words"}))
    packed[6] |= 1  # the flag in the entry, and in the directory at the end
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    rights = {"META-INF/rights.xml": b"<rights/>", "META-INF/container.xml": b"<x/>"}
    assert reasons(read_file(write(tmp_path, "a.pdf", locked))) == {
        "a.pdf": "is encrypted; save it without a password"
    }
    assert reasons(read_file(write(tmp_path, "a.zip", bytes(packed)))) == {
        "a.zip/a.txt": "is encrypted; pack it without a password"
    }
    assert reasons(read_file(write(tmp_path, "a.epub", zip_file(rights)))) == {
        "a.epub": "is protected by its seller (DRM)"
    }


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.docx", "bomb.xlsx", "bomb.pptx", "bomb.epub"])
def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, name: str) -> None:
    bomb = zip_file({f"{number}.xml": bytes(8 * 2**20) for number in range(5)})
    assert len(bomb) < 50_000
    reading = read_file(write(tmp_path, name, bomb), limits=ReadLimits(unpacked_bytes=2**24))
    assert reading.documents == ()
    assert reasons(reading) == {
        name: "would unpack to 40 MiB; at most 16 MiB are read from one archive"
    }


def test_an_entry_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    data = bytearray(zip_file({"a.txt": b"0" * 100_000}))
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = (10).to_bytes(4, "little")
    assert reasons(read_file(write(tmp_path, "a.zip", bytes(data)))) == {
        "a.zip/a.txt": "is damaged in its archive"
    }


def test_an_entry_without_a_name_costs_the_others_nothing(tmp_path: Path) -> None:
    data = zip_file({"a.txt": b"Nothing names this.", "b.txt": b"Bread needs yeast."})
    reading = read_file(write(tmp_path, "a.zip", data.replace(b"a.txt", b"\0.txt")))
    assert reasons(reading) == {}
    assert [document.name for document in reading.documents] == ["a.zip/b.txt"]


def test_archives_within_archives_share_one_budget(tmp_path: Path) -> None:
    inner = zip_file({f"{n}.txt": b"x" * 1000 for n in range(8)})
    outer = zip_file({f"{n}.zip": inner for n in range(8)})
    path = write(tmp_path, "a.zip", outer)
    reading = read_file(path, limits=ReadLimits(members=20))
    assert len(reading.documents) < 20
    assert set(reasons(reading).values()) == {"is past the 20 files that are read"}
    reading = read_file(path, limits=ReadLimits(unpacked_bytes=20_000))
    assert len(reading.documents) < 20
    assert "is past the 20,000 bytes that are unpacked from one file" in reasons(reading).values()


def test_xml_bombs_stay_small(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>'
    outside = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    host = Path("/etc/hostname").read_text().strip()
    for name, (sample, part) in {
        "a.docx": (docx_file(), "word/document.xml"),
        "a.pptx": (pptx_file(), "ppt/slides/slide1.xml"),
        "a.xlsx": (xlsx_file(), "xl/worksheets/sheet1.xml"),
        "a.epub": (epub_file(), "O/book.opf"),
    }.items():
        for head, reference in ((bomb, "&e11;"), (outside, "&f;")):
            data = _with_head(sample, part, head, reference)
            reading = read_file(write(tmp_path, name, data))
            text = "".join(document.text for document in reading.documents)
            assert len(text) < 5000, (name, reference)
            assert host not in text
            assert "ha" * 1000 not in text


def _with_head(sample: bytes, part: str, head: str, reference: str) -> bytes:
    members = {}
    with zipfile.ZipFile(io.BytesIO(sample)) as archive:
        for name in archive.namelist():
            members[name] = archive.read(name)
    body = members[part].decode().partition("?>")[2] or members[part].decode()
    for text in ("</a:t>", "</w:t>", "</v>", "</manifest>"):
        body = body.replace(text, reference + text, 1)
    members[part] = (head + body).encode()
    return zip_file(members)


SLOW = "<div>" * 400_000


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    path = write(tmp_path, "slow.html", SLOW.encode())
    began = time.perf_counter()
    assert reasons(read_file(path, limits=ReadLimits(seconds=2))) == {
        "slow.html": "took longer than 2 s to read (CITEWISE_READ_SECONDS)"
    }
    assert time.perf_counter() - began < 20


def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    path = write(tmp_path, "wide.csv", b"a,b,c\n" * 2_000_000)
    assert reasons(read_file(path, limits=ReadLimits(memory_bytes=2**28))) == {
        "wide.csv": "needs more than 256 MiB of memory to be read"
    }


def test_the_rest_of_an_archive_survives_a_member_that_hangs(tmp_path: Path) -> None:
    members = {"a.txt": b"first", "b.html": SLOW.encode(), "c.txt": b"third"}
    reading = read_file(write(tmp_path, "box.zip", zip_file(members)), limits=ReadLimits(seconds=5))
    assert [d.name for d in reading.documents] == ["box.zip/a.txt", "box.zip/c.txt"]
    assert reasons(reading) == {
        "box.zip/b.html": "took longer than 5 s to read (CITEWISE_READ_SECONDS)"
    }


def test_the_process_goes_on_after_a_bad_file(tmp_path: Path) -> None:
    write(tmp_path, "1.html", SLOW.encode())
    write(tmp_path, "2.html", b"<p>fine</p>")
    readings = [r for _, r in read_sources(list_files(tmp_path).files, ReadLimits(seconds=3), 1)]
    assert [len(r.documents) for r in readings] == [0, 1]


def test_a_killed_reader_is_told_of(tmp_path: Path) -> None:
    process = ReaderProcess(ReadLimits())
    (file,) = list_files(write(tmp_path, "slow.html", SLOW.encode())).files
    reading = process.read(file)

    def kill() -> None:
        while process._process is None:
            time.sleep(0.05)
        time.sleep(1.0)
        process._process.kill()

    threading.Thread(target=kill).start()
    (skipped,) = list(reading)
    assert skipped.reason == "was stopped by the system, perhaps because memory ran out"
    process.end()


def test_stopping_early_leaves_no_process_behind(tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path, f"{number}.html", b"<p>fine</p>")
    readings = read_sources(list_files(tmp_path).files, processes=2)
    next(readings)
    readings.close()
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if children.exists():
        for pid in children.read_text().split():
            assert b"citewise.readers.child" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_too_large_and_too_long(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", b"word " * 1000)
    assert reasons(read_file(path, limits=ReadLimits(file_bytes=4096))) == {
        "a.txt": "is larger than 4,096 bytes"
    }
    assert reasons(read_file(path, limits=ReadLimits(text_characters=100))) == {
        "a.txt": "holds 5,000 characters; at most 100 are read"
    }


def test_a_module_in_the_current_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "json.py", b"open('ran', 'w')")
    write(tmp_path, "a.html", b"<p>fine</p>")
    monkeypatch.chdir(tmp_path)
    assert read_file(Path("a.html")).documents[0].text == "fine"
    assert not (tmp_path / "ran").exists()


def test_devices_pipes_and_links_are_not_opened(tmp_path: Path) -> None:
    write(tmp_path, "good.txt", b"Good words.")
    outside = write(tmp_path.parent, "outside.txt", b"Not for you.")
    (tmp_path / "link.txt").symlink_to(outside)
    (tmp_path / "folder").symlink_to(tmp_path.parent)
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.pdf")
    listing = list_files(tmp_path)
    assert [f.name for f in listing.files] == ["good.txt"]
    assert {s.name: s.reason for s in listing.skipped} == {
        "folder": "is a link; links are not followed",
        "link.txt": "is a link; links are not followed",
        "loop.txt": "is a link; links are not followed",
        "pipe.pdf": "is not a regular file",
        "zero.txt": "is a link; links are not followed",
    }
    with pytest.raises(CorpusError, match="is neither a folder nor a file"):
        list_files(Path("/dev/zero"))


def test_a_file_exchanged_for_a_pipe_after_listing_does_not_block(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", b"words")
    (file,) = list_files(tmp_path).files
    path.unlink()
    os.mkfifo(path)
    ((_, reading),) = read_sources([file])
    assert reasons(reading) == {"a.txt": "is not a regular file"}


def test_a_pdf_of_very_many_pages_is_read_or_left_out_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path, "log.pdf", long_pdf(600))
    reading = read_file(path, limits=ReadLimits(pages=400))
    (document,) = reading.documents
    assert len(document.pages) == 400
    for number in (1, 277, 400):
        assert document.text.startswith(f"Day {number} of the log.", document.pages[number - 1])
    assert reasons(reading) == {
        "log.pdf (pages 401–600)": "are beyond the 400 that are read (CITEWISE_READ_PAGES)"
    }
    path = write(tmp_path, "longer.pdf", long_pdf(10_000))
    began = time.perf_counter()
    assert reasons(read_file(path, limits=ReadLimits(total_seconds=1))) == {
        "longer.pdf": "took longer than 1 s to read (CITEWISE_READ_TOTAL_SECONDS)"
    }
    assert time.perf_counter() - began < 20


def test_names_of_every_kind(tmp_path: Path) -> None:
    long = "n" * 251 + ".txt"
    for name in (long, "A.txt", "a.txt", "שלום.txt", "x\u202etxt.exe.txt", "new\nline.txt"):
        write(tmp_path, name, b"words")
    raw = os.fsencode(tmp_path)
    for name in (b"bad\xff.txt", b"bad\xfe.txt"):
        Path(os.fsdecode(raw + b"/" + name)).write_bytes(b"words")
    names = [document.name for document in read_corpus(tmp_path).documents]
    assert sorted(names) == sorted(
        [
            long,
            "A.txt",
            "a.txt",
            "bad\\udcfe.txt",
            "bad\\udcff.txt",
            "new\\nline.txt",
            "x\\u202etxt.exe.txt",
            "שלום.txt",
        ]
    )


def test_names_that_would_be_written_the_same(tmp_path: Path) -> None:
    write(tmp_path, "a\n.txt", b"one")
    write(tmp_path, "a\\n.txt", b"two")
    corpus = read_corpus(tmp_path)
    assert [d.name for d in corpus.documents] == ["a\\n.txt"]
    assert [(s.name, s.reason) for s in corpus.skipped] == [
        ("a\\n.txt", "another file's name is written the same")
    ]


@given(st.text())
def test_a_safe_name_acts_on_nothing(name: str) -> None:
    kinds = {unicodedata.category(c) for c in safe_name(name) if c not in "\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.sampled_from("ab/\\.:C~\x00 "), max_size=30))
def test_a_member_stays_below_its_archive(name: str) -> None:
    parts = safe_path(name).split("/")
    assert ".." not in parts
    assert "\\" not in safe_path(name).replace("\\x00", "")
    assert not safe_path(name).startswith("/")


def test_a_message_of_a_thousand_parts_ends(tmp_path: Path) -> None:
    data = eml_file({f"{n}.txt": b"words" for n in range(30)})
    reading = read_file(write(tmp_path, "a.eml", data), limits=ReadLimits(members=10))
    assert len(reading.documents) == 11
    assert len(reading.skipped) == 20
