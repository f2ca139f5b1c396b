"""Where documents and vectors are kept: an address leads to an ``Index``.

``index/`` is the embedded default, SQLite and FAISS in a folder. Others need an extra each, and are
imported only when their address is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from citewise.errors import InputError
from citewise.stores.milvus.address import is_milvus

if TYPE_CHECKING:
    from citewise.index import Index
    from citewise.protocols import Embedder

__all__ = ["open_store"]


def open_store(
    address: str, embedder: Embedder, collection: str = "", *, folder: Path | None = None
) -> Index:
    """Open what lies at an address, creating it if needed.

    Args:
        address: a folder's path, or an address with a scheme.
        collection: whose documents; "" are those that belong to none.
        folder: of the index, where a store keeps only its vectors at the address.

    Raises:
        InputError: nothing is known under that scheme.
        IndexFault: it is not readable, not reachable, or of a newer format.
    """
    if is_milvus(address):
        from citewise.stores.milvus.opening import open_milvus

        return open_milvus(address, embedder, _folder(_needed(folder), collection), collection)
    scheme, separator, _ = address.partition("://")
    if not separator:
        from citewise.index import Index

        return Index.open(_folder(Path(address), collection), embedder)
    if scheme in ("postgresql", "postgres"):
        from citewise.stores.postgres.index import PostgresIndex

        return PostgresIndex.at(address, embedder, collection)
    raise InputError(
        f"There is no store for {scheme}:// addresses.",
        "Give the path of a folder, postgresql://..., or milvus://...",
    )


def _needed(folder: Path | None) -> Path:
    if folder is None:
        raise InputError(
            "Milvus keeps an index's vectors only; its documents need a folder.",
            "Name the folder of the index.",
        )
    return folder


def _folder(folder: Path, collection: str) -> Path:
    return folder / "collections" / collection if collection else folder
