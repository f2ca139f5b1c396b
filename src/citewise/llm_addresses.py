"""The addresses of a language model that a setting names, and which key belongs to which.

Text in, text out: nothing here opens a connection, and no message quotes a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from citewise.errors import InputError

__all__ = ["Address", "listed", "parsed_addresses", "with_keys"]

_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a model is asked: address up to the version, the model's name or "", the key."""

    url: str
    model: str = ""
    key: str = field(default="", repr=False)


def listed(setting: str) -> list[str]:
    """The parts of a list such as ``"http://a:8080/v1, http://b:8080/v1"``."""
    return [part.strip() for part in setting.split(",") if part.strip()]


def parsed_addresses(setting: str) -> list[Address]:
    """The addresses in a setting, each with the model it names, in order and once.

    Raises:
        InputError: one of them is no address, or holds what no address should.
    """
    found = [_parsed(part) for part in listed(setting)]
    return list(dict.fromkeys(found))


def _parsed(text: str) -> Address:
    if not text.lower().startswith(_SCHEMES):
        raise _unusable("holds one that does not begin with http:// or https://")
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise _unusable("is not valid") from None
    if set(query) - {"model"}:
        # Not quoted, since a key could be among them.
        raise _unusable("has a query other than ?model=")
    model = unquote(parts.fragment) or query.get("model", [""])[0]
    return Address(parts._replace(query="", fragment="").geturl(), model)


def with_keys(addresses: list[Address], api_key: str) -> list[Address]:
    """The addresses, each with the key that belongs to it.

    Args:
        addresses: where the model is asked.
        api_key: one key, for the one server that there is; or ``ADDRESS=KEY``, by comma, of which
            those for other addresses are left alone. ``ADDRESS`` may be the beginning of a path.

    Raises:
        InputError: one key for several servers, which could be several people's.
    """
    if not api_key.lower().startswith(_SCHEMES):
        if api_key and len({urlsplit(address.url)[:2] for address in addresses}) > 1:
            raise InputError(
                "There is one key and several servers, so that it is not known whose it is.",
                "Set CITEWISE_API_KEY to http://host:port/v1=KEY for each of them, by comma.",
            )
        return [Address(a.url, a.model, api_key) for a in addresses]
    pairs = [
        (url.strip(), key.strip()) for url, _, key in (p.partition("=") for p in listed(api_key))
    ]
    return [Address(a.url, a.model, _key_of(a.url, pairs)) for a in addresses]


def _key_of(url: str, pairs: list[tuple[str, str]]) -> str:
    """The key of the longest address that this one lies under, whole steps of the path alone."""
    under = [(len(at), key) for at, key in pairs if f"{url}/".startswith(at.rstrip("/") + "/")]
    return max(under, default=(0, ""))[1]


def _unusable(how: str) -> InputError:
    return InputError(
        f"The language model setting is an address that {how}, which names no model.",
        "Give http://host:port/v1#model, or several, by comma.",
    )
