"""What the fuzzer gives to the readers of files: small files, and the parts that they are made of.

Altered bytes of an archive are nearly always no archive at all. So of the packed formats each XML
part is altered by itself, and put into a sample that is otherwise whole.
"""

from __future__ import annotations

import io
import re
import sys
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from citewise.files import SkippedFile
from citewise.limits import ReadLimits, UnusableFileError
from citewise.readers import formats
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.source import extract_source
from citewise.types import Document
from file_samples import (  # type: ignore[import-not-found, unused-ignore]
    docx_file,
    eml_file,
    epub_file,
    pdf_file,
    pptx_file,
    xlsx_file,
    zip_file,
)

__all__ = ["readers", "seeds_of_files"]

_LIMITS = ReadLimits(
    file_bytes=2**20, text_characters=200_000, pages=20, unpacked_bytes=2**22, members=50
)
_WHOLE = {
    ".pdf": pdf_file(),
    ".html": b"<title>T</title><style>.h{display:none}</style><h1>A</h1><p class=h>no<ol><li>a"
    b"<li>b</ol><table><tr><th rowspan=2>x<th>y<tr><td colspan=2>1</table><pre>c\n  d</pre>",
    ".csv": b'Region;Revenue\nNorth;"1,5"\nSouth;2\n',
    ".json": b'[{"a": 1.50, "b": ["x", null]}, {"a": -2e9, "c": {"d": true}}]',
    ".jsonl": b'{"a": 1}\n{"a": 2}\n',
    ".ipynb": b'{"cells": [{"cell_type": "code", "source": ["a = 1"], "outputs": []}],'
    b' "metadata": {}, "nbformat": 4}',
    ".eml": eml_file({"a.csv": b"a,b\n1,2\n", "b.zip": zip_file({"c.txt": b"words"})}),
    ".zip": zip_file({"a.txt": b"words", "b/c.html": b"<p>fine", "d.zip": zip_file({})}),
    ".md": b"# Title\n\nWords.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    ".txt": "Grüße, 你好.\r\n".encode("utf-16"),
    ".docx": docx_file(),
    ".pptx": pptx_file(),
    ".xlsx": xlsx_file(),
    ".epub": epub_file(),
}
_FURNITURE = re.compile(r"theme|slideLayout|docProps|Props\.xml|customXml|[sS]ettings|fontTable")
_FEW_STYLES = (
    b'<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    b'<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    b'<w:style w:type="paragraph" w:styleId="ListBullet"><w:name w:val="List Bullet"/></w:style>'
    b"</w:styles>"
)
"""Word's own are 9,000 elements, which would take nearly all of the time."""


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(
        target, "w"
    ) as archive:  # not compressed: that would take most of the time
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return target.getvalue()


_MEMBERS = {
    ".docx": _members(docx_file()) | {"word/styles.xml": _FEW_STYLES},
    ".pptx": _members(pptx_file()),
    ".xlsx": _members(xlsx_file()),
    ".epub": _members(epub_file()),
}


def _parts() -> list[tuple[str, str, bytes]]:
    """Suffix, name of the part ("" is the file itself), and its bytes in the sample."""
    whole = [(suffix, "", data) for suffix, data in _WHOLE.items()]
    parts = [
        (suffix, name, data)
        for suffix, members in _MEMBERS.items()
        for name, data in members.items()
        if data.startswith(b"<") and not _FURNITURE.search(name)
    ]
    return [*whole, *parts]


_PARTS = _parts()


def seeds_of_files() -> list[bytes]:
    """One input for each format and each part of one: the byte that chooses it, and its bytes."""
    return [bytes([number]) + data for number, (_, _, data) in enumerate(_PARTS)]


def readers(data: bytes) -> None:
    """A file of any format becomes documents and lines that say what is left out, no more."""
    suffix, part, _ = _PARTS[data[0] % len(_PARTS)] if data else _PARTS[0]
    content = data[1:]
    if part:
        content = _packed({**_MEMBERS[suffix], part: content})
    formats.extract = _extract
    for item in extract_source(content, f"a{suffix}", "", _LIMITS, lambda: None):
        if isinstance(item, Document):
            assert item.text.strip()
            assert len(item.text) <= _LIMITS.text_characters
            item.text.encode("utf-8")
            assert list(item.pages) == sorted(item.pages)
            assert all(0 <= start <= len(item.text) for start in item.pages)
        elif isinstance(item, SkippedFile):
            assert item.reason.strip()
            assert "\n" not in item.reason


_OUTERMOST: Callable[..., Extracted] = formats.extract


def _extract(data: bytes, name: str, kind: str, limits: ReadLimits, tick: Tick) -> Extracted:
    """As ``formats.extract``, where a fault of ours does not pass for damage of the file."""
    try:
        return _OUTERMOST(data, name, kind, limits, tick)
    except UnusableFileError as error:
        if error.__cause__ is not None and str(error).startswith("is damaged ("):
            last = traceback.extract_tb(error.__cause__.__traceback__)[-1]
            if "/citewise/" in last.filename:
                raise AssertionError(f"{last.filename}:{last.lineno}") from error.__cause__
        raise
