"""The parent's side of the child process that holds the embedded language model."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from citewise.errors import GeneratorError
from citewise.settings import public_environment

__all__ = ["LlamaProcess"]

_LOGS_KEPT = 10
_PACKAGES = Path(__file__).resolve().parent.parent
_UNKNOWN_REASON = "it left no message in its log"


class LlamaProcess:
    """One run of ``citewise.llama_child``; starts loading at once, see ``wait_ready``.

    Args:
        settings: what the child needs to know, see ``citewise.llama_child``.
        log_folder: where to keep the child's log.

    Attributes:
        key: the key that the child's server demands, made for this run.
        address: the server's address once ``wait_ready`` has returned.
        ended: True if ``end`` was called.
    """

    def __init__(self, settings: Mapping[str, Any], log_folder: Path) -> None:
        self.key = secrets.token_urlsafe(32)
        self.address = ""
        self.ended = False
        self._owner = os.getpid()
        self._settings = {**settings, "key": self.key, "parent": self._owner}
        self._process: subprocess.Popen[str] | None = None
        self._fault = ""
        self._ready = threading.Event()
        self._done = threading.Event()
        log_folder, log = _new_log(log_folder)
        self.log = Path(log.name)
        # The kernel tells a child of its parent's death when the *thread* that started it ends
        # (prctl(2), PR_SET_PDEATHSIG), so that thread must live as long as the child.
        threading.Thread(target=self._keep, args=(log,), name="citewise-llama", daemon=True).start()

    def wait_ready(self, seconds: float) -> None:
        """Wait until the model is loaded.

        Raises:
            GeneratorError: it could not be loaded, or not in time.
        """
        if not self._ready.wait(seconds):
            self.end()
            raise GeneratorError(
                f"The model {self._settings['model']} was not loaded within {seconds:g} seconds.",
                f"Use a smaller model, or look into {self.log}.",
            )
        if not self.address:
            self._done.wait(5.0)
            raise GeneratorError(
                f"The model {self._settings['model']} cannot be loaded: {self._reason()}.",
                f"Check that it is a whole GGUF file; the log is {self.log}.",
            )

    @property
    def done(self) -> bool:
        """True if the child is gone."""
        return self._done.is_set()

    def died(self) -> bool:
        """True if the child is gone; gives one that is just dying a moment to be so."""
        return self._done.wait(0.5)

    def obituary(self) -> GeneratorError:
        """The error for a child that died while it was needed."""
        status = self._process.returncode if self._process else None
        cause = "killed, perhaps because memory ran out" if status == -9 else f"status {status}"
        return GeneratorError(
            f"The embedded language model stopped unexpectedly ({cause}).",
            f"Ask again: it starts anew. Its log is {self.log}.",
        )

    def end(self) -> None:
        """Kill the child, which has nothing to save, and wait until it is gone."""
        self.ended = True
        if os.getpid() != self._owner:
            return  # a fork of the process that started it
        if self._process is not None:
            self._process.kill()
        self._done.wait(5.0)

    def _keep(self, log: IO[str]) -> None:
        """Start the child, hear whether it is ready, and stay until it has ended."""
        try:
            with log:
                self._process = _start(log)
            with self._process as process:
                self._hear(process)
                self._ready.set()
                process.wait()
        except OSError as error:
            self._fault = f"it cannot be started ({error.strerror})"
        finally:
            self._done.set()
            self._ready.set()

    def _hear(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin and process.stdout  # noqa: S101 - both are pipes
        if self.ended:
            process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(self._settings) + "\n")
            process.stdin.flush()
        with contextlib.suppress(ValueError):
            report = json.loads(process.stdout.readline())
            self._fault = report.get("error", "")
            self.address = report.get("address", "")

    def _reason(self) -> str:
        """The first errors in the log (later ones follow from them), else its last lines."""
        try:
            lines = self.log.read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        errors = [line.split(" E ", 1)[1].strip() for line in lines if " E " in line]
        quoted = "; ".join(errors[:2]) or "; ".join(line.strip() for line in lines[-2:])
        return (quoted or self._fault or _UNKNOWN_REASON)[:600]


def _start(log: IO[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "citewise.llama_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        encoding="utf-8",
        # With -m the current folder comes first on the module path: it must be the package's
        # own, never a folder of documents that could hold a json.py.
        cwd=_PACKAGES,
        env=public_environment(),
    )


def _new_log(folder: Path) -> tuple[Path, IO[str]]:
    """A new log file; in the temporary folder where the wished one cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _prune(folder)
        return folder, _open_log(folder)
    except OSError:
        folder = Path(tempfile.gettempdir())
        return folder, _open_log(folder)


def _open_log(folder: Path) -> IO[str]:
    return tempfile.NamedTemporaryFile(
        "w", prefix="llama-", suffix=".log", dir=folder, encoding="utf-8", delete=False
    )


def _prune(folder: Path) -> None:
    logs = sorted(folder.glob("llama-*.log"), key=lambda path: path.stat().st_mtime)
    for old in logs[: 1 - _LOGS_KEPT]:
        with contextlib.suppress(OSError):
            old.unlink()
