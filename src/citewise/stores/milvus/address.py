"""Addresses of Milvus: of a cluster, or of a Milvus Lite file on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from citewise.errors import InputError

__all__ = ["FILE_ENDING", "SCHEMES", "MilvusAddress", "is_milvus", "milvus_address"]

SCHEMES = ("milvus", "milvus+https", "milvus+file")
FILE_ENDING = ".milvus.db"

_PORTS = {"milvus": 19530, "milvus+https": 443}
_FORMS = (
    "Use milvus://HOST:PORT, milvus+https://TOKEN@HOST:PORT/DATABASE, "
    "milvus+file:///path/to/file.db, or a path that ends in .milvus.db."
)


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """Where Milvus is.

    Attributes:
        shown: the address without user name, password and token.
        uri: of a cluster, as pymilvus wants it; "" for a file.
        file: of Milvus Lite; None for a cluster.
        token: ``user:password`` or an API key; "" for none.
        database: within the cluster; "" for its default.
    """

    shown: str
    uri: str = ""
    file: Path | None = None
    token: str = field(default="", repr=False)
    database: str = ""


def is_milvus(address: str) -> bool:
    """Whether an address is one of Milvus."""
    scheme, separator, _ = address.partition("://")
    return scheme in SCHEMES if separator else address.endswith(FILE_ENDING)


def milvus_address(address: str) -> MilvusAddress:
    """Take an address apart.

    Raises:
        InputError: it lacks a host or a path, or holds what no address holds.
    """
    if "://" not in address:
        return MilvusAddress(address, file=Path(address).absolute())
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        # Not the address itself: it may hold a password.
        raise InputError(f"The address of the store cannot be read ({error}).", _FORMS) from error
    if parts.scheme == "milvus+file":
        return _file(parts)
    host, database = parts.hostname, parts.path.strip("/")
    if not host or "/" in database or parts.query or parts.fragment:
        shown = f"{parts.scheme}://{host or ''}{parts.path}"
        raise InputError(f"{shown} is no address of Milvus.", _FORMS)
    where = f"{_bracketed(host)}:{port or _PORTS[parts.scheme]}"
    return MilvusAddress(
        f"{parts.scheme}://{where}{parts.path.rstrip('/')}",
        uri=f"{'https' if parts.scheme == 'milvus+https' else 'http'}://{where}",
        token=unquote(parts.netloc.rpartition("@")[0]),
        database=unquote(database),
    )


def _file(parts: SplitResult) -> MilvusAddress:
    path = unquote(parts.path)
    if parts.netloc or not path.strip("/"):
        raise InputError(f"milvus+file://{parts.path} names no file.", _FORMS)
    return MilvusAddress(f"milvus+file://{path}", file=Path(path))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
