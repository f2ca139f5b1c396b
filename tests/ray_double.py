"""A Ray cluster of several nodes on this machine, and an embedder that its workers can import."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from doubles import HashEmbedder

__all__ = ["NotingEmbedder", "cluster", "contents", "noted", "patiently"]

_STORE = 100 << 20  # Bytes; Ray wants 75 MiB at least.
_TRIES = 4


class NotingEmbedder(HashEmbedder):
    """Notes each text in a file of its own process, so that all embedding anywhere is counted.

    Args:
        folder: of these files.
        pause: seconds for each text, so that something is under way when it is killed.
        deadly: a text at which the process dies, the first time that any meets it.
    """

    def __init__(self, folder: Path, pause: float = 0.0, deadly: str = "") -> None:
        super().__init__()
        self.folder = folder
        self.pause = pause
        self.deadly = deadly

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As ``HashEmbedder``."""
        if self.deadly in texts and not (self.folder / "died").exists():
            (self.folder / "died").touch()
            os._exit(1)
        vectors = super().embed_passages(texts)
        with (self.folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(text) + "\n" for text in texts)
        time.sleep(self.pause * len(texts))
        return vectors


def noted(folder: Path) -> list[str]:
    """All texts that were embedded, by any process, since this was last asked."""
    texts: list[str] = []
    for path in folder.glob("*.jsonl"):
        texts += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        path.unlink()
    return texts


def contents(index: Path) -> dict[str, Any]:
    """All that an index holds, row by row and in their order, with ids, terms and vectors."""
    vector = "(SELECT vector FROM vectors v WHERE v.id = t.vector)"
    questions = {
        "documents": "SELECT id, state, name, sha256, text, pages, format, modified, source"
        " FROM documents ORDER BY id",
        "passages": 'SELECT id, document, start, "end", kind, heading, page, text, terms,'
        f" {vector} FROM passages t ORDER BY id",
        "spans": 'SELECT passage, number, start, "end", kind, rendered, terms, length,'
        f" {vector} FROM spans t ORDER BY passage, number",
        "files": "SELECT name, size, sha256, skipped FROM files ORDER BY name",
        "vectors": "SELECT key, vector FROM vectors ORDER BY key",
    }
    connection = sqlite3.connect(index / "citewise.sqlite3")
    try:
        return {what: connection.execute(asked).fetchall() for what, asked in questions.items()}
    finally:
        connection.close()


@contextmanager
def cluster(nodes: int) -> Iterator[Any]:
    """A head node and ``nodes`` more, each with one processor, on 127.0.0.1.

    ``RAY_ADDRESS`` leads to it. Nothing of it is left.
    """
    folder = tempfile.mkdtemp(prefix="cw-ray-")  # short: it holds sockets
    values = {
        "RAY_TMPDIR": folder,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_BACKEND_LOG_LEVEL": "fatal",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        ),
    }
    before = {name: os.environ.get(name) for name in [*values, "RAY_ADDRESS"]}
    os.environ.update(values)
    try:
        with _started(nodes) as made:
            os.environ["RAY_ADDRESS"] = made.address
            yield made
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(nodes: int) -> Iterator[Any]:
    from citewise.runners.ray_cluster import start_quietly

    with start_quietly():
        made = _made(nodes)
        started = list(made.list_all_nodes())
        try:
            yield made
        finally:
            made.shutdown()
    left = [
        one.process.pid
        for node in started
        for some in node.all_processes.values()
        for one in some
        if one.process.poll() is None
    ]
    assert left == [], f"processes of Ray are left: {left}"


def _made(nodes: int) -> Any:
    from ray.cluster_utils import Cluster

    each = {"node_ip_address": "127.0.0.1", "num_cpus": 1, "object_store_memory": _STORE}

    def make() -> Any:
        made = Cluster(initialize_head=True, head_node_args={**each, "include_dashboard": False})
        for _ in range(nodes):
            made.add_node(**each)
        return made

    return patiently(make)


def patiently(make: Callable[[], Any]) -> Any:
    """What ``make`` returns; tried again where a busy machine lets a node miss Ray's 30 seconds."""
    own = psutil.Process()
    for left in reversed(range(_TRIES)):
        before = set(own.children(recursive=True))
        try:
            return make()
        except Exception as error:
            # Ray raises just this; what it had started by then it would keep until the end.
            if not left or "timed out during startup" not in str(error):
                raise
            begun = [one for one in own.children(recursive=True) if one not in before]
            for one in begun:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.wait_procs(begun, timeout=10)
            print(f"A node of Ray did not start in time ({error}); {left} tries are left.")
    raise AssertionError("every try returns or raises")
