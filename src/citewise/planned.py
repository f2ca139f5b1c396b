"""What an update of an index would do, without a model and without writing anything."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from citewise.index import Index
from citewise.metering import Progress
from citewise.opening import is_sound
from citewise.remote_address import Corpus
from citewise.sources import source_of
from citewise.splitting import split
from citewise.updating import UpdateSummary

__all__ = ["planned_update"]


def planned_update(
    corpus: Corpus,
    folder: Path,
    embedder: str,
    *,
    thorough: bool = False,
    progress: Progress | None = None,
) -> UpdateSummary:
    """Compare a corpus with the index in ``folder``, which need not exist.

    Args:
        embedder: the name of the embedding model that an update would use.
        thorough: as for ``Index.refresh``.

    Raises:
        CorpusError, IndexFault: the corpus or the index cannot be read.
    """
    source = source_of(corpus)
    with _looked_at(folder) as place, Index.open(place, _Name(embedder)) as index:
        return index.refresh(source, split, thorough=thorough, dry_run=True, progress=progress)


@contextlib.contextmanager
def _looked_at(folder: Path) -> Iterator[Path]:
    """The folder if opening the index there changes nothing, else an empty one."""
    if is_sound(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as empty:
        yield Path(empty)


class _Name:
    """An embedder that is only compared."""

    def __init__(self, name: str) -> None:
        self.name = name

    def embed_passages(self, texts: Sequence[str]) -> NoReturn:
        """Never called: nothing is embedded."""
        raise NotImplementedError(len(texts))

    def embed_query(self, text: str) -> NoReturn:
        """Never called: nothing is asked."""
        raise NotImplementedError(text)
