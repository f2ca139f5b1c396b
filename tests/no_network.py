"""Forbids every connection but to this machine, in a Python process and in those it starts.

``install`` adds an audit hook, which no library can go around in Python and none can remove. Each
attempt fails, and is written to the file named by ``CITEWISE_TEST_NETWORK_LOG``.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import Any

__all__ = ["LOG", "allowed", "environment_for_children", "install"]

LOG = "CITEWISE_TEST_NETWORK_LOG"
_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo")


def allowed(host: Any) -> bool:
    """Whether an address, a name or the path of a socket is on this machine."""
    if isinstance(host, bytes):
        host = host.decode("utf-8", "replace")
    if host in (None, "", "localhost") or str(host).startswith(("/", "\0")):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    address = arguments[0] if event == "socket.getaddrinfo" else arguments[-1]
    host = address[0] if isinstance(address, tuple) else address
    if allowed(host):
        return
    if str(host).endswith(".invalid"):  # RFC 6761: no such name can be, so nobody need be asked
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is not known")
    log = os.environ.get(LOG)
    if log:
        with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123 - runs before all else
            file.write(f"{event} {host!r} by {' '.join(sys.argv)[:200]}\n")
    raise OSError(errno.ENETUNREACH, f"no network in tests: {host!r}")


def install() -> None:
    """Forbid connections in this process from now on."""
    sys.addaudithook(_guard)


def environment_for_children(folder: Path) -> None:
    """Let Python processes that are started from here forbid them too."""
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import no_network\nsys.path.pop(0)\nno_network.install()\n",
        encoding="utf-8",
    )
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
