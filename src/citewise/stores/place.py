"""Where a store is: its address, and the folder of the documents, if they lie in one."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.errors import InputError
from citewise.masking import masked
from citewise.stores.milvus.address import is_milvus

if TYPE_CHECKING:
    from citewise.index import Index
    from citewise.protocols import Embedder

__all__ = ["StorePlace"]

_FOLDER = "collections"
_MISTYPED = re.compile(
    r"(?:postgres|milvus)[\w+.-]*(?!://)(?![\w+.-])[:;/\\@].*|.*password\s*=",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class StorePlace:
    """A store by its address, which may hold a password.

    ``folder`` is the one in which documents and words are kept; None where all is behind the
    address.
    """

    address: str = field(repr=False)
    folder: Path | None

    @classmethod
    def of(cls, address: str, index: Path) -> StorePlace:
        """The store at an address.

        Args:
            address: a folder's path, or one with a scheme; "" for the folder ``index``.
            index: where the documents are kept if only their vectors are behind the address.
        """
        if _is_mistyped(address):
            # Not quoted: it may hold a password.
            raise InputError(
                "The address of the store is none that can be read.",
                "Give postgresql://USER@HOST/DATABASE, milvus://HOST:PORT, or a folder's path.",
            )
        if is_milvus(address):
            return cls(address, index)
        if "://" in address:
            return cls(address, None)
        return cls(address or str(index), Path(address) if address else index)

    @property
    def shown(self) -> str:
        """The address without a password."""
        return masked(self.address)

    @property
    def is_folder(self) -> bool:
        """Whether nothing of it is anywhere but in its folder."""
        return "://" not in self.address and not is_milvus(self.address)

    def folder_of(self, collection: str) -> Path | None:
        """The folder of a collection's index; None if it is in none."""
        if self.folder is None:
            return None
        return self.folder / _FOLDER / collection if collection else self.folder

    def open(self, embedder: Embedder, collection: str = "") -> Index:
        """Open a collection's index, made if there is none; raises as ``open_store``."""
        from citewise.stores import open_store

        return open_store(self.address, embedder, collection, folder=self.folder)


def _is_mistyped(address: str) -> bool:
    """Whether what was meant as an address would be taken for a folder's path."""
    if not _MISTYPED.match(address.partition("?")[0]):
        return False
    # Path.is_dir raises for a name too long, with the name in its words.
    if os.path.isdir(address):  # noqa: PTH112
        return False
    # A file of Milvus Lite in a folder of that name; nothing of a user and a password.
    return not is_milvus(address) or any(mark in address for mark in ":;@=")
