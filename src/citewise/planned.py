"""What an update of an index would do, without a model and without writing anything."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from citewise.collecting import source_of
from citewise.index import Index
from citewise.metering import Progress
from citewise.opening import is_sound
from citewise.remote_address import Corpus
from citewise.splitting import split
from citewise.stores.place import StorePlace
from citewise.updating import UpdateSummary

__all__ = ["NameOnly", "planned_update"]


def planned_update(
    corpus: Corpus,
    store: StorePlace,
    embedder: str,
    *,
    collection: str = "",
    thorough: bool = False,
    progress: Progress | None = None,
) -> UpdateSummary:
    """Compare a corpus with the index at ``store``; a folder need not exist.

    Args:
        embedder: the name of the embedding model that an update would use.
        collection: whose index it is.
        thorough: as for ``Index.refresh``.

    Raises:
        CorpusError, IndexFault: the corpus or the index cannot be read.
    """
    source = source_of(corpus, collection)
    with _opened(store, NameOnly(embedder), collection) as index:
        return index.refresh(source, split, thorough=thorough, dry_run=True, progress=progress)


@contextlib.contextmanager
def _opened(store: StorePlace, embedder: NameOnly, collection: str) -> Iterator[Index]:
    folder = store.folder_of(collection)
    if folder is None:
        with store.open(embedder, collection) as index:
            yield index
        return
    with _looked_at(folder) as place, Index.open(place, embedder) as index:
        yield index


@contextlib.contextmanager
def _looked_at(folder: Path) -> Iterator[Path]:
    """The folder if opening the index there changes nothing, else an empty one."""
    if is_sound(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as empty:
        yield Path(empty)


class NameOnly:
    """An embedder that is only compared."""

    def __init__(self, name: str) -> None:
        self.name = name

    def embed_passages(self, texts: Sequence[str]) -> NoReturn:
        """Never called: nothing is embedded."""
        raise NotImplementedError(len(texts))

    def embed_query(self, text: str) -> NoReturn:
        """Never called: nothing is asked."""
        raise NotImplementedError(text)
