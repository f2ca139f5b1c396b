"""A Milvus Lite file, which a process serves to itself: one process at a time."""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from citewise.errors import IndexFault, InputError

__all__ = ["drop_graphs", "release", "served", "turn"]

_users: Counter[Path] = Counter()
_lock = threading.Lock()
_turns: defaultdict[Path, AbstractContextManager[Any]] = defaultdict(threading.RLock)


def _is_news(record: logging.LogRecord) -> bool:
    # The client asks for a time that Milvus Lite does not tell, and goes on without it.
    return not (record.exc_info and record.exc_info[0] is NotImplementedError)


def served(file: Path) -> str:
    """The address under which this process serves the file; to be released as often.

    Raises:
        IndexFault: another process uses it, or it cannot be written.
        InputError: Milvus Lite is not installed.
    """
    try:
        from milvus_lite.server_manager import server_manager_instance as manager
    except ImportError as error:
        raise InputError(
            f"A Milvus file needs a package that is not installed ({error.name}).",
            'Run: pip install "citewise[milvus]"',
        ) from error
    # It would print a traceback where we tell the failure in words.
    logging.getLogger("milvus_lite").setLevel(logging.CRITICAL + 1)
    logging.getLogger("grpc._server").addFilter(_is_news)
    with _lock:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            uri = manager.start_and_get_uri(str(file))
        except OSError as error:
            raise IndexFault(
                f"The Milvus file {file} cannot be opened ({error.strerror}).",
                "Choose a folder that can be written.",
            ) from error
        if uri is None:
            raise IndexFault(
                f"The Milvus file {file} cannot be opened: another process uses it, or it was "
                "written by another version.",
                "End that process, or run a Milvus server and give its address: a file serves "
                "one process at a time.",
            )
        _users[file] += 1
        return str(uri)


def release(file: Path) -> None:
    """Stop serving a file, unless somebody else in this process uses it."""
    from milvus_lite.server_manager import server_manager_instance as manager

    with _lock:
        _users[file] -= 1
        if _users[file] <= 0:
            del _users[file]
            with suppress(Exception):
                manager.release_server(str(file))


def turn(file: Path) -> AbstractContextManager[Any]:
    """To be held during each request about the file, so that one waits for the other.

    A flush of Milvus Lite takes rows out of memory before they stand in a segment: a search
    meanwhile finds them in neither.
    """
    with _lock:
        return _turns[file]


def drop_graphs(file: Path, name: str) -> bool:
    """Delete what Milvus Lite searches a collection of the file with; whether there was any.

    It makes each anew from the rows where it finds none. It writes them in place, so that a
    process that is killed then leaves half of one, with which the collection never loads again.
    """
    graphs = list(file.glob(f"collections/{name}/partitions/*/indexes/*.idx"))
    for graph in graphs:
        graph.unlink(missing_ok=True)
    return bool(graphs)
