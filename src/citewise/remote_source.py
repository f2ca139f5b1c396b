"""Documents behind an fsspec address: listed with their times and tags, downloaded to be read.

What has an entity tag (S3, Google Cloud Storage, Azure) is told to be unchanged by it, without
being read. Credentials are found by the provider's own means and never pass through here.
"""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any

from citewise.documents import (
    Listing,
    Reading,
    SkippedFile,
    SourceFile,
    nothing_to_read,
    read_sources,
)
from citewise.errors import CorpusError
from citewise.files import is_wanted, safe_name
from citewise.limits import ReadLimits, mebibytes
from citewise.remote_address import RemoteAddress
from citewise.settings import current

__all__ = ["RemoteFile", "RemoteSource"]

_BLOCK = 1 << 20
_AHEAD = 4  # Files downloaded at once, and lying on the disk before they are read.
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "adl": "adlfs",
}
_TAGS = ("ETag", "etag", "md5Hash", "content_md5")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")


@dataclass(frozen=True, slots=True)
class RemoteFile(SourceFile):
    """A file behind an address: ``key`` is its path there, ``tag`` what changes with its bytes."""

    key: str = ""
    tag: str = ""


class RemoteSource:
    """Meets ``Source`` with the files below an address, or the one file that it names.

    Args:
        address: as ``corpus_of`` gives it.
        limits: for one file; as the settings say by default.
        processes: how many files are read at once; see ``read_sources``.

    Raises:
        CorpusError: no package is installed for this kind of address, or fsspec knows none.
    """

    lasting = True

    def __init__(
        self, address: RemoteAddress, limits: ReadLimits | None = None, processes: int = 0
    ) -> None:
        self.address = address
        self._limits = limits
        self._processes = processes
        self._fs, self._root = _opened(address)

    def require(self) -> None:
        """Refuse what does not exist, before anything costly is made for it.

        Raises:
            CorpusError: it does not, or may not be seen.
        """
        self._found()

    def listing(self) -> Listing:
        """The files below the address, sorted by name; none is opened.

        Raises:
            CorpusError: there is nothing, or it may not be seen.
        """
        skipped: list[SkippedFile] = []
        found: dict[str, SourceFile] = {}
        for key, about in self._found().items():
            path = self._relative(key)
            parts = path.split("/")
            if key.endswith("/") or not all(map(is_wanted, (p for p in parts if p != ".."))):
                continue  # some stores mark a folder with an empty file of its name
            name = safe_name(path)
            if {"", ".."} & set(parts):
                skipped.append(SkippedFile(name, "its name has no place in a folder"))
            elif name in found:
                skipped.append(SkippedFile(name, "another file's name is written the same"))
            else:
                found[name] = _file(name, key, about)
        files = tuple(found[name] for name in sorted(found))
        return Listing(PurePosixPath(self.address), files, tuple(skipped))

    def digest(self, file: SourceFile) -> str:
        """What tells its bytes from others: made from its tag, else their SHA-256."""
        assert isinstance(file, RemoteFile)  # noqa: S101 - the listing holds no others
        if file.tag:
            return hashlib.sha256(f"tag\n{file.tag}\n{file.size}".encode()).hexdigest()
        digest = hashlib.sha256()
        try:
            for block in self._blocks(file):
                digest.update(block)
        except Exception as error:
            raise OSError(getattr(error, "errno", None) or errno.EIO, _reason(error)) from None
        return digest.hexdigest()

    def read(self, files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Reading]]:
        """The documents in each of these files; one that is gone or forbidden is ``unreached``.

        Raises:
            CorpusError: the store cannot be reached.
        """
        limits = self._limits or current().reading
        failed: list[tuple[SourceFile, Reading]] = []
        with tempfile.TemporaryDirectory(prefix="citewise-") as folder:
            here: dict[str, SourceFile] = {}

            def local() -> Iterator[SourceFile]:
                for file, got in self._downloads(files, Path(folder), limits):
                    if isinstance(got, Path):
                        here[file.name] = file
                        yield SourceFile(file.name, got, file.size, file.mtime_ns)
                    else:
                        failed.append((file, got))

            for copy, reading in read_sources(local(), limits, self._processes):
                copy.path.unlink()
                yield from failed
                failed.clear()
                yield here.pop(copy.name), reading
            yield from failed

    def refuse_empty(self, skipped: Sequence[SkippedFile]) -> None:
        """An address below which nothing is left is rather a mistake."""
        raise CorpusError(*nothing_to_read(self.address, skipped))

    def _found(self) -> dict[str, dict[str, Any]]:
        try:
            self._fs.invalidate_cache()
            found: dict[str, dict[str, Any]] = self._fs.find(self._root, detail=True)
        except Exception as error:
            raise CorpusError(
                f"The corpus {self.address!r} cannot be listed: {_reason(error)}.",
                "Check the address, and that the provider's own tools may list it from here; "
                "see docs/ingest-at-scale.md.",
            ) from None
        if not found and not self._fs.exists(self._root):
            raise CorpusError(
                f"There is nothing at {self.address!r}.", "Give the address of a folder."
            )
        return found

    def _relative(self, key: str) -> str:
        root = self._root.rstrip("/")
        if key == root:
            return key.rpartition("/")[2]
        return key[len(root) :].removeprefix("/") if root else key.lstrip("/")

    def _downloads(
        self, files: Iterable[SourceFile], folder: Path, limits: ReadLimits
    ) -> Iterator[tuple[SourceFile, Path | Reading]]:
        waiting: deque[tuple[SourceFile, Future[Path | Reading]]] = deque()
        with ThreadPoolExecutor(_AHEAD, "citewise-download") as threads:
            for number, file in enumerate(files):
                target = folder / f"{number}{PurePosixPath(file.name).suffix[:16]}"
                waiting.append((file, threads.submit(self._download, file, target, limits)))
                if len(waiting) > _AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()

    def _download(self, file: SourceFile, target: Path, limits: ReadLimits) -> Path | Reading:
        assert isinstance(file, RemoteFile)  # noqa: S101 - the listing holds no others
        too_large = SkippedFile(file.name, f"is larger than {mebibytes(limits.file_bytes)}")
        if file.size > limits.file_bytes:
            return Reading((), (too_large,))
        try:
            with target.open("wb") as copy:
                for block in self._blocks(file):
                    copy.write(block)
                    if copy.tell() > limits.file_bytes:
                        return Reading((), (too_large,))
        except (FileNotFoundError, PermissionError) as error:
            reason = f"cannot be read: {_reason(error)}"
            return Reading((), (SkippedFile(file.name, reason),), unreached=True)
        except Exception as error:
            raise CorpusError(
                f"{file.name!r} of {self.address!r} cannot be read: {_reason(error)}.",
                "Try again: what was prepared until now is kept.",
            ) from None
        return target

    def _blocks(self, file: RemoteFile) -> Iterator[bytes]:
        with self._fs.open(file.key, "rb", block_size=_BLOCK) as opened:
            while block := opened.read(_BLOCK):
                yield block


