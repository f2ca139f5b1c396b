"""Where documents lie that are not in a folder of this machine: ``s3://bucket/prefix`` and others.

``pathlib`` would make one slash of two, so that such an address stays text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeAlias

from citewise.errors import InputError

__all__ = ["Corpus", "RemoteAddress", "corpus_of"]

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S.*", re.IGNORECASE)
_HERE = frozenset({"file", "local"})


class RemoteAddress(str):
    """An address that fsspec opens, such as ``s3://bucket/prefix``; made by ``corpus_of``."""

    __slots__ = ()

    @property
    def protocol(self) -> str:
        """What stands before ``://``."""
        return self.partition("://")[0].lower()

    @property
    def name(self) -> str:
        """The last part of its path, or what stands in its place."""
        parts = [part for part in self.partition("://")[2].split("/") if part]
        return parts[-1] if parts else self.protocol


Corpus: TypeAlias = "Path | RemoteAddress"


def corpus_of(given: str) -> Corpus:
    """The folder, or the address, that a text names; ``file://`` stands for a folder.

    Raises:
        InputError: the address holds a password, or chains several file systems.
    """
    if not _ADDRESS.fullmatch(given):
        return Path(given).expanduser()
    protocol, _, rest = given.partition("://")
    if "::" in given:
        raise InputError(
            f"An address of {protocol}:// that chains file systems with '::' is not supported.",
            "Give the address of the folder itself, such as s3://bucket/prefix.",
        )
    if protocol.lower() in _HERE:
        return Path(rest)
    user, at, _ = rest.partition("/")[0].rpartition("@")
    if at and ":" in user:
        raise InputError(
            f"The address of the documents ({protocol}://...) holds a password.",
            "Leave it out: credentials come from where the provider's own tools take them, such "
            "as AWS_PROFILE, a role, or `gcloud auth`.",
        )
    return RemoteAddress(given.rstrip("/") if rest.strip("/") else given)
