"""The Milvus store: documents and words in the index folder's database, vectors in Milvus."""

from __future__ import annotations

from pathlib import Path

from citewise.folder_index import FolderIndex
from citewise.index import Index
from citewise.opening import open_database
from citewise.protocols import Embedder
from citewise.stores.milvus.address import milvus_address
from citewise.stores.milvus.client import MilvusServer
from citewise.stores.milvus.vectors import MilvusVectors

__all__ = ["open_milvus"]


def open_milvus(address: str, embedder: Embedder, folder: Path, collection: str) -> Index:
    """Open the index in ``folder`` with its vectors in the Milvus at ``address``.

    Milvus is connected when it is first needed.

    Args:
        collection: whose documents, as a name for people to read.

    Raises:
        InputError: the address cannot be read.
        IndexFault: as ``Index.open``.
    """
    server = MilvusServer(milvus_address(address))
    database, pending = open_database(folder)
    return FolderIndex(database, embedder, pending, MilvusVectors(database, server, collection))
