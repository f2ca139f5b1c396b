"""The PostgreSQL store at several sizes: its bytes, and the server's processor time for a search.

Each size is a database of its own, filled by the index's own update from files that ``corpus.py``
makes: real sentences, so that words are as frequent as in real text, with an invented word of
Zipfian frequency in each, so that the vocabulary grows. Vectors are the means of the model's word
vectors, which have the nearness of real ones and cost nothing. Questions are real.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from corpus import ARTICLES, Pool, PoolVectors, articles, write_corpus
from machine import quantiles
from postgres_bytes import bytes_a_passage, rows_read
from search import model_name, questions_and_vectors

from citewise.retrieval import Retriever, make_query
from citewise.sources import FolderSource
from citewise.splitting import split
from citewise.stores import open_store

__all__ = ["postgres_store"]

_WARMING = 50
_TOP = 10
_PARTS = ("dense", "lexical")
# Whatever PostgreSQL would let helpers do is done by the one process whose time is read. Nothing
# here has to outlive a loss of power.
_SETTINGS = ("max_parallel_workers_per_gather = 0", "fsync = off")


def postgres_store(
    sizes: Sequence[int], folder: Path, data: Path, questions: int, buffers: str = "128MB"
) -> dict[str, Any]:
    """Each size, by its number of passages.

    Args:
        sizes: numbers of passages.
        folder: where the corpora are kept.
        data: what they are made of.
        questions: for each size, after those that warm up.
        buffers: the server's shared buffers; the default is that of PostgreSQL.
    """
    known = questions_and_vectors(data)
    settings = [*_SETTINGS, f"shared_buffers = '{buffers}'"]
    found: dict[str, Any] = {}
    with _server(settings) as address:
        for size in sizes:
            corpus = folder / f"corpus-{size}"
            if not corpus.exists():
                write_corpus(corpus, size, articles(data, ARTICLES)[0])
            found[str(size)] = _one_size(address(f"of_{size}"), corpus, known, questions)
            print(f"postgres: {size} passages measured", flush=True)
    return {"questions": questions, "settings": settings, "sizes": found}


@contextmanager
def _server(settings: Sequence[str]) -> Iterator[Callable[[str], str]]:
    """A server in a folder of its own; gives the address of a new database."""
    import psycopg

    with tempfile.TemporaryDirectory(prefix="cw-pg-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgserver import get_server  # type: ignore[attr-defined]

        def run(statement: str) -> None:
            with psycopg.connect(at("postgres"), autocommit=True) as connection:
                connection.execute(statement.encode())

        def at(database: str) -> str:
            return f"postgresql://postgres@/{database}?host={folder}"

        def new(database: str) -> str:
            run(f"CREATE DATABASE {database}")
            return at(database)

        with get_server(folder):
            for setting in settings:
                run(f"ALTER SYSTEM SET {setting}")
        # Begun anew, since some of them need it.
        with get_server(folder):
            yield new


def _one_size(address: str, corpus: Path, known: Pool, questions: int) -> dict[str, Any]:
    import psycopg

    embedder = PoolVectors(model_name(), known)
    asked = known.questions[: _WARMING + questions]
    with psycopg.connect(address, autocommit=True) as connection:
        with closing(open_store(address, embedder)) as index:
            began, spent = time.perf_counter(), time.process_time()
            index.refresh(FolderSource(corpus), split)
            filled, client = time.perf_counter() - began, time.process_time() - spent
            stats = index.stats()
        # As autovacuum leaves it: no search is the first to look at a row.
        connection.execute("VACUUM ANALYZE")
        before = rows_read(connection, "words")
        with closing(open_store(address, embedder)) as index:
            times = _searched(connection, index, Retriever(index, embedder), asked)
        read = rows_read(connection, "words") - before
        return {
            "spans_a_passage": round(int(stats["spans"]) / int(stats["passages"]), 2),
            "vectors": stats["vectors"],
            "filled_seconds": round(filled, 1),
            "filled_cpu_seconds_of_the_client": round(client, 1),
            "rows_scored_by_words": round(read / len(asked), 1),
            **times,
            "bytes_a_passage": bytes_a_passage(connection, int(stats["passages"])),
        }


def _searched(
    connection: Any, index: Any, retriever: Retriever, asked: Sequence[str]
) -> dict[str, Any]:
    """Milliseconds of processor time: of the server, of two of its searches, of this process."""

    def search(text: str) -> None:
        retriever.search(make_query(text, (), index), _TOP)

    search(asked[0])
    server = _ServerTime(connection)
    spent: defaultdict[str, float] = defaultdict(float)

    def clocked(name: str) -> Callable[..., Any]:
        real = getattr(index, name)

        def call(*args: Any) -> Any:
            before = server.milliseconds()
            found = real(*args)
            spent[name] += server.milliseconds() - before
            return found

        return call

    for name in _PARTS:
        setattr(index, name, clocked(name))
    rows = []
    for text in asked[1:]:
        spent.clear()
        before, own = server.milliseconds(), time.thread_time()
        search(text)
        own = 1e3 * (time.thread_time() - own)
        rows.append([server.milliseconds() - before, *(spent[name] for name in _PARTS), own])
    whole, near, words, client = zip(*rows[_WARMING - 1 :], strict=True)
    return {
        "by_meaning": quantiles(near),
        "by_words": quantiles(words),
        "server": quantiles(whole),
        "client": quantiles(client),
    }


class _ServerTime:
    """The processor time of the one server process that answers the store's connection."""

    def __init__(self, connection: Any) -> None:
        ((process,),) = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
        self._path = Path(f"/proc/{process}/schedstat")

    def milliseconds(self) -> float:
        """Since it began."""
        # Nanoseconds on a processor come first.
        return int(self._path.read_text("ascii").split()[0]) / 1e6
