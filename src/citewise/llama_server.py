"""The embedded language model: llama.cpp's own server in a child process, started on demand."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Generator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from citewise.errors import GeneratorError
from citewise.llama_process import LlamaProcess
from citewise.machine import available_memory, physical_cores
from citewise.modelcache import cache_folder
from citewise.openai_api import Limits, OpenAIGenerator
from citewise.protocols import Prompt

__all__ = ["LlamaServer"]

_START_SECONDS = 300.0
_PROMPT_CACHE_MIB = 256
_MIB = 1024**2
_WORKING_MEMORY = 700 * _MIB
# One request may wait for another's whole reply, since there is one slot.
_LIMITS = Limits(silence=300.0)
_Result = TypeVar("_Result")


class LlamaServer:
    """A generator that runs a GGUF model file on this machine; may be shared between threads.

    The child process starts with the first request and ends with ``close``, with this object, or
    with this process, however that ends. If it has died it is started again, once per request.

    Args:
        model: path of the GGUF file.
        name: what the user sees; the file's name without its ending by default.
        context: tokens that prompt and reply may take together.
        cache_prompt: read the part that a prompt shares with the last one only once. This moves
            log-odds by some hundredths, depending on what was asked before; without it they are
            the same in any order of requests, at the price of reading every prompt anew.
        threads: as many as there are physical cores, at most 4, by default.
        log_folder: where the child's log goes; the user's cache folder by default.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        name: str | None = None,
        context: int = 4096,
        cache_prompt: bool = True,
        threads: int | None = None,
        log_folder: Path | None = None,
    ) -> None:
        self._model = Path(model).absolute()
        self.name = name or self._model.stem
        self._settings: dict[str, Any] = {
            "model": str(self._model),
            "name": self.name,
            "context": context,
            "threads": threads or min(4, physical_cores()),
            "prompt_cache_mib": _PROMPT_CACHE_MIB,
        }
        self._cache_prompt = cache_prompt
        self._log_folder = log_folder or cache_folder() / "logs"
        self._starting = threading.Lock()
        self._run: _Run | None = None
        self._finalizer: weakref.finalize[[], LlamaServer] | None = None

    def __repr__(self) -> str:
        return f"LlamaServer({str(self._model)!r})"

    @property
    def identity(self) -> str:
        """What its replies depend on: the file, the engine's version and the context."""
        size = self._model.stat().st_size if self._model.is_file() else 0
        engine = version("xllamacpp")
        return f"{self.name}, {size} bytes, xllamacpp {engine}, {self._settings['context']} tokens"

    def __enter__(self) -> LlamaServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child process, loading or not; a later request starts a new one."""
        if self._finalizer is not None:
            self._finalizer()

    def start(self) -> None:
        """Load the model now, so that the first request need not wait.

        Raises:
            GeneratorError: the file is missing or damaged, or memory does not suffice.
        """
        self._started()

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[str, None, int | None]:
        """See ``Generator.stream``.

        Raises:
            GeneratorError: as for ``start``, or the child process died in the middle of a reply.
        """
        run, first, pieces = self._with_restart(lambda run: run.begin(prompt, max_tokens))
        with closing(pieces):
            yield first
            try:
                return (yield from pieces)
            except GeneratorError:
                if run.process.died():
                    raise run.process.obituary() from None
                raise

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """See ``Generator.yes_log_odds``.

        Raises:
            GeneratorError: as for ``stream``.
        """
        return self._with_restart(lambda run: run.generator.yes_log_odds(prompt))

    def _with_restart(self, ask: Callable[[_Run], _Result]) -> _Result:
        """What ``ask`` returns; asked again of a new child if the first one dies meanwhile."""
        for last in (False, True):
            run = self._started()
            try:
                return ask(run)
            except GeneratorError:
                if not run.process.died():
                    raise
                if last or run.process.ended:
                    raise run.process.obituary() from None
        raise AssertionError("unreachable")

    def _started(self) -> _Run:
        with self._starting:
            if self._run is not None and not self._run.process.done:
                return self._run
            self.close()
            self._check_file()
            run = _Run(LlamaProcess(self._settings, self._log_folder))
            self._finalizer = weakref.finalize(self, run.end)
            run.connect(self.name, self._cache_prompt)
            self._run = run
            return run

    def _check_file(self) -> None:
        try:
            size = self._model.stat().st_size
            if not self._model.is_file():
                raise FileNotFoundError
        except OSError:
            raise GeneratorError(
                f"There is no model file {str(self._model)!r}.",
                "Fetch the model with `citewise models`, or give the path of a GGUF file.",
            ) from None
        needed = size + size // 10 + _WORKING_MEMORY
        available = available_memory()
        if available is not None and available < needed:
            raise GeneratorError(
                f"The model {self.name!r} needs about {needed // _MIB:,} MiB of memory and "
                f"{available // _MIB:,} MiB are free.",
                "Close other programs, use a smaller model, or ask without one.",
            )


class _Run:
    """One child process with a client that speaks to it."""

    generator: OpenAIGenerator

    def __init__(self, process: LlamaProcess) -> None:
        self.process = process

    def connect(self, name: str, cache_prompt: bool) -> None:
        """Wait until the child is ready."""
        self.process.wait_ready(_START_SECONDS)
        self.generator = OpenAIGenerator(
            self.process.address + "/v1",
            name,
            self.process.key,
            limits=_LIMITS,
            cache_prompt=cache_prompt,
        )

    def begin(
        self, prompt: Prompt, max_tokens: int
    ) -> tuple[_Run, str, Generator[str, None, int | None]]:
        """The first piece of a reply and the iterator over the rest of it."""
        pieces = self.generator.stream(prompt, max_tokens=max_tokens)
        return self, next(pieces), pieces

    def end(self) -> None:
        """End the child, even one that is still loading, and close the connections to it."""
        self.process.end()
        if hasattr(self, "generator"):
            self.generator.close()
