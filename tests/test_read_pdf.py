"""PDF: order of columns, tables, words cut in two, running heads, pages, scans."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib import colors
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Table

from citewise.documents import read_file
from citewise.limits import ReadLimits, UnusableFileError
from citewise.readers.extracted import Extracted
from citewise.readers.from_pdf import read_pdf
from citewise.splitting import split
from file_samples import pdf_file

STYLES = getSampleStyleSheet()


def read(data: bytes, **limits: int) -> Extracted:
    return read_pdf(data, ReadLimits(**limits), lambda: None)


def laid_out(
    story: Sequence[Any], columns: int = 2, on_page: Callable[..., None] = lambda *_: None
) -> bytes:
    """A story of paragraphs and tables in columns, as a typesetter flows them."""
    target = io.BytesIO()
    width, height, gutter = 480 / columns - 10, 700, 20
    frames = [Frame(50 + i * (width + gutter), 70, width, height) for i in range(columns)]
    template = PageTemplate(frames=frames, onPage=on_page)
    BaseDocTemplate(target, pagesize=(600, 842), pageTemplates=[template]).build(list(story))
    return target.getvalue()


def paragraphs(count: int) -> list[str]:
    return [
        f"Remark {n} concerns the upkeep of buoys and berths, which the authority of the harbour"
        f" inspects in spring before season {n} begins, and again when it has come to its end."
        for n in range(count)
    ]


def flowed(texts: Sequence[str]) -> list[Any]:
    return [Paragraph(text, STYLES["BodyText"]) for text in texts]


def running_head(canvas: Any, document: Any) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawString(50, 810, "Harbour Authority, Annual Report")
    canvas.drawCentredString(300, 30, f"Page {document.page}")


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_columns_are_read_one_after_the_other(columns: int) -> None:
    texts = paragraphs(50)
    found = read(laid_out(flowed(texts), columns, running_head))
    assert len(found.pages) >= 2
    assert found.text == "Harbour Authority, Annual Report\n\n" + "\n\n".join(texts)


def test_every_paragraph_knows_its_page() -> None:
    texts = paragraphs(60)
    data = laid_out(flowed(texts), 2, running_head)
    found = read(data)
    import pypdfium2

    printed = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(data)]
    starts = [found.text.index(text) for text in texts]
    for text, start in zip(texts, starts, strict=True):
        page = sum(begin <= start for begin in found.pages)
        assert " ".join(text.split()[:3]) in " ".join(printed[page - 1].split())


def test_a_column_that_begins_higher_than_its_neighbour() -> None:
    story = [Paragraph("Harbour report", STYLES["Title"]), *flowed(paragraphs(24))]
    found = read(laid_out(story))
    assert found.text == "\n\n".join(["# Harbour report", *paragraphs(24)])


def test_headings_and_ruled_and_unruled_tables_in_columns() -> None:
    ruled = Table([["Berth", "Depth", "Length"], ["North quay", "11.5 m", "420 m"]])
    ruled.setStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
    plain = Table([["Region", "2023", "2024"], ["North", "1,200", "1,450"], ["East", "75", "80"]])
    texts = paragraphs(9)
    story = [
        *flowed(texts[:3]),
        Paragraph("Depths", STYLES["Heading1"]),
        ruled,
        *flowed(texts[3:6]),
        Paragraph("Trade", STYLES["Heading2"]),
        plain,
        *flowed(texts[6:]),
    ]
    blocks = read(laid_out(story)).text.split("\n\n")
    assert blocks == [
        *texts[:3],
        "# Depths",
        "| Berth | Depth | Length |\n|---|---|---|\n| North quay | 11.5 m | 420 m |",
        *texts[3:6],
        "## Trade",
        "| Region | 2023 | 2024 |\n|---|---|---|\n| North | 1,200 | 1,450 |\n| East | 75 | 80 |",
        *texts[6:],
    ]


def test_cells_over_several_rows_and_lines() -> None:
    rows = [
        ["Area", "Year", "Ships"],
        ["North\nharbour", "2024", "12"],
        ["", "2025", "15"],
        ["South", "2025", "9"],
    ]
    table = Table(rows)
    table.setStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("SPAN", (0, 1), (0, 2))])
    assert read(laid_out([table], 1)).text == (
        "| Area | Year | Ships |\n|---|---|---|\n| North harbour | 2024 | 12 |\n"
        "| North harbour | 2025 | 15 |\n| South | 2025 | 9 |"
    )


def test_a_table_over_two_pages_keeps_the_names_of_its_columns() -> None:
    rows = [["Ship", "Tons"], *([f"Vessel {n}", str(100 + n)] for n in range(60))]
    table = Table(rows)
    table.setStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
    found = read(laid_out([table], 1))
    second = found.text[found.pages[1] :]
    assert second.startswith("| Ship | Tons |\n|---|---|\n| Vessel ")
    assert found.text.count("| Vessel 59 | 159 |") == 1
    assert sum(found.text.count(f"| Vessel {n} |") for n in range(60)) == 60


def test_words_cut_at_the_end_of_a_line_are_whole_again() -> None:
    text = read(
        pdf_file(
            [
                "The organi-\nsation is well-\nknown for state-of-\nthe-art tele-\ncommunication in"
                " Saxony-\nAnhalt since 1990-\n1995.",
                "A well-known state-of-the-art matter.",
            ]
        )
    ).text
    assert text == (
        "The organisation is well-known for state-of-the-art telecommunication in"
        " Saxony-Anhalt since 1990-1995.\n\nA well-known state-of-the-art matter."
    )


def test_a_sentence_goes_on_over_the_page_and_its_second_page_begins_in_it() -> None:
    first = (
        "The committee met in the spring of last year and then it\nagreed that all of the old ber-"
    )
    second = "ths are to be dredged before the\nships of the new line arrive."
    found = read(pdf_file([first, second]))
    assert found.text == (
        "The committee met in the spring of last year and then it agreed that all of the old berths"
        " are to be dredged before the ships of the new line arrive."
    )
    assert found.text[found.pages[1] :].startswith("are to be dredged")


def test_numbers_of_pages_go_and_running_heads_stay_once() -> None:
    def page(number: int) -> Callable[[Any], None]:
        def draw(canvas: Any) -> None:
            canvas.drawString(50, 480, "Annual report")
            canvas.drawString(50, 460, f"Invoice {number**2 + 7}")
            canvas.drawString(50, 400, f"Fact number {number} stands here.")
            canvas.drawString(190, 15, f"- {number} -")

        return draw

    found = read(pdf_file([page(n) for n in range(1, 5)]))
    assert found.text == "Annual report\n\n" + "\n\n".join(
        f"Invoice {n**2 + 7}\n\nFact number {n} stands here." for n in range(1, 5)
    )
    assert [found.text[start:][:6] for start in found.pages] == ["Annual", *["Invoic"] * 3]


def test_lists_keep_their_items() -> None:
    text = read(
        pdf_file(["Bring these:\n• a rope\n• a lamp that is\n   bright\n1. First\n2. Second"])
    )
    assert text.text == "Bring these:\n\n- a rope\n- a lamp that is bright\n\n1. First\n\n2. Second"


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_page_on_its_side_is_read_upright(angle: int) -> None:
    def draw(canvas: Any) -> None:
        canvas.translate(200, 250)
        canvas.rotate(angle)
        canvas.drawString(-100, 20, "The first line stands here.")
        canvas.drawString(-100, 0, "The second one is below.")

    assert read(pdf_file([draw])).text == ("The first line stands here. The second one is below.")


def test_stamps_across_the_margin_and_words_off_the_page_are_left_out() -> None:
    def draw(canvas: Any) -> None:
        canvas.drawString(50, 400, "What is printed on the page.")
        canvas.drawString(50, 380, "And a second line of it here.")
        canvas.drawString(50, 900, "Nobody sees this.")
        canvas.rotate(45)
        canvas.drawString(200, 0, "DRAFT")

    assert read(pdf_file([draw])).text == (
        "What is printed on the page. And a second line of it here."
    )


def picture(canvas: Any) -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    canvas.drawImage(ImageReader(Image.new("RGB", (50, 50), "grey")), 0, 0, 400, 500)


def test_a_scan_without_text_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(pdf_file([picture, picture]))
    reading = read_file(tmp_path / "scan.pdf")
    assert [(s.name, s.reason) for s in reading.skipped] == [
        (
            "scan.pdf",
            "holds no text: its pages are pictures (scanned?); run text recognition (OCR) on it"
            " first",
        )
    ]


def test_scanned_pages_among_others_are_named(tmp_path: Path) -> None:
    pages = ["Page one has text.", picture, picture, "Page four too.", picture]
    (tmp_path / "a.pdf").write_bytes(pdf_file(pages))
    reading = read_file(tmp_path / "a.pdf")
    (document,) = reading.documents
    assert document.text == "Page one has text.\n\nPage four too."
    assert [p.page for p in split(document)] == [1, 4]
    assert [(s.name, s.reason) for s in reading.skipped] == [
        (
            "a.pdf (pages 2–3, 5)",
            "hold no text, only pictures (scanned?); run text recognition (OCR)",
        )
    ]


def test_pages_beyond_the_limit_are_named() -> None:
    found = read(pdf_file([f"Page {n} of the long book." for n in range(1, 6)]), pages=3)
    assert found.missing == (("pages 4–5", "are beyond the 3 that are read (CITEWISE_READ_PAGES)"),)
    assert "Page 4" not in found.text


def test_an_empty_pdf_holds_no_text() -> None:
    with pytest.raises(UnusableFileError, match=r"^holds no text$"):
        read(pdf_file([lambda canvas: None]))


WORDS = st.lists(
    st.sampled_from(
        ["the", "harbour", "of", "Norden", "is", "old.", "42", "ships", "|", "-", "1.", "#", "*"]
    )
)
PAGES = st.lists(WORDS.map(" ".join), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(PAGES)
def test_pages_begin_in_order_within_the_text(pages: list[str]) -> None:
    try:
        found = read(pdf_file(pages))
    except UnusableFileError:
        return
    assert len(found.pages) == len(pages)
    assert list(found.pages) == sorted(found.pages)
    assert found.pages[0] == 0
    assert found.pages[-1] <= len(found.text)
