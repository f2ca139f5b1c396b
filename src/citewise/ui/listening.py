"""Where the chat listens: an address, and a port that is free."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys

from citewise.errors import InputError
from citewise.rendering import visible
from citewise.ui import strings

__all__ = ["address_of", "is_loopback", "listening_socket", "say"]

_PORTS_TRIED = 20


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens on ``port`` or the next free one.

    Raises:
        InputError: there is no such port, the address is not this machine's, or no port is free.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"There is no port {port}.", "Give one from 1024 to 65535 with --port.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + _PORTS_TRIED, 65536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise _cannot_listen(host, candidate, error) from None
        else:
            if candidate != port:
                say(strings.PORT_TAKEN.format(wanted=port, port=candidate))
            return listener
    raise InputError(
        f"Ports {port} to {port + _PORTS_TRIED - 1} are all taken.",
        "Give another one with --port.",
    )


def address_of(listener: socket.socket, host: str) -> str:
    """What to open in a browser on this machine."""
    port = listener.getsockname()[1]
    name = "127.0.0.1" if host in {"0.0.0.0", ""} else host  # noqa: S104
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def say(line: str) -> None:
    """Tell whoever started the server; its standard output is for the address alone."""
    print(visible(line), file=sys.stderr, flush=True)


def _cannot_listen(host: str, port: int, error: OSError) -> InputError:
    return InputError(
        f"Cannot listen on {host!r}, port {port}: {error.strerror or error}.",
        "Use --host 127.0.0.1 and a port from 1024 to 65535.",
    )
