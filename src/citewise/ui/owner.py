"""Who owns the server: a password, compared in constant time, and few tries at it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time

__all__ = ["FREE_TRIES", "HOURS", "LONGEST_WAIT", "Owner", "owner_password"]

FREE_TRIES = 5
LONGEST_WAIT = 300.0
HOURS = 12


def owner_password(given: str) -> tuple[str, bool]:
    """The password that was set, else one made for this run; and whether it was made."""
    return (given, False) if given else (secrets.token_urlsafe(12), True)


class Owner:
    """Lets in whoever knows the password; safe to share between threads.

    After five wrong tries in a row the next must wait a second, then two, four, up to five
    minutes, whoever makes it: addresses are too easily changed to count by them.
    """

    def __init__(self, password: str) -> None:
        self._digest = _digest(password)
        self._lock = threading.Lock()
        self._wrong = 0
        self._until = 0.0
        self._let_in: dict[str, float] = {}

    def wait(self) -> float:
        """Seconds until another try is looked at."""
        with self._lock:
            return max(0.0, self._until - time.monotonic())

    def log_in(self, password: str) -> str | None:
        """A token for the cookie if the password is right; a try too early counts for nothing."""
        with self._lock:
            now = time.monotonic()
            if now < self._until:
                return None
            if not hmac.compare_digest(_digest(password), self._digest):
                self._wrong += 1
                late = self._wrong - FREE_TRIES
                if late >= 0:
                    self._until = now + min(2.0**late, LONGEST_WAIT)
                return None
            self._wrong, self._until = 0, 0.0
            token = secrets.token_urlsafe(32)
            self._let_in = {t: end for t, end in self._let_in.items() if end > now}
            self._let_in[_digest(token).hex()] = now + HOURS * 3600
            return token

    def knows(self, token: str) -> bool:
        """Whether a cookie's token was given out and is still good."""
        with self._lock:
            return self._let_in.get(_digest(token).hex(), 0.0) > time.monotonic()

    def log_out(self, token: str) -> None:
        """Forget a token."""
        with self._lock:
            self._let_in.pop(_digest(token).hex(), None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
