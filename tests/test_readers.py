"""What each format gives as text: headings, lists, tables with column names, encodings."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewise.documents import Reading, read_file
from citewise.limits import ReadLimits, UnusableFileError
from citewise.readers.decoding import decode
from citewise.readers.from_csv import read_csv
from citewise.readers.from_html import read_html
from citewise.readers.from_json import read_json
from citewise.readers.from_xlsx import read_xlsx, shown
from citewise.readers.kinds import format_of
from citewise.settings import current
from citewise.splitting import split
from file_samples import docx_file, eml_file, epub_file, pptx_file, xlsx_file, zip_file


def read(tmp_path: Path, name: str, data: bytes) -> Reading:
    path = tmp_path / name
    path.write_bytes(data)
    return read_file(path)


def text_of(tmp_path: Path, name: str, data: bytes) -> str:
    reading = read(tmp_path, name, data)
    assert reading.skipped == ()
    (document,) = reading.documents
    return document.text


def nothing() -> None:
    pass


def html(markup: str) -> str:
    return read_html(markup.encode(), nothing).text


def test_docx(tmp_path: Path) -> None:
    assert text_of(tmp_path, "a.docx", docx_file()) == (
        "# Terms of delivery\n\nGoods are delivered within ten days.\n\n- Paint\n- Brushes\n\n"
        "## Prices\n\n| Article | Price |\n|---|---|\n| Red \\| blue | 4 € |"
    )


def test_pptx_has_a_page_for_each_slide(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "a.pptx", pptx_file()).documents
    assert isinstance(hash(document), int)  # as every document, though it came as JSON
    assert document.text == (
        "# Plan\n\n- Launch in May\n- Hire three people\n\nNotes: Mention the budget.\n\n"
        "# Figures\n\n|  | Revenue |\n|---|---|\n| 2024 | 1.5 |\n| 2025 | 2.25 |"
    )
    assert document.text[document.pages[1] :].startswith("# Figures")
    assert {p.page for p in split(document)} == {1, 2}


def test_xlsx_shows_numbers_as_the_sheet_does_and_leaves_hidden_sheets_out(tmp_path: Path) -> None:
    reading = read(tmp_path, "a.xlsx", xlsx_file())
    (document,) = reading.documents
    assert document.text == (
        "# Sales\n\nSales by region\n\n| Region | Revenue | Growth | Closed |\n|---|---|---|---|\n"
        "| North | $1,234,567.50 | 12.5% | 2025-03-01 |\n"
        "| South | $98,765.43 | -4.0% | 2025-06-30 |\n\n"
        "# Staff\n\n| Name | Age | Twice |\n|---|---|---|\n| Zoé | 41 |  |"
    )
    assert [(s.name, s.reason) for s in reading.skipped] == [
        (
            "a.xlsx (1 cell holds a formula)",
            "without a stored result; open the file in a spreadsheet program and save it",
        )
    ]


def test_a_cell_in_the_last_corner_of_a_sheet_costs_nothing() -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["B1"] = "Name", "Age"
    book.active["A2"], book.active["XFD2"] = "Zoé", "far right"
    book.active["A1048576"] = "bottom"
    target = io.BytesIO()
    book.save(target)
    began = time.perf_counter()
    assert read_xlsx(target.getvalue(), ReadLimits(), nothing).text == (
        "| Name | Age |  |\n|---|---|---|\n| Zoé |  | far right |\n\nbottom"
    )
    assert time.perf_counter() - began < 30


def test_rows_carry_the_names_of_their_columns(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "a.xlsx", xlsx_file()).documents
    rows = [s.rendered for p in split(document) for s in p.spans if s.kind == "row"]
    assert rows[0] == "North — Revenue: $1,234,567.50; Growth: 12.5%; Closed: 2025-03-01"


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (0.2, "0%", "20%"),
        (1500, '#,##0 "kg"', "1,500 kg"),
        (-3.456, "0.00", "-3.46"),
        (2.5, "General", "2.5"),
        (3.0, "General", "3"),
        (0.1 + 0.2, "General", "0.3"),
        (12.5, "[$€-407] #,##0.00", "€ 12.50"),
        (7, "[>100][Red]0.0;0", "7.0"),
        (True, "General", "TRUE"),
        (1234567, "0.00E+00", "1234567"),
        ("text", "0.00", "text"),
        (None, "", ""),
    ],
)
def test_a_number_is_written_by_its_format(
    value: object, number_format: str, expected: str
) -> None:
    assert shown(value, number_format) == expected


def test_epub_reads_chapters_in_the_order_of_the_book(tmp_path: Path) -> None:
    assert text_of(tmp_path, "a.epub", epub_file()) == (
        "# Loomings\n\nCall me.\n\n# The Whale\n\nIt was white."
    )


def test_a_message_and_its_attachments(tmp_path: Path) -> None:
    attached = {"terms.txt": b"The penalty is 4,000 euros.", "logo.png": b"\x89PNG"}
    reading = read(tmp_path, "mail.eml", eml_file(attached))
    message, terms = reading.documents
    assert message.text == (
        "# Contract renewal\n\n- From: Ann <ann@example.com>\n- To: bob@example.com\n"
        "- Date: Tue, 03 Mar 2026 10:00:00 +0100\n\nDear Bob,\n\n"
        "the contract was renewed for three years.\n\nAnn\n\nAttachments: terms.txt, logo.png"
    )
    assert (terms.name, terms.source) == ("mail.eml/terms.txt", "mail.eml")
    assert (terms.text, terms.modified) == ("The penalty is 4,000 euros.", "2026-03-03T09:00:00Z")
    assert [(s.name, s.reason) for s in reading.skipped] == [
        ("mail.eml/logo.png", ".png is not a format that can be read")
    ]


def test_archives_give_their_files_under_safe_names(tmp_path: Path) -> None:
    data = zip_file(
        {
            "../../up.txt": b"up",
            "/etc/root.txt": b"root",
            "C:\\dir\\win.txt": b"win",
            "a/b.csv": b"x,y\n1,2\n",
            "__MACOSX/._b.txt": b"junk",
            "evil\x1b[31m.txt": b"red",
        }
    )
    documents = read(tmp_path, "box.zip", data).documents
    assert {d.name: d.text for d in documents} == {
        "box.zip/up.txt": "up",
        "box.zip/etc/root.txt": "root",
        "box.zip/dir/win.txt": "win",
        "box.zip/a/b.csv": "| x | y |\n|---|---|\n| 1 | 2 |",
        "box.zip/evil\\x1b[31m.txt": "red",
    }
    assert {d.source for d in documents} == {"box.zip"}
    assert {d.modified for d in documents} == {"2025-01-02T03:04:06Z"}


def test_an_archive_in_an_archive_is_read_and_a_third_one_is_not(tmp_path: Path) -> None:
    third = zip_file({"c.txt": b"third"})
    second = zip_file({"b.txt": b"second", "third.zip": third})
    first = zip_file({"a.txt": b"first", "second.zip": second})
    reading = read(tmp_path, "x.zip", first)
    assert [d.text for d in reading.documents] == ["first", "second"]
    assert [(s.name, s.reason) for s in reading.skipped] == [
        (
            "x.zip/second.zip/third.zip",
            "is nested too deeply: unpack it to have its files read",
        )
    ]


def test_html_is_what_a_reader_sees() -> None:
    assert (
        html(
            "<head><title>T</title><style>.gone, #away {display: none}"
            " p {color: red}</style></head>"
            "<nav>Home</nav><h1>Re<b>port</b></h1><p>One&nbsp;<i>w</i>ord.<br>Two 10<sup>6</sup>"
            "<sup>[3]</sup></p><p class='x gone'>secret</p><p id=away>secret</p>"
            "<div style='font-size: 0'>tiny</div><div hidden>x</div><span aria-hidden=true>y</span>"
            "<script>evil()</script><footer>Imprint</footer>"
            "<article><footer>By Ann</footer></article>"
        )
        == "# Report\n\nOne word.\nTwo 10^6\n\nBy Ann"
    )


def test_html_lists_and_definitions() -> None:
    assert html("<ul><li>a<ul><li>b</li></ul></li></ul><ol start=3><li>c<li>d</ol>") == (
        "- a\n  - b\n3. c\n4. d"
    )
    assert html("<dl><dt>Price</dt><dd>5 €</dd></dl>") == "Price:\n\n- 5 €"


def test_html_tables_with_spanning_heads_and_without_any() -> None:
    assert html(
        "<table><caption>Sales</caption><tr><th rowspan=2>Name<th colspan=2>2024</tr>"
        "<tr><th>Q1<th>Q2</tr><tr><td>A|B<td>1<td><p>2</p>x</tr></table>"
    ) == ("Sales\n\n| Name | 2024 Q1 | 2024 Q2 |\n|---|---|---|\n| A\\|B | 1 | 2 x |")
    assert html("<table><tr><th>Born<td>1900</tr><tr><th>Died:<td>1950</tr></table>") == (
        "- Born: 1900\n- Died: 1950"
    )
    assert html("<table><tr><td><p>Only a frame.</p></td></tr></table>") == "Only a frame."


def test_html_declares_its_encoding() -> None:
    page = "<meta charset=iso-8859-2><p>Łódź</p>".encode("iso-8859-2")
    assert read_html(page, nothing).text == "Łódź"


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("<>/abp tdrhuli='\"&;!-\n"), max_size=200))
def test_html_never_fails(markup: str) -> None:
    assert isinstance(html(markup), str)


def test_csv_finds_separator_head_and_encoding() -> None:
    data = 'Name;Ort;Umsatz\nMüller;Köln;1.200,50\n"Grün; Sohn";Ulm;900\n'.encode("cp1252")
    assert read_csv(data, nothing).text == (
        "| Name | Ort | Umsatz |\n|---|---|---|\n| Müller | Köln | 1.200,50 |\n"
        "| Grün; Sohn | Ulm | 900 |"
    )


def test_csv_without_a_head_gets_numbered_columns() -> None:
    assert read_csv(b"1,2\n3,4\n", nothing).text == (
        "| Column 1 | Column 2 |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    )


def test_csv_with_years_as_names() -> None:
    assert read_csv(b"Region,2023,2024\nNorth,12,15\n", nothing).text.startswith(
        "| Region | 2023 | 2024 |\n"
    )


def test_long_cells_become_sections() -> None:
    words = "A sentence about bread. " * 30
    text = read_csv(f"id,body\nn1,{words}\nn2,{words}\n".encode(), nothing).text
    assert text.startswith("###### id: n1\n\nbody: A sentence about bread.")


def test_json_records_become_a_table_and_numbers_stay_as_written() -> None:
    data = b'[{"id": 1, "price": 12.50, "tags": ["a", "b"]}, {"id": 1e400, "price": null}]'
    assert read_json(data, "a.json", nothing).text == (
        "| id | price | tags |\n|---|---|---|\n| 1 | 12.50 | a, b |\n| 1e400 | null |  |"
    )


def test_json_objects_become_headings_and_named_values() -> None:
    data = json.dumps({"name": "Lamp", "size": {"height": 3, "unit": "cm"}, "on": True}).encode()
    assert read_json(data, "a.json", nothing).text == (
        "- name: Lamp\n- on: true\n\n# size\n\n- height: 3\n- unit: cm"
    )


def test_lines_of_json_and_notebooks() -> None:
    assert read_json(b'{"a": 1, "b": 2}\n\n{"a": 3, "b": 4}\n', "a.jsonl", nothing).text == (
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    )
    cells = [
        {"cell_type": "markdown", "source": ["# T\n", "x"]},
        {"cell_type": "code", "source": "1"},
    ]
    book = json.dumps({"cells": cells}).encode()
    assert read_json(book, "a.ipynb", nothing).text == "# T\nx\n\n```\n1\n```"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "is not JSON (line 1, column 2"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "is nested more than 100 levels deep"),
    ],
)
def test_bad_json_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnusableFileError) as caught:
        read_json(data, "a.json", nothing)
    assert str(caught.value).startswith(reason)


def test_code_is_kept_as_it_is_and_split_between_definitions(tmp_path: Path) -> None:
    body = "".join(f"    x = {n}  # no heading\n" for n in range(28))
    source = f"# no heading\nimport os\n\n\ndef f():\n{body}\n\ndef g():\n{body}"
    (document,) = read(tmp_path, "a.py", source.encode()).documents
    assert (document.text, document.format) == (source, "code")
    passages = split(document)
    assert {p.kind for p in passages} == {"code"}
    assert [p.text.split("\n")[0] for p in passages] == ["# no heading", "def f():", "def g():"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("café", "cp1252"),
        ("It’s “quoted” – 5 £", "cp1252"),
        ("El Niño está aquí: 50 € por año", "cp1252"),
        ("Zażółć gęślą jaźń i tak dalej", "cp1250"),
        ("Привет, мир. Это проверка.", "cp1251"),
        ("Привет, мир. Это проверка кодировки.", "koi8_r"),
        ("こんにちは、世界。これは試験です。", "shift_jis"),
        ("你好，世界。这是一个测试。", "gb18030"),
        ("안녕하세요 세계", "euc_kr"),
        ("plain text with ä", "utf-16-le"),
        ("plain text with ä", "utf-16-be"),
        ("plain text with ä", "utf-16"),
        ("plain text with ä", "utf-32"),
        ("plain text with ä", "utf-8-sig"),
    ],
)
def test_encodings_are_found(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@given(st.text())
def test_utf8_is_always_itself(text: str) -> None:
    if "\x00" not in text and sum(c < " " for c in text) == 0 and not text.startswith("\ufeff"):
        assert decode(text.encode("utf-8", "replace")) == text.encode("utf-8", "replace").decode()


def test_one_damaged_byte_spoils_no_text() -> None:
    assert decode("ä".encode() * 200 + b"\xff") == "ä" * 200 + "\ufffd"


@pytest.mark.parametrize("data", [b"a\x00b", bytes(range(1, 32)) * 5])
def test_binaries_are_no_text(data: bytes) -> None:
    with pytest.raises(UnusableFileError, match="is binary"):
        decode(data)


@pytest.mark.parametrize(
    ("name", "head", "reason"),
    [
        ("a.png", b"", ".png is not a format that can be read"),
        ("a", b"", "no suffix is not a format that can be read"),
        ("a.doc", b"", ".doc is not a format that can be read; save it as .docx"),
        ("a.pdf", b"hello", "is not a PDF file: its first bytes are those of something else"),
        ("a.pdf", b"", "is not a PDF file: it is empty"),
        (
            "a.docx",
            b"%PD",
            "is not a Word (.docx) file: its first bytes are those of something else",
        ),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "is encrypted, or of an older Office version; save it anew without a password",
        ),
        ("a.txt", b"PK\x03\x04", "is not text: it is a zip archive or an Office file"),
        ("a.html", b"\x89PNG", "is not html: it is an image"),
    ],
)
def test_what_is_not_what_it_says_is_refused(name: str, head: bytes, reason: str) -> None:
    with pytest.raises(UnusableFileError) as caught:
        format_of(name, head)
    assert str(caught.value) == reason


def test_formats_by_name_and_content() -> None:
    assert format_of("README", b"") == "text"
    assert format_of("Makefile", b"") == "code"
    assert format_of("A.PDF", b"junk before %PDF-1.7") == "pdf"
    assert format_of("report.txt", b"%PDF-1.7") == "pdf"


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_READ_PAGES", "7")
    assert current().reading == ReadLimits(pages=7)
    monkeypatch.setenv("CITEWISE_READ_SECONDS", "soon")
    with pytest.raises(Exception, match=r"CITEWISE_READ_SECONDS is 'soon'\. Set it to a whole"):
        current()
