"""Files of every format that is read, made on the spot, small, with known words in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from email.message import EmailMessage

__all__ = [
    "docx_file",
    "eml_file",
    "epub_file",
    "long_pdf",
    "pdf_file",
    "pptx_file",
    "xlsx_file",
    "zip_file",
]


def docx_file() -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("Terms of delivery", 1)
    document.add_paragraph("Goods are delivered within ten days.")
    document.add_paragraph("Paint", style="List Bullet")
    document.add_paragraph("Brushes", style="List Bullet")
    document.add_heading("Prices", 2)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Article", "Price"
    row = table.add_row()
    row.cells[0].text, row.cells[1].text = "Red | blue", "4 €"
    return _saved(document)


def pptx_file() -> bytes:
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Plan"
    first.placeholders[1].text = "Launch in May\nHire three people"
    first.notes_slide.notes_text_frame.text = "Mention the budget."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "Figures"
    data = CategoryChartData()
    data.categories = ["2024", "2025"]
    data.add_series("Revenue", (1.5, 2.25))
    place = (Inches(1), Inches(2), Inches(4), Inches(3))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
    return _saved(deck)


def xlsx_file() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    sheet.append(["Sales by region"])
    sheet.append([])
    sheet.append(["Region", "Revenue", "Growth", "Closed"])
    sheet.append(["North", 1234567.5, 0.125, date(2025, 3, 1)])
    sheet.append(["South", 98765.432, -0.04, date(2025, 6, 30)])
    for row in (4, 5):
        sheet.cell(row, 2).number_format = '"$"#,##0.00'
        sheet.cell(row, 3).number_format = "0.0%"
    hidden = book.create_sheet("Secret")
    hidden.append(["nobody", "sees"])
    hidden.sheet_state = "hidden"
    staff = book.create_sheet("Staff")
    staff.append(["Name", "Age", "Twice"])
    staff.append(["Zoé", 41, "=B2*2"])
    return _saved(book)


def pdf_file(
    pages: Sequence[Callable[[object], None] | str] = ("Bread needs yeast.", "Ships carry salt."),
    **options: object,
) -> bytes:
    """Each page is a sentence, or a function that draws on reportlab's canvas."""
    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(400, 500), **options)
    for page in pages:
        if isinstance(page, str):
            canvas.setFont("Helvetica", 11)
            for number, line in enumerate(page.split("\n")):
                canvas.drawString(50, 430 - 14 * number, line)
        else:
            page(canvas)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def epub_file() -> bytes:
    return zip_file(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
            b'container"><rootfiles><rootfile full-path="O/book.opf"/></rootfiles></container>',
            "O/book.opf": b'<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
            b'<item id="b" href="two.xhtml" media-type="application/xhtml+xml"/>'
            b'<item id="a" href="one%20one.xhtml" media-type="application/xhtml+xml"/>'
            b'</manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
            "O/one one.xhtml": b"<html><body><h1>Loomings</h1><p>Call me.</p></body></html>",
            "O/two.xhtml": b"<html><body><h1>The Whale</h1><p>It was white.</p></body></html>",
        }
    )


def eml_file(attached: dict[str, bytes] | None = None) -> bytes:
    message = EmailMessage()
    message["From"] = "Ann <ann@example.com>"
    message["To"] = "bob@example.com"
    message["Subject"] = "Contract renewal"
    message["Date"] = "Tue, 03 Mar 2026 10:00:00 +0100"
    message.set_content("Dear Bob,\n\nthe contract was renewed for three years.\n\nAnn")
    message.add_alternative("<p>not this part</p>", subtype="html")
    for name, data in (attached or {}).items():
        message.add_attachment(data, maintype="application", subtype="x", filename=name)
    return message.as_bytes()


def zip_file(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2025, 1, 2, 3, 4, 6)), data, 8)
    return target.getvalue()


def _saved(document: object) -> bytes:
    target = io.BytesIO()
    document.save(target)  # type: ignore[attr-defined]
    return target.getvalue()


def long_pdf(pages: int, lines: int = 5) -> bytes:
    """A PDF of very many pages, written byte by byte, since libraries take minutes for it.

    Each page says its number, and so many lines of words.
    """
    words = "The keeper of the lighthouse wrote the wind and the tide of every day into the book."
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>"
        % (pages, b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(pages))),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number in range(1, pages + 1):
        shown = [f"Day {number} of the log.", *[words] * (lines - 1)]
        text = "".join(f"({line})Tj 0 -16 Td " for line in shown)
        content = f"BT /F 11 Tf 50 700 Td {text}ET".encode("ascii")
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]"
            b"/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>>" % (2 * number + 3),
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        ]
    written = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    index = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(written))
    return bytes(written) + index + end
