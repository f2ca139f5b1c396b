"""What a server tells those who run it, and how it stands behind others; each is a setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from citewise.setting import LOWER, setting

__all__ = ["ServeSettings"]


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Metrics, traces, proxies and the end of a server; ``docs/serving.md``."""

    metrics: Literal["off", "local", "open"] = setting(
        "off",
        "who may read /metrics: nobody, programs on this machine, or whoever reaches the port",
        choices=("off", "local", "open"),
    )
    traces: str = setting(
        "", "OTLP/HTTP address that traces of each question are sent to", address=True
    )
    trace_text: bool = setting(
        False, "let traces hold questions, answers, quotes and names of documents"
    )
    shutdown_seconds: int = setting(
        30,
        "seconds that a server told to end (SIGTERM) gives the answers in hand",
        least=0,
        most=3600,
        found=LOWER,
    )
    trusted_proxies: str = setting(
        "127.0.0.1, ::1",
        "addresses and networks of the proxies whose X-Forwarded-For and -Proto are believed",
    )
