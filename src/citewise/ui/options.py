"""What the visitors of a server may do, and where what they bring is kept."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from citewise.remote_address import Corpus, RemoteAddress
from citewise.ui.limits import Limits

__all__ = ["Options", "default_data", "realm_of"]


@dataclass(frozen=True, slots=True)
class Options:
    """What visitors may do, and what is kept of it.

    Args:
        data: the folder for visitors' documents and for answers; one server uses it at a time.
        limits: sizes, counts, and how long what nobody uses is kept.
        uploads: whether visitors may bring documents.
        common: whether all visitors share what any of them brings.
        questions: the question set that answers can be saved to.
        owner: the password for the owner's page; without one there is no such page.
        keep_days: answers, with what was asked, are deleted after that time.
        state: the ``postgresql://`` address of a database that keeps all of it instead of
            ``data``, so that several processes can share it; ``docs/shared-state.md``.
        realm: what tells chats that share a database apart: they see nothing of one another.
    """

    data: Path
    limits: Limits = field(default_factory=Limits)
    uploads: bool = True
    common: bool = False
    questions: Path | None = None
    owner: str = ""
    keep_days: float = 30.0
    state: str = field(default="", repr=False)
    realm: str = ""


def realm_of(collections: str) -> str:
    """What tells chats over these collections apart from others; "" for the documents in none.

    A digest, so that it can be part of a collection's name.
    """
    names = sorted({name.strip().lower() or "default" for name in collections.split(",")})
    if names == ["default"]:
        return ""
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:12]


def default_data(corpus: Corpus) -> Path:
    """Where a chat over this corpus keeps what visitors bring, unless it is told another place."""
    from platformdirs import user_data_path

    resolved = corpus if isinstance(corpus, RemoteAddress) else corpus.resolve()
    digest = hashlib.sha256(str(resolved).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    name = re.sub(r"[^\w.-]", "_", resolved.name) or "root"
    return user_data_path("citewise", appauthor=False) / "chats" / f"{name}-{digest}"
