"""The gate to the owner's page, and the counts of clients' questions, for all processes at once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from typing import Final

from citewise.ui.clock import elapsed
from citewise.ui.owner import FREE_TRIES, HOURS, LONGEST_WAIT
from citewise.ui.postgres.database import ChatDatabase

__all__ = ["PostgresBuckets", "PostgresOwner"]

_SWEPT_EVERY: Final = 60.0


class PostgresOwner:
    """Meets ``OwnerGate``: who was let in at one process is known at all, wrong tries count at all.

    A login holds as long as the password it was made with: with another one, its digest differs.

    Args:
        password: the same for all processes.
        database: where logins are kept, as digests.
    """

    def __init__(self, password: str, database: ChatDatabase) -> None:
        self._secret = hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()
        self._database = database
        self._realm = database.realm

    def wait(self) -> float:
        """Seconds until another try is looked at."""
        with self._database.transaction() as link:
            found = link.execute(
                "SELECT greatest(extract(epoch FROM wait_until - clock_timestamp()), 0)"
                " FROM citewise_chat.chats WHERE realm = %s AND wait_until > clock_timestamp()",
                (self._realm,),
            ).fetchone()
        return float(found[0]) if found else 0.0

    def log_in(self, password: str) -> str | None:
        """A token for the cookie if the password is right; a try too early counts for nothing."""
        given = hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()
        right = hmac.compare_digest(given, self._secret)
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as link:
            # Locked until the end, so that tries at many processes are still looked at in turn.
            row = link.execute(
                "SELECT wrong, wait_until > clock_timestamp() FROM citewise_chat.chats"
                " WHERE realm = %s FOR UPDATE",
                (self._realm,),
            ).fetchone()
            wrong, early = row or (0, False)
            if early:
                return None
            late = wrong + 1 - FREE_TRIES
            pause = min(2.0**late, LONGEST_WAIT) if late >= 0 and not right else 0.0
            link.execute(
                "UPDATE citewise_chat.chats SET wrong = %s,"
                " wait_until = clock_timestamp() + make_interval(secs => %s) WHERE realm = %s",
                (0 if right else wrong + 1, pause, self._realm),
            )
            if not right:
                return None
            link.execute("DELETE FROM citewise_chat.logins WHERE ends < clock_timestamp()")
            link.execute(
                "INSERT INTO citewise_chat.logins VALUES"
                " (%s, %s, clock_timestamp() + make_interval(hours => %s))",
                (self._realm, self._digest(token), HOURS),
            )
        return token

    def knows(self, token: str) -> bool:
        """Whether a cookie's token was given out and is still good."""
        with self._database.transaction() as link:
            found = link.execute(
                "SELECT 1 FROM citewise_chat.logins"
                " WHERE realm = %s AND digest = %s AND ends > clock_timestamp()",
                (self._realm, self._digest(token)),
            ).fetchone()
        return found is not None

    def log_out(self, token: str) -> None:
        """Forget a token."""
        with self._database.transaction() as link:
            link.execute(
                "DELETE FROM citewise_chat.logins WHERE realm = %s AND digest = %s",
                (self._realm, self._digest(token)),
            )

    def _digest(self, token: str) -> str:
        said = token.encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()


class PostgresBuckets:
    """Meets ``Buckets``: a client has one bucket, whichever process is asked.

    Addresses are kept as keyed digests, and no longer than a minute or two.

    Args:
        a_minute: how many are given back in a minute, and the most there can be.
        database: where they are kept.
        instance: the digests' key.
    """

    def __init__(self, a_minute: int, database: ChatDatabase, instance: str) -> None:
        self._a_minute = float(a_minute)
        self._database = database
        self._key = f"{database.realm}\0{instance}".encode()
        self._lock = threading.Lock()
        self._swept = elapsed()

    def take(self, client: str) -> float:
        """Take one; return 0, or the seconds until there is one again."""
        digest = hmac.new(self._key, client.encode(), hashlib.sha256).hexdigest()
        filled = (
            "least(%(most)s, r.remaining + %(most)s / 60 *"
            " greatest(extract(epoch FROM now() - r.seen), 0))"
        )
        with self._database.transaction() as link:
            row = link.execute(
                "INSERT INTO citewise_chat.rates AS r"
                " VALUES (%(client)s, %(most)s - 1, true, now())"
                f" ON CONFLICT (client) DO UPDATE SET granted = {filled} >= 1,"
                f" remaining = {filled} - CASE WHEN {filled} >= 1 THEN 1 ELSE 0 END,"
                " seen = greatest(r.seen, now()) RETURNING granted, remaining",
                {"client": digest, "most": self._a_minute},
            ).fetchone()
        self._sweep()
        granted, remaining = row or (True, 0.0)
        return 0.0 if granted else (1.0 - remaining) * 60.0 / self._a_minute

    def _sweep(self) -> None:
        """Forget full buckets: without one, a client has as many as with it."""
        with self._lock:
            if elapsed() - self._swept < _SWEPT_EVERY:
                return
            self._swept = elapsed()
        with self._database.transaction() as link:
            link.execute(
                "DELETE FROM citewise_chat.rates WHERE seen < now() - make_interval(secs => 60)"
            )
