"""What an evaluation runs with: an assistant whose model's replies are kept, or two to compare."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citewise.errors import InputError

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.types import Answer, Document

__all__ = ["EvalAssistant", "compare_settings", "opened_assistant"]

_KEYS = {"corpus": str, "index": str, "llm": str, "mode": str, "threshold": float, "top_k": int}


@dataclass(frozen=True, slots=True)
class EvalAssistant:
    """An assistant that always returns the same amount of evidence; an ``Answerer``."""

    assistant: Assistant
    top_k: int

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """See ``Assistant.ask``."""
        return self.assistant.ask(question, history, top_k=self.top_k)

    def document(self, name: str) -> Document:
        """See ``Assistant.document``."""
        return self.assistant.document(name)

    def documents(self) -> list[Any]:
        """See ``Assistant.documents``."""
        return self.assistant.documents()


@contextmanager
def opened_assistant(args: argparse.Namespace) -> Iterator[EvalAssistant]:
    """The assistant that the options describe; closed at the end, with its model.

    A model that cannot be used is an error here: an evaluation that quietly ran without one
    would measure something else.

    Raises:
        CitewiseError: the corpus, the index or the model cannot be used.
    """
    from citewise.assistant import Assistant
    from citewise.generators import make_generator
    from citewise.modelcache import cache_folder
    from citewise.replycache import CachedGenerator

    # Recorded answers ask nothing, so that no model is needed.
    setting = "none" if args.answers else args.llm or os.environ.get("CITEWISE_LLM", "local")
    generator = make_generator(setting)
    cached = None
    if generator is not None and not args.no_cache:
        cached = CachedGenerator(generator, args.cache or cache_folder() / "replies")
    try:
        with Assistant(
            args.corpus,
            args.index,
            llm=cached or generator or "none",
            mode=args.mode,
            threshold=args.threshold,
        ) as assistant:
            yield EvalAssistant(assistant, args.top_k)
        if cached is not None:
            print(
                f"Replies of the model: {cached.found} kept ones used, {cached.asked} asked for "
                f"({cached.path}).",
                file=sys.stderr,
            )
    finally:
        close = getattr(generator, "close", None)
        if close is not None:
            close()


def compare_settings(args: argparse.Namespace) -> int:
    """Run the set under each of two settings and print what differs; returns the exit code.

    Raises:
        CitewiseError: a settings file, the set, the corpus or a model cannot be used.
    """
    from citewise.eval_command import measured
    from citewise.eval_compare import compare_runs, describe_comparison

    records = []
    for path in args.compare:
        changed = argparse.Namespace(**{**vars(args), **_settings(path)})
        print(f"Running with {path} ...", file=sys.stderr)
        with opened_assistant(changed) as assistant:
            names = [document.name for document in assistant.documents()]
            records.append(measured(changed, assistant, names)[1])
    titles = tuple(path.stem for path in args.compare)
    print(describe_comparison(compare_runs(records[0], records[1], titles)))
    return 2 if any(r["overall"]["counts"]["unscored"] for r in records) else 0


def _settings(path: Path) -> dict[str, Any]:
    """The settings of a TOML file, checked."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The settings {path} cannot be read: {error}.", "Give TOML.") from None
    for key, value in found.items():
        kind = _KEYS.get(key)
        if kind is None:
            raise InputError(
                f"{path} sets {key!r}, which is unknown.", f"Use {', '.join(sorted(_KEYS))}."
            )
        if not isinstance(value, kind) and not (kind is float and isinstance(value, int)):
            raise InputError(f"{path}: {key} is {value!r}.", f"Give a {kind.__name__}.")
    for key in ("corpus", "index"):
        if key in found:
            found[key] = Path(found[key])
    return found
