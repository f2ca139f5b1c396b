"""Which proxies may say on whose behalf a request comes."""

from __future__ import annotations

import ipaddress

from citewise.errors import InputError

__all__ = ["proxies_of"]


def proxies_of(setting: str) -> tuple[str, ...]:
    """The addresses and networks that the setting ``trusted_proxies`` lists; ``none`` is none.

    Every one in front of a proxy could otherwise choose the address under which they are counted,
    so there is no word for "all".

    Raises:
        InputError: one of them is neither an address nor a network.
    """
    if setting.strip().lower() == "none":
        return ()
    entries = [entry.strip() for entry in setting.split(",") if entry.strip()]
    for entry in entries:
        try:
            network = ipaddress.ip_network(entry)
        except ValueError:
            network = None
        if network is None or network.prefixlen == 0:
            raise InputError(
                f"trusted_proxies holds {entry[:60]!r}.",
                "Give addresses or networks such as 10.0.0.7 or 10.0.0.0/24, with commas between, "
                "or none.",
            )
    return tuple(entries)
