"""Getting the documents for everybody ready while a page looks on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from citewise.errors import CitewiseError

if TYPE_CHECKING:
    from citewise.assistant import Assistant

__all__ = ["Preparing"]

_PATIENCE = 0.3


class Preparing:
    """Opens ``shared`` in the background, once; safe to share between threads.

    Building an index can take minutes, in which a page must not wait for its list.
    """

    def __init__(self, shared: Assistant) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._problem: CitewiseError | None = None

    def done(self) -> bool:
        """Whether it can be searched; if not, it is being seen to.

        Raises:
            CitewiseError: it cannot.
        """
        if self._shared.is_open:
            return True
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._prepare, daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(_PATIENCE)
        if self._problem is not None and not thread.is_alive():
            raise self._problem
        return self._shared.is_open

    def _prepare(self) -> None:
        self._problem = None
        try:
            self._shared.documents()
        except CitewiseError as error:
            self._problem = error
