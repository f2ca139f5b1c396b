"""Which format a file has: its suffix proposes, its first bytes decide."""

from __future__ import annotations

from pathlib import PurePosixPath

from citewise.limits import UnusableFileError

__all__ = ["IN_PROCESS", "format_of", "proposed_format"]

_BY_SUFFIX = {
    "text": "txt text log rst tex srt vtt",
    "markdown": "md markdown mdx",
    "html": "html htm xhtml",
    "pdf": "pdf",
    "docx": "docx docm dotx",
    "pptx": "pptx pptm ppsx",
    "xlsx": "xlsx xlsm xltx",
    "csv": "csv tsv tab",
    "epub": "epub",
    "email": "eml",
    "json": "json jsonl ndjson geojson ipynb",
    "zip": "zip",
    "code": "bash bat c cc cfg clj cmake conf cpp cs css dart diff el elm erl ex exs f90 fish fs go"
    " gradle groovy h hpp hs ini java jl js jsx kt lisp lua m mk ml nim patch php pl proto ps1 py"
    " pyi r rb rs sass scala scm scss sh sql svelte swift tcl tf toml ts tsx v vb vhdl vim vue xml"
    " yaml yml zig zsh",
}
_FORMATS = {
    f".{suffix}": name for name, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()
}
_PLAIN_NAMES = frozenset(
    [
        "authors",
        "changelog",
        "changes",
        "contributing",
        "copying",
        "history",
        "install",
        "license",
        "news",
        "notice",
        "readme",
        "todo",
    ]
)
_CODE_NAMES = frozenset({"dockerfile", "makefile", "jenkinsfile", "rakefile", "gemfile"})
_OTHER_WAYS = {
    ".doc": "save it as .docx",
    ".ppt": "save it as .pptx",
    ".xls": "save it as .xlsx",
    ".xlsb": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".odt": "save it as .docx",
    ".odp": "save it as .pptx",
    ".rtf": "save it as .docx",
    ".pages": "export it as PDF",
    ".key": "export it as PDF",
    ".numbers": "export it as .xlsx",
    ".msg": "save it as .eml",
    ".mbox": "export its messages as .eml",
    ".tar": "pack it as .zip",
    ".gz": "pack it as .zip",
    ".tgz": "pack it as .zip",
    ".7z": "pack it as .zip",
    ".rar": "pack it as .zip",
    ".mobi": "convert it to .epub",
    ".djvu": "convert it to PDF",
}

IN_PROCESS = frozenset({"text", "markdown", "code"})
"""Formats that are only decoded: no reason for a process of their own."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED = frozenset({"docx", "pptx", "xlsx", "epub", "zip"})
_TITLES = {"docx": "Word (.docx)", "pptx": "PowerPoint (.pptx)", "xlsx": "Excel (.xlsx)"}
_SIGNATURES = {
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"II*\x00": "an image",
    b"MM\x00*": "an image",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"\x1f\x8b": "compressed",
    b"BZh": "compressed",
    b"\xfd7zXZ": "compressed",
    b"7z\xbc\xaf": "compressed",
    b"Rar!": "compressed",
    b"{\\rtf": "rich text (RTF)",
}


def proposed_format(name: str) -> str:
    """The format that a file's name promises.

    Raises:
        UnusableFileError: it promises none that can be read.
    """
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    bare = path.stem.lower()
    if suffix in _FORMATS:
        return _FORMATS[suffix]
    if not suffix and bare in _PLAIN_NAMES:
        return "text"
    if not suffix and bare in _CODE_NAMES:
        return "code"
    way = _OTHER_WAYS.get(suffix)
    raise UnusableFileError(
        f"{suffix or 'no suffix'} is not a format that can be read" + (f"; {way}" if way else "")
    )


def format_of(name: str, head: bytes) -> str:
    """The format of a file by its name and its first kilobyte.

    A PDF is read as one whatever its name; what is not what its name says is refused.

    Raises:
        UnusableFileError: with what the file is instead.
    """
    promised = proposed_format(name)
    if b"%PDF-" in head[:1024] and (promised == "pdf" or head.startswith(b"%PDF-")):
        return "pdf"
    if promised == "pdf":
        raise UnusableFileError(f"is not a PDF file: {_looks_like(head)}")
    if promised in _PACKED and not head.startswith(_ZIP):
        if head.startswith(_OLE) and promised in _TITLES:
            raise UnusableFileError(
                "is encrypted, or of an older Office version; save it anew without a password"
            )
        title = _TITLES.get(promised, f"{promised.upper()}")
        raise UnusableFileError(f"is not a {title} file: {_looks_like(head)}")
    if promised not in _PACKED and _is_binary(head):
        raise UnusableFileError(f"is not {promised}: {_looks_like(head)}")
    return promised


def _is_binary(head: bytes) -> bool:
    return head.startswith((*_ZIP, _OLE)) or any(head.startswith(mark) for mark in _SIGNATURES)


def _looks_like(head: bytes) -> str:
    if not head.strip():
        return "it is empty" if not head else "it is blank"
    if head.startswith(_ZIP):
        return "it is a zip archive or an Office file"
    if head.startswith(_OLE):
        return "it is an older Office file"
    for mark, what in _SIGNATURES.items():
        if head.startswith(mark):
            return f"it is {what}"
    return "its first bytes are those of something else"
