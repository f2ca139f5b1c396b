"""Connecting to Ray, or starting it on this machine, without its network calls and its noise."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citewise.errors import InputError

__all__ = ["connected", "required", "start_quietly"]

_PATIENCE = 5.0  # Seconds until an address that does not answer is given up.
_STORE = 1 << 30  # Bytes of the object store of a Ray that is started here.
# Read when Ray is imported or connected, and when it is started.
_CONNECTING = {"RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}
_STARTING = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Despite its name: what is started here uses 127.0.0.1 alone.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}


def required() -> Any:
    """The module ``ray``, with ``ray.data``.

    Raises:
        InputError: it is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise InputError(
            "Ray is not installed, which the runner ray needs.",
            'Run `pip install "citewise[ray]"`.',
        ) from None
    return ray


@contextlib.contextmanager
def connected(runner: str) -> Iterator[Any]:
    """Ray, connected as ``runner`` says; what was begun here is ended afterwards.

    ``ray`` is the cluster that ``RAY_ADDRESS`` names or that was started on this machine with
    ``ray start``, else one that is started here and ended afterwards. A program that has called
    ``ray.init`` itself keeps its connection.

    Raises:
        InputError: Ray is not installed, or nothing answers at the address.
    """
    address = runner if runner.startswith("ray://") else os.environ.get("RAY_ADDRESS", "")
    if address in ("auto", "local"):
        address = ""
    if address:
        # Ray itself would try for minutes, and could not be interrupted.
        _require_answer(address.removeprefix("ray://"), address)
    joins = bool(address) or _runs_here()
    with _environment(_CONNECTING if joins else _CONNECTING | _STARTING):
        ray = required()
        with _quiet():
            if ray.is_initialized():
                yield ray
                return
            try:
                _init(ray, address, joins)
            except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
                ray.shutdown()
                lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                raise InputError(
                    f"The Ray cluster at {address or 'this machine'} cannot be used: "
                    f"{lines[-1][:300] if lines else type(error).__name__}",
                    "Check that it runs, and that its versions of Ray and Python are those here.",
                ) from None
            try:
                yield ray
            finally:
                ray.shutdown()


def _init(ray: Any, address: str, joins: bool) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if joins:
        client = address.startswith("ray://")  # which takes fewer arguments
        with _unheard():
            ray.init(address or "auto", **({} if client else quiet))
        return
    with start_quietly(), _unheard():
        ray.init(
            include_dashboard=False,
            object_store_memory=_STORE,
            _node_ip_address="127.0.0.1",
            **quiet,
        )


@contextlib.contextmanager
def start_quietly() -> Iterator[None]:
    """Within it, a head node that is started here uses 127.0.0.1 and starts no dashboard process.

    Without a dashboard, Ray starts that process still, for usage statistics alone: it asks the
    clouds' metadata addresses where it runs, even with the statistics switched off.
    """
    from ray._private import ray_constants, services

    before = services.start_api_server, ray_constants.ENABLE_RAY_CLUSTER
    services.start_api_server = lambda *_, **__: (None, None)
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        services.start_api_server, ray_constants.ENABLE_RAY_CLUSTER = before


def _runs_here() -> bool:
    """Whether ``ray start`` left the address of a cluster on this machine that still answers."""
    noted = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray/ray_current_cluster"
    with contextlib.suppress(OSError, ValueError):
        host, _, port = noted.read_text("utf-8").strip().rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
        return True
    return False


def _require_answer(place: str, address: str) -> None:
    host, _, port = place.partition("/")[0].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"No Ray cluster answers at {address}: {reason}.",
            "Give ray://HOST:PORT with the port of its client server, often 10001, or set "
            "RAY_ADDRESS to its head node's own address, often HOST:6379.",
        ) from None


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: os.environ.get(name, value) for name, value in values.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Ray's C++ part says on stderr that it obeys ``RAY_BACKEND_LOG_LEVEL``."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Ray's own log lines are for its developers; what went wrong comes as an exception."""
    import ray._private.worker as worker

    printing = worker.print_to_stdstream  # to stdout, which belongs to what a command prints
    worker.print_to_stdstream = lambda *_, **__: None
    loggers = [logging.getLogger(name) for name in ("ray", "ray.data")]
    before = [(one, one.level) for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        worker.print_to_stdstream = printing
        for one, level in before:
            one.setLevel(level)
