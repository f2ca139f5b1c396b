"""Word documents: through mammoth into HTML, and from there as any page."""

from __future__ import annotations

import io
import logging

from citewise.limits import ReadLimits
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.from_html import add_html
from citewise.readers.layout import Layout
from citewise.readers.packed import check_packed

__all__ = ["read_docx"]

# Headings of the title page, which mammoth would give as plain paragraphs.
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='heading 7'] => h6:fresh
"""


def read_docx(data: bytes, limits: ReadLimits, tick: Tick) -> Extracted:
    """The text of a Word document: headings, lists, tables, footnotes; deletions left out.

    Raises:
        UnusableFileError: damaged, encrypted, or too large.
    """
    import mammoth

    check_packed(data, limits)
    logging.getLogger("mammoth").setLevel(logging.CRITICAL)
    options = {"convert_image": mammoth.images.img_element(lambda _: {}), "style_map": _STYLES}
    markup = mammoth.convert_to_html(io.BytesIO(data), **options).value
    tick()
    layout = Layout()
    add_html(layout, markup, tick)
    return Extracted(layout.text())
