"""What PostgreSQL says when something is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from citewise.errors import IndexFault
from citewise.stores.postgres.address import Address, psycopg_library

__all__ = ["faults_of"]


@contextmanager
def faults_of(address: Address, place: str) -> Iterator[None]:
    """Turn what psycopg raises inside the block into an IndexFault without secrets."""
    library = psycopg_library()
    try:
        yield
    except library.Error as error:
        told = " ".join(address.without_secrets(str(error)).split())
        raise IndexFault(*_explained(place, error.sqlstate or "", told)) from None


_CAUSES = {
    "53100": (
        "could not be written to the end ({})",
        "Free disk space on its server; the previous index is untouched.",
    ),
    "42501": (
        "does not allow this role to do that ({})",
        "Grant it the rights, or give another user in the address; docs/stores.md names them.",
    ),
    "25006": ("cannot be written ({})", "Give an address that can be written."),
    "42P01": ("is gone ({})", "Build it again with `citewise index`."),
    "40001": ("took an answer back ({})", "Ask again."),
    "0A000": ("lacks something that is needed ({})", "Install pgvector 0.8 on its server."),
    "58P01": ("lacks something that is needed ({})", "Install pgvector 0.8 on its server."),
}


def _explained(place: str, state: str, told: str) -> tuple[str, str]:
    """Problem and remedy for an SQLSTATE (PostgreSQL's Appendix A)."""
    if state in _CAUSES:
        problem, remedy = _CAUSES[state]
        return f"The index in {place} {problem.format(told)}.", remedy
    if not state or state[:2] in ("08", "28", "3D", "53", "57"):
        return (
            f"The index in {place} cannot be reached ({told}).",
            "Check the address, the server and the password, then try again.",
        )
    return (
        f"The index in {place} could not be used ({told}).",
        "If this stays, build it again from the documents with `citewise index`.",
    )
