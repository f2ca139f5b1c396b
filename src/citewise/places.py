"""Where documents and their index lie unless somebody says otherwise."""

from __future__ import annotations

import hashlib
from pathlib import Path

from citewise.modelcache import cache_folder
from citewise.remote_address import Corpus, RemoteAddress

__all__ = ["default_corpus", "default_index"]


def default_corpus() -> Path:
    """``seeds/`` of the project: in the current folder, or where the package was checked out."""
    here = Path("seeds")
    checkout = Path(__file__).parents[2] / "seeds"
    return checkout if not here.is_dir() and checkout.is_dir() else here


def default_index(corpus: Corpus) -> Path:
    """Where the index of a corpus lies unless the caller says otherwise.

    Another corpus never shares a folder with the default one, so that asking about it does not
    throw away the other's index.
    """
    if isinstance(corpus, RemoteAddress):
        return _apart(corpus, corpus.name)
    resolved = corpus.resolve()
    if resolved == default_corpus().resolve():
        return resolved.parent / "index"
    return _apart(str(resolved), resolved.name or "root")


def _apart(place: str, name: str) -> Path:
    digest = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return cache_folder() / "indexes" / f"{name}-{digest}"
