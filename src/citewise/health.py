"""Whether an assistant could answer now, and what it asked of its language model so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from citewise.errors import GeneratorError, IndexFault

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.generator_pool import AddressLoad

__all__ = ["demand_models", "demand_store", "llm_loads"]


def demand_store(assistant: Assistant) -> None:
    """Look whether the store answers; open it if it is not open yet, which may take long.

    Raises:
        CorpusError, IndexFault, ModelError: it does not answer, or holds nothing yet.
    """
    index, _ = assistant._opened()
    if not index.identity():
        raise IndexFault("The store holds nothing, or is gone.", "Index documents into it first.")


def demand_models(assistant: Assistant) -> None:
    """Look whether the language model is at hand, or one of its addresses answers.

    Raises:
        GeneratorError: it is not.
    """
    generator, notices = assistant._usable_generator()
    if notices:
        raise GeneratorError(notices[0])
    demand_reachable = getattr(generator, "demand_reachable", None)
    if demand_reachable is not None:
        demand_reachable()


def llm_loads(assistant: Assistant) -> list[AddressLoad]:
    """What each address of the language model was asked so far; none if it has none."""
    loads = getattr(assistant._models.made_generator, "loads", None)
    return [] if loads is None else list(loads())
