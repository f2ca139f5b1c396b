"""Where a PostgreSQL store lies, and how that is said without its password."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from citewise.errors import InputError

if TYPE_CHECKING:
    import psycopg

__all__ = ["SCHEMES", "Address", "psycopg_library"]

SCHEMES = ("postgresql", "postgres")

_SECRETS = ("password", "sslpassword", "passfile")
_SECONDS_TO_CONNECT = 10


def psycopg_library() -> Any:
    """psycopg, or an error that says how to get it.

    Raises:
        InputError: it is not installed.
    """
    try:
        import psycopg
        import psycopg_pool  # noqa: F401 - needed as much
    except ImportError as error:
        raise InputError(
            f"A PostgreSQL store needs a package that is missing ({error}).",
            'Install it with: pip install "citewise[postgres]"',
        ) from error
    return psycopg


@dataclass(frozen=True, slots=True)
class Address:
    """A database, and what may be told of it.

    Attributes:
        parameters: as libpq knows them; the password is among them.
        place: host and database, for messages.
    """

    parameters: dict[str, Any] = field(repr=False)
    place: str

    @classmethod
    def parse(cls, address: str) -> Address:
        """Read ``postgresql://user:password@host:port/database?...``.

        Raises:
            InputError: it is no such address; what it holds is not repeated.
        """
        library = psycopg_library()
        rest = address.partition("://")[2].partition("?")[0]
        if rest.count("@") > 1:
            # libpq would take what follows the first for the host, and put it into messages.
            raise InputError(
                'The address of the PostgreSQL store holds more than one "@".',
                'Write an "@" in user or password as "%40".',
            )
        try:
            parameters = library.conninfo.conninfo_to_dict(address)
        except library.Error:
            raise _unreadable() from None
        if not str(parameters.get("port", "1")).replace(",", "").isdecimal():
            raise _unreadable()
        parameters.setdefault("connect_timeout", _SECONDS_TO_CONNECT)
        parameters.setdefault("application_name", f"citewise {os.getpid()}@{socket.gethostname()}")
        return cls(parameters, _shown(parameters))

    def without_secrets(self, text: str) -> str:
        """A message in which no secret of the address stands."""
        for name in _SECRETS:
            secret = self.parameters.get(name)
            if secret:
                text = text.replace(str(secret), "***")
        return text

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """A new connection; psycopg's errors come as they are."""
        connection: psycopg.Connection[Any] = psycopg_library().connect(
            **self.parameters, **options
        )
        return connection


def _unreadable() -> InputError:
    return InputError(
        "The address of the PostgreSQL store cannot be read.",
        "Give postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
    )


def _shown(parameters: dict[str, Any]) -> str:
    host = parameters.get("host") or parameters.get("hostaddr") or "localhost"
    port = f":{parameters['port']}" if "port" in parameters else ""
    name = parameters.get("dbname") or parameters.get("user") or ""
    return f"postgresql://{host}{port}/{name}"
