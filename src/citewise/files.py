"""Listing a corpus: which files a folder holds, without opening any of them.

Symbolic links are not followed, and devices and pipes not opened, so that nothing outside the
folder is read and nothing blocks. Names are made safe to print, to store and to put in a prompt.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from citewise.errors import CorpusError

__all__ = [
    "Listing",
    "SkippedFile",
    "SourceFile",
    "is_wanted",
    "list_files",
    "require_corpus",
    "safe_name",
]

# Made by programs for themselves; nobody keeps documents there.
_PASSED_OVER = frozenset({"__MACOSX", "__pycache__", "node_modules", "Thumbs.db", "desktop.ini"})
_JOINERS = "\u200c\u200d"  # Words of Persian and of several Indian scripts, and emoji, hold them.


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that may become documents: its name in the corpus, and what tells that it changed.

    ``mtime_ns`` is the time of the last change in nanoseconds since 1970.
    """

    name: str
    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that was left out of the corpus, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The regular files under ``root``, sorted by name, and what was left out."""

    root: PurePath
    files: tuple[SourceFile, ...]
    skipped: tuple[SkippedFile, ...] = ()


def require_corpus(root: Path) -> None:
    """Refuse what cannot be listed, before anything costly is made for it.

    Raises:
        CorpusError: ``root`` does not exist, or is neither folder nor file.
    """
    if not root.exists():
        raise CorpusError(
            f"The corpus {str(root)!r} does not exist.",
            "Give a folder of documents, for example --corpus path/to/files.",
        )
    if not root.is_dir() and not root.is_file():
        raise CorpusError(
            f"The corpus {str(root)!r} is neither a folder nor a file.", "Give a folder."
        )


def list_files(root: Path) -> Listing:
    """List the files under ``root``, or the one file that ``root`` is; none is opened.

    Hidden files and folders are passed over, and so are those that programs make for themselves.

    Raises:
        CorpusError: ``root`` does not exist, or is neither folder nor file.
    """
    require_corpus(root)
    skipped: list[SkippedFile] = []
    found: dict[str, SourceFile] = {}
    for path, name in _walk(root, skipped):
        try:
            file = _source(path, name, follow=path == root)
        except OSError as error:
            skipped.append(SkippedFile(name, f"cannot be opened: {error.strerror}"))
            continue
        if isinstance(file, SkippedFile):
            skipped.append(file)
        elif name in found:
            skipped.append(SkippedFile(name, "another file's name is written the same"))
        else:
            found[name] = file
    files = tuple(found[name] for name in sorted(found))
    return Listing(root, files, tuple(skipped))


def safe_name(name: str) -> str:
    r"""A name with what would act on a terminal or on the text around it made visible.

    Control characters, line breaks, marks that turn the direction of writing, and bytes that are
    no text become ``\x1b`` or ``\u202e``; letters of every script stay.
    """
    return "".join(c if _harmless(c) else ascii(c)[1:-1] for c in name)


def _harmless(character: str) -> bool:
    kind = unicodedata.category(character)
    return character in _JOINERS or kind not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _walk(root: Path, skipped: list[SkippedFile]) -> Iterator[tuple[Path, str]]:
    if root.is_file():
        yield root, safe_name(root.name)
        return

    def name_of(path: Path) -> str:
        return safe_name(path.relative_to(root).as_posix())

    def unreadable(error: OSError) -> None:
        folder = Path(error.filename) if error.filename else root
        skipped.append(SkippedFile(name_of(folder), f"cannot be opened: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        here = Path(folder)
        kept = sorted(filter(is_wanted, folders))
        folders[:] = [name for name in kept if not (here / name).is_symlink()]
        links = [name for name in kept if name not in folders]
        for name in sorted([*links, *filter(is_wanted, names)]):
            yield here / name, name_of(here / name)


def is_wanted(name: str) -> bool:
    """Whether a file or folder of this name is looked at; hidden ones are not."""
    # "~$report.docx" is the lock that Office keeps beside an open document.
    return not name.startswith((".", "~$")) and name not in _PASSED_OVER


def _source(path: Path, name: str, *, follow: bool) -> SourceFile | SkippedFile:
    status = path.stat() if follow else path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return SkippedFile(name, "is a link; links are not followed")
    if not stat.S_ISREG(status.st_mode):
        return SkippedFile(name, "is not a regular file")
    return SourceFile(name, path, status.st_size, status.st_mtime_ns)
