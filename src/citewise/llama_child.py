"""The process that holds the embedded language model: llama.cpp's server, and nothing else.

It is a process of its own so that a crash, or a damaged model file, takes no one along.
Started by ``citewise.llama_server`` as ``python -m citewise.llama_child``. It reads one line of
JSON settings from standard input, loads the model, writes one line of JSON to standard output
(``{"address": ...}`` or ``{"error": ...}``), and serves until its input ends, which happens when
the parent closes it or dies, however it dies.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from typing import Any

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Serve until the parent is gone; the exit status is 1 if the model could not be loaded."""
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # llama.cpp logs to both; the parent keeps only the errors' file
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is the parent's matter
    settings = json.loads(sys.stdin.readline())
    _die_with_parent(settings["parent"])
    threading.Thread(target=_watch, args=(settings["parent"],), daemon=True).start()
    try:
        server = _serve(settings)
    except Exception as error:
        print(json.dumps({"error": str(error)}), file=answer_to, flush=True)
        return 1
    print(json.dumps({"address": server.listening_address}), file=answer_to, flush=True)
    while sys.stdin.readline():
        pass
    # The server's destructor would wait for requests that no one reads any more.
    os._exit(0)


def _die_with_parent(parent: int) -> None:
    """Loading holds the interpreter's lock, so that no thread could notice the parent's end."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _watch(parent: int) -> None:
    """End when adopted: a process forked by the parent could hold our input open."""
    while os.name == "nt" or os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def _serve(settings: dict[str, Any]) -> Any:
    """Start the server; the returned object must be kept for as long as it shall serve.

    The rest are llama.cpp's defaults, since on two cores they were the fastest of those tried:
    repacked weights decode a quarter faster than memory-mapped ones, and speculating from the
    prompt's n-grams costs more than it saves.
    """
    import xllamacpp  # type: ignore[import-untyped,unused-ignore]

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {settings["name"]}
    params.api_keys = [settings["key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = settings["context"]
    params.n_parallel = settings.get("parallel", 1)
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.cache_prompt = True
    params.cache_ram_mib = settings["prompt_cache_mib"]
    params.offline = True
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = 2  # errors and warnings
    return xllamacpp.Server(params)


if __name__ == "__main__":
    sys.exit(main())
