"""Bringing a folder's documents into a collection: their names begin with the collection's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from citewise import sources
from citewise.collection_names import prefix_of
from citewise.collection_places import held_collections
from citewise.documents import Listing, Reading, SkippedFile, SourceFile
from citewise.errors import InputError
from citewise.filters import inside
from citewise.opening import is_sound
from citewise.protocols import Embedder
from citewise.remote_address import Corpus
from citewise.sources import Source
from citewise.stores.place import StorePlace

__all__ = [
    "CollectionSource",
    "Naming",
    "refuse_names_of_collections",
    "refuse_taken_names",
    "source_of",
]


def source_of(corpus: Corpus, collection: str) -> Source:
    """The documents of ``corpus`` by the names that they have in a collection.

    Raises:
        CorpusError: there is no such folder or address.
    """
    source = sources.source_of(corpus)
    return CollectionSource(source, collection) if collection else source


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of files and documents behind that of a collection; ``prefix`` may be ""."""

    prefix: str

    def file(self, file: SourceFile) -> SourceFile:
        """A file by its name in the collection."""
        return replace(file, name=self.prefix + file.name)

    def plain(self, file: SourceFile) -> SourceFile:
        """The reverse of ``file``."""
        return replace(file, name=file.name.removeprefix(self.prefix))

    def skipped(self, skipped: Sequence[SkippedFile]) -> tuple[SkippedFile, ...]:
        """What was left out, by its names in the collection."""
        return tuple(replace(file, name=self.prefix + file.name) for file in skipped)

    def reading(self, found: Reading) -> Reading:
        """What a file gave, by its names in the collection."""
        documents = tuple(
            replace(
                document,
                name=self.prefix + document.name,
                source=document.source and self.prefix + document.source,
            )
            for document in found.documents
        )
        return replace(found, documents=documents, skipped=self.skipped(found.skipped))


class CollectionSource:
    """Meets ``Source`` with another one, each name behind that of the collection.

    A file of one name in two collections is two documents, and what is cited says which.
    """

    def __init__(self, source: Source, collection: str) -> None:
        self.source = source
        self.naming = Naming(prefix_of(collection))
        self.lasting = source.lasting

    def listing(self) -> Listing:
        """What the other one lists."""
        listing = self.source.listing()
        files = tuple(map(self.naming.file, listing.files))
        return replace(listing, files=files, skipped=self.naming.skipped(listing.skipped))

    def digest(self, file: SourceFile) -> str:
        """The SHA-256 of a file's bytes."""
        return self.source.digest(self.naming.plain(file))

    def read(self, files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Reading]]:
        """The documents in each of these files."""
        for file, found in self.source.read(map(self.naming.plain, files)):
            yield self.naming.file(file), self.naming.reading(found)

    def refuse_empty(self, skipped: Sequence[SkippedFile]) -> None:
        """As the other one does."""
        self.source.refuse_empty(skipped)


def refuse_taken_names(place: StorePlace, collection: str, embedder: Embedder) -> None:
    """Refuse a collection whose documents would be called as those that are in none.

    Only a folder that has the collection's name can do that, among the documents that are in none.
    Whoever indexes is told; no reader ever is.

    Args:
        place: the store's.
        collection: about to be filled.
        embedder: not used.

    Raises:
        InputError: two documents could have one name.
        IndexFault: the documents that are in none cannot be looked at.
    """
    if place.folder is not None and not is_sound(place.folder):
        return
    with place.open(embedder) as index:
        if any(inside(info.name, collection) for info in index.documents()):
            raise _taken(collection)


def refuse_names_of_collections(place: StorePlace, corpus: Corpus) -> None:
    """Refuse documents for no collection that would be called as those of one; as above."""
    if not isinstance(corpus, Path) or not corpus.is_dir():
        return
    for name in held_collections(place):
        if name and (corpus / name).is_dir():
            raise _taken(name)


def _taken(name: str) -> InputError:
    return InputError(
        f"A folder {name!r} is among the documents that are in no collection, and a collection has "
        "that name: their documents would be called the same.",
        "Rename one of the two.",
    )