def _opened(address: RemoteAddress) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise _missing("fsspec", address) from None
    try:
        fs, root = url_to_fs(str(address))
    except ImportError:
        raise _missing(_PACKAGES.get(address.protocol, ""), address) from None
    except ValueError as error:
        if "rotocol" in str(error):
            raise CorpusError(
                f"No file system is known for {address.protocol}:// addresses.",
                "Use s3://, gs://, abfs:// or another of fsspec's, or the path of a folder.",
            ) from None
        raise CorpusError(
            f"The corpus {address!r} cannot be opened: {_reason(error)}.", "Check the address."
        ) from None
    return fs, root.rstrip("/")


def _missing(package: str, address: RemoteAddress) -> CorpusError:
    named = f' and `pip install "{package}"`' if package not in ("", "fsspec") else ""
    return CorpusError(
        f"A package is missing that opens {address.protocol}:// addresses.",
        f'Run `pip install "citewise[remote]"`{named}.',
    )


def _file(name: str, key: str, about: dict[str, Any]) -> RemoteFile:
    tag = next((str(about[field]) for field in _TAGS if about.get(field)), "")
    moment = next((ns for field in _TIMES if (ns := _nanoseconds(about.get(field)))), 0)
    if moment and tag:
        # Many stores tell whole seconds: two versions of one second differ in the rest.
        fraction = int.from_bytes(hashlib.blake2b(tag.encode(), digest_size=8).digest(), "big")
        moment = moment // 10**9 * 10**9 + fraction % 10**9
    return RemoteFile(name, Path(name), int(about.get("size") or 0), moment, key, tag)


def _nanoseconds(told: Any) -> int:
    """A time in nanoseconds since 1970; 0 if it is none."""
    if isinstance(told, str):
        try:
            told = datetime.fromisoformat(told.replace("Z", "+00:00"))
        except ValueError:
            return 0
    if isinstance(told, datetime):
        told = (told if told.tzinfo else told.replace(tzinfo=timezone.utc)).timestamp()
    return round(told * 10**9) if isinstance(told, (int, float)) and told > 0 else 0


def _reason(error: Exception) -> str:
    """What went wrong, without the library's own words: those may quote a signed address."""
    told = {FileNotFoundError: "there is no such file", PermissionError: "access is denied"}
    known = next((text for kind, text in told.items() if isinstance(error, kind)), "")
    return known or getattr(error, "strerror", None) or type(error).__name__
