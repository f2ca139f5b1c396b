"""E-books (EPUB): the chapters in the order of the book."""

from __future__ import annotations

import posixpath
import zipfile
from typing import Any
from urllib.parse import unquote

from citewise.limits import ReadLimits, UnusableFileError
from citewise.readers.decoding import decode
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.from_html import add_html
from citewise.readers.layout import Layout
from citewise.readers.packed import open_packed, read_packed

__all__ = ["read_epub"]

_CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(data: bytes, limits: ReadLimits, tick: Tick) -> Extracted:
    """The text of a book.

    Raises:
        UnusableFileError: damaged, protected, or too large.
    """
    with open_packed(data, limits) as archive:
        names = set(archive.namelist())
        if "META-INF/rights.xml" in names:
            raise UnusableFileError("is protected by its seller (DRM)")
        layout, missing = Layout(), []
        chapters = _chapters(archive, limits)
        for path in chapters:
            tick()
            try:
                page = read_packed(archive, archive.getinfo(path), limits)
                add_html(layout, decode(page), tick)
            except (KeyError, UnusableFileError) as error:
                reason = "is missing" if isinstance(error, KeyError) else str(error)
                missing.append((f"chapter {posixpath.basename(path)}", reason))
        if missing and len(missing) == len(chapters):
            locked = "META-INF/encryption.xml" in names
            raise UnusableFileError("is encrypted" if locked else "has no chapter that can be read")
    return Extracted(layout.text(), (), tuple(missing))


def _chapters(archive: zipfile.ZipFile, limits: ReadLimits) -> list[str]:
    container = _parsed(archive, _CONTAINER, limits)
    package_path = next((e.get("full-path", "") for e in container.iter("{*}rootfile")), "")
    package = _parsed(archive, package_path, limits)
    folder = posixpath.dirname(package_path)
    items = {
        item.get("id"): item
        for item in package.iter("{*}item")
        if item.get("media-type") in _PAGES and "nav" not in (item.get("properties") or "").split()
    }
    spine = [items[r.get("idref")] for r in package.iter("{*}itemref") if r.get("idref") in items]
    hrefs = [unquote(item.get("href", "").partition("#")[0]) for item in spine or items.values()]
    return [posixpath.normpath(posixpath.join(folder, href)) for href in hrefs]


def _parsed(archive: zipfile.ZipFile, path: str, limits: ReadLimits) -> Any:
    from lxml import etree

    # Entities stay unexpanded and nothing is fetched, whatever the file asks for.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(read_packed(archive, archive.getinfo(path), limits), parser)
    except KeyError as error:
        raise UnusableFileError(
            f"is not an e-book: it has no {path or 'table of contents'}"
        ) from error
    except etree.XMLSyntaxError as error:
        raise UnusableFileError(f"is damaged: {path} is not XML") from error
