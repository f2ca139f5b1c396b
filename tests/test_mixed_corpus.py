"""A folder of mixed files from end to end: answers cite a page, a row with its columns, a slide."""

from __future__ import annotations

from pathlib import Path

import pytest

from citewise import Assistant
from doubles import HashEmbedder
from file_samples import docx_file, eml_file, pdf_file, pptx_file, xlsx_file, zip_file


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    folder = tmp_path / "files"
    folder.mkdir()
    pages = ["Bread needs yeast and salt.", "The harbour master is Ingrid Solberg."]
    (folder / "harbour.pdf").write_bytes(pdf_file(pages))
    (folder / "sales.xlsx").write_bytes(xlsx_file())
    (folder / "deck.pptx").write_bytes(pptx_file())
    (folder / "box.zip").write_bytes(
        zip_file({"mail.eml": eml_file(), "terms.docx": docx_file(), "broken.pdf": b"%PDF-1.7"})
    )
    (folder / "photo.png").write_bytes(b"\x89PNG")
    return Assistant(folder, tmp_path / "index", llm="none", embedder=HashEmbedder(), quiet=True)


@pytest.mark.parametrize(
    ("question", "document", "page", "quote"),
    [
        (
            "Who is the harbour master?",
            "harbour.pdf",
            2,
            "The harbour master is Ingrid Solberg.",
        ),
        (
            "What was the revenue of the region North?",
            "sales.xlsx",
            None,
            "| North | $1,234,567.50 | 12.5% | 2025-03-01 |",
        ),
        ("When is the launch?", "deck.pptx", 1, "- Launch in May"),
        (
            "For how many years was the contract renewed?",
            "box.zip/mail.eml",
            None,
            "the contract was renewed for three years.",
        ),
        (
            "Within how many days are goods delivered?",
            "box.zip/terms.docx",
            None,
            "Goods are delivered within ten days.",
        ),
    ],
)
def test_answers_name_the_place(
    assistant: Assistant, question: str, document: str, page: int | None, quote: str
) -> None:
    with assistant:
        answer = assistant.ask(question)
        cited = [(c.document, c.page, c.quote) for c in answer.citations]
        assert (document, page, quote) in cited
        for citation in answer.citations:
            text = assistant.document(citation.document).text
            assert text[citation.start : citation.end] == citation.quote


def test_what_was_left_out_is_told(assistant: Assistant) -> None:
    with assistant:
        assistant.update()
        assert {file.name: file.reason for file in assistant.skipped} == {
            "box.zip/broken.pdf": "is damaged or incomplete: PDFium cannot open it",
            "photo.png": ".png is not a format that can be read",
            "sales.xlsx (1 cell holds a formula)": (
                "without a stored result; open the file in a spreadsheet program and save it"
            ),
        }


def test_a_row_is_found_by_the_name_of_its_column(assistant: Assistant) -> None:
    with assistant:
        found = assistant.search("Growth of the region South")
    (row,) = [item for item in found if item.text.startswith("| South ")]
    assert row.rendered == "South — Revenue: $98,765.43; Growth: -4.0%; Closed: 2025-06-30"
    assert row.heading == "Sales > Sales by region"
