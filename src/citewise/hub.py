"""Model files straight from their publisher's Hugging Face repository, over plain HTTPS."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.modelspec import HubSource, PinnedFile
from citewise.partialfile import Opener, PartialFile, SourceError, open_partial

if TYPE_CHECKING:
    import httpx

__all__ = ["HubDownload"]

_ATTEMPTS = 3
_PROGRESS_BYTES = 1 << 16


class HubDownload:
    """Fetches a model's files from a hub, resuming what broke off.

    No account, token or cookie is ever sent; the SHA-256 decides about the bytes.

    Args:
        endpoint: address of the hub; ``HF_ENDPOINT`` or the public one if not given.
        connect_seconds: how long to try to connect.
        read_seconds: how long a connection may stay silent.
        opener: opens the files that are written.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        connect_seconds: float = 5.0,
        read_seconds: float = 20.0,
        opener: Opener = open_partial,
    ) -> None:
        chosen = endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        self._endpoint = chosen.rstrip("/")
        self._seconds = (connect_seconds, read_seconds)
        self._opener = opener

    def fetch(
        self,
        hub: HubSource,
        files: Sequence[PinnedFile],
        folder: Path,
        on_total: Callable[[int], None],
    ) -> None:
        """Put ``files`` into ``folder``; ``on_total`` hears the bytes that are there so far.

        Raises:
            SourceError: the hub cannot be reached, lacks a file, or has other bytes.
            ModelError: the disk is full or fails.
        """
        import httpx

        connect, read = self._seconds
        done = 0
        try:
            with httpx.Client(
                timeout=httpx.Timeout(read, connect=connect),
                follow_redirects=True,
                headers={"Accept-Encoding": "identity"},
            ) as client:
                for file in files:
                    url = f"{self._endpoint}/{hub.repo}/resolve/{hub.revision}/{file.path}"
                    with PartialFile(folder / file.path, file, self._opener) as partial:
                        _fetch(client, url, partial, _behind(done, on_total))
                    done += file.size
        # A proxy setting that httpx cannot use shows as ValueError or ImportError.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
            why = str(error) or type(error).__name__
            raise SourceError(f"{hub.repo} could not be fetched: {why}.") from error


def _behind(done: int, on_total: Callable[[int], None]) -> Callable[[int], None]:
    return lambda size: on_total(done + size)


def _fetch(
    client: httpx.Client, url: str, partial: PartialFile, on_size: Callable[[int], None]
) -> None:
    import httpx

    failures = 0
    partial.resume()
    while partial.size < partial.pinned.size:
        before = partial.size
        cut: httpx.TransportError | None = None
        try:
            _read(client, url, partial, on_size)
        except httpx.ConnectError:
            raise
        except httpx.TransportError as error:
            cut = error
        # A line that keeps breaking off is worth staying with only while it brings something.
        failures = 0 if partial.size - before >= _PROGRESS_BYTES else failures + 1
        if failures == _ATTEMPTS and partial.size < partial.pinned.size:
            raise cut or SourceError(f"{url} broke off at {partial.size:,} bytes.")
    partial.finish()


def _read(
    client: httpx.Client, url: str, partial: PartialFile, on_size: Callable[[int], None]
) -> None:
    wanted = {"Range": f"bytes={partial.size}-"} if partial.size else {}
    with client.stream("GET", url, headers=wanted) as response:
        if response.status_code == 416:
            partial.restart()
            return
        if response.status_code not in (200, 206):
            raise SourceError(f"{url} answered {response.status_code}.")
        start = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
        if response.status_code == 200 or start != str(partial.size):
            partial.restart()
        if response.status_code == 206 and start != str(partial.size):
            raise SourceError(f"{url} sent other bytes than those asked for.")
        for block in response.iter_raw():
            partial.write(block)
            on_size(partial.size)
