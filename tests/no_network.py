"""Forbids every connection but to this machine, in a Python process and in those it starts.

``install`` adds an audit hook, which no library can go around in Python and none can remove. Each
attempt fails, and is written to the file named by ``CITEWISE_TEST_NETWORK_LOG``.

``conftest`` takes pytest's hooks from here, so that the whole suite runs like this. Only what
fetches the models, once, comes before: without them the tests marked ``model`` could not run at
all. An attempt that no test expects fails the whole run, with its address.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

__all__ = [
    "LOG",
    "allowed",
    "environment_for_children",
    "install",
    "pytest_collection_finish",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
]

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


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch the models that the tests need, then forbid every connection beyond this machine."""
    if session.config.option.collectonly or LOG in os.environ:
        return
    session.config.add_cleanup(_forget)
    if any(item.get_closest_marker("model") for item in session.items):
        _fetch_models()
    folder = Path(tempfile.mkdtemp(prefix="citewise-no-network-"))
    os.environ[LOG] = str(folder / "attempts.txt")
    environment_for_children(folder)
    install()


def _forget() -> None:
    if log := os.environ.pop(LOG, None):
        shutil.rmtree(Path(log).parent, ignore_errors=True)


def _fetch_models() -> None:
    from citewise.errors import ModelError
    from citewise.fetching import ensure
    from citewise.registry import DEFAULT_MODELS, get

    try:
        for name in DEFAULT_MODELS:
            ensure(get(name))
    except ModelError as error:
        print(error)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which something left this machine."""
    if _attempts() and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what left."""
    if tried := _attempts():
        terminalreporter.section("left this machine", red=True)
        terminalreporter.write_line("\n".join(tried))


def _attempts() -> list[str]:
    log = Path(os.environ.get(LOG, ""))
    return sorted(set(log.read_text("utf-8").splitlines())) if log.is_file() else []
