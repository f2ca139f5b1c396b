"""How a command's process ends, whatever its threads are doing.

Python stops a daemon thread where it next needs the interpreter. In a library written in C++, such
as torch while it loads a model, that unwinds frames which cannot be, and the process aborts: so did
one of 25 chats that were ended in their first seconds.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

__all__ = ["run_as_process"]


def run_as_process(main: Callable[[], int]) -> NoReturn:
    """Run a command and end the process with its exit code.

    Where a daemon thread is still at work, the process ends as soon as all that was to be done at
    its end is done, without stopping that thread first.
    """
    codes: list[int] = []

    def end() -> None:
        if codes and any(t.daemon for t in threading.enumerate() if t.is_alive()):
            logging.shutdown()
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):  # nobody reads it any more
                    stream.flush()
            os._exit(codes[0])

    atexit.register(end)  # first in, last out: after all that others register
    codes.append(main())
    sys.exit(codes[0])
