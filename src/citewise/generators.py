"""Chooses the language model that a setting names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from citewise.errors import InputError
from citewise.llm_addresses import parsed_addresses, with_keys
from citewise.protocols import Generator
from citewise.settings import found as found_settings

if TYPE_CHECKING:
    from citewise.llamaindex_llm import LLM

__all__ = ["make_generator"]


def make_generator(setting: str | LLM | Generator | None) -> Generator | None:
    """The generator for a setting; None if no language model shall take part.

    ======================================  ====================================================
    ``"local"``, ``""``                     the default model, embedded; fetched if need be
    a model's name, or a path to a .gguf    that model, embedded
    ``"http://host:port/v1#model"``         an OpenAI-compatible endpoint (also ``?model=``);
                                            without a model, the first one that it offers
    several of these, by comma              the same model at several addresses
    ``"none"``, ``None``                    no model: answers are quoted passages
    a Generator, or a LlamaIndex LLM        itself
    ======================================  ====================================================

    A key for an endpoint comes from the setting ``api_key`` alone, time-outs and caps from
    ``llm_silence`` and ``llm_at_once``.

    Raises:
        InputError: the setting is none of these.
        ModelError: the named model cannot be fetched.
        GeneratorError: the endpoint was asked for its models and does not answer.
    """
    if setting is None or isinstance(setting, str):
        return _named((setting if setting is not None else "none").strip())
    if _has_methods(setting, "stream", "yes_log_odds"):
        return cast(Generator, setting)
    if _has_methods(setting, "stream_chat", "stream_complete"):
        from citewise.llamaindex_llm import LlamaIndexGenerator

        return LlamaIndexGenerator(cast("LLM", setting))
    raise _unknown(f"of type {type(setting).__name__}")


def _named(setting: str) -> Generator | None:
    if setting.lower() == "none":
        return None
    if setting.lower().startswith(("http://", "https://")):
        return _endpoint(setting)
    if setting.lower().endswith(".gguf"):
        return _file(setting)
    return _registered(setting)


def _endpoint(setting: str) -> Generator:
    from citewise.generator_pool import GeneratorPool
    from citewise.openai_api import Limits

    found = found_settings()
    chosen = found.settings
    addresses = with_keys(parsed_addresses(setting), chosen.api_key.strip())
    if any(address.key for address in addresses) and chosen.llm == setting:
        # No file that nobody named chooses where a key goes.
        found.demand_trusted("llm")
    limits = Limits(silence=float(chosen.llm_silence), at_once=chosen.llm_at_once)
    return GeneratorPool(addresses, limits)


def _file(setting: str) -> Generator:
    from citewise.llama_server import LlamaServer

    path = Path(setting).expanduser()
    if not path.is_file():
        raise InputError(
            f"There is no model file {setting!r}.", "Give the path of an existing GGUF file."
        )
    return LlamaServer(path)


def _registered(setting: str) -> Generator:
    from citewise.fetching import ensure
    from citewise.llama_server import LlamaServer
    from citewise.registry import DEFAULT_LLM, MODELS

    name = DEFAULT_LLM if setting.lower() in ("", "local") else setting.lower()
    spec = MODELS.get(name)
    if spec is None or spec.role != "llm":
        raise _unknown(repr(setting[:100]))
    return LlamaServer(ensure(spec), name=spec.name)


def _unknown(what: str) -> InputError:
    from citewise.registry import MODELS

    names = ", ".join(name for name, spec in MODELS.items() if spec.role == "llm")
    return InputError(
        f"The language model setting is {what}, which names no model.",
        f"Use one of: local; none; {names}; the path of a .gguf file; an address such as "
        "http://127.0.0.1:11434/v1#model; or, in Python, a LlamaIndex LLM.",
    )


def _has_methods(thing: object, *names: str) -> bool:
    return all(callable(getattr(thing, name, None)) for name in names)
