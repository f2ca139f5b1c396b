"""The public entry: an assistant over one corpus, and functions that share a default one."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.asked import History, checked_question, earlier_questions
from citewise.documents import SkippedFile
from citewise.errors import GeneratorError, InputError, ModelError
from citewise.places import default_corpus, default_index
from citewise.remote_address import Corpus, corpus_of
from citewise.rendering import visible
from citewise.runners import checked_runner
from citewise.settings import found as found_settings
from citewise.settings_options import announce
from citewise.types import Answer, AnswerEvent, Document, Event, Evidence, Filter, Verdict

if TYPE_CHECKING:
    from citewise.answering import Mode
    from citewise.bounds import Bounds
    from citewise.index import DocumentInfo, Index, UpdateSummary
    from citewise.llamaindex_llm import LLM
    from citewise.metering import Progress
    from citewise.protocols import Embedder, Generator, JudgeChoice
    from citewise.retrieval import Retriever

__all__ = ["Assistant", "aask", "ask", "check", "stream"]

_EMBEDDER = "all-minilm-l6-v2"


class Assistant:
    """Answers questions about the documents in one folder. Safe to share between threads.

    Nothing is loaded until it is needed; ``warm`` loads everything at once. What is not given is
    as the settings say (``docs/settings.md``): a variable, a settings file, or the default.

    Args:
        corpus: folder of documents, or one document, or an address such as
            ``s3://bucket/folder``; the project's ``seeds/`` by default.
        index: folder of the built index; ``index/`` beside the default corpus, and a folder of
            its own in the user's cache for any other.
        store: where the index is kept instead of in a folder, such as ``postgresql://...``;
            ``docs/stores.md``.
        runner: what reads and embeds documents: "local", "ray" or "ray://HOST:PORT";
            ``docs/ingest-at-scale.md``.
        llm: "local", "none", a model's name or .gguf file, an OpenAI-compatible address, or a
            LlamaIndex ``LLM`` object; "local" by default.
        embedder: anything that meets ``Embedder``; the pinned MiniLM by default.
        mode: "strict", the default, holds back what is not supported, "flag" shows it marked.
        threshold: least probability that an answer answers the question for it to be shown; higher
            refuses more; 0.5 by default.
        bounds: what one question may cost.
        quiet: do not report building and loading on stderr.
    """

    def __init__(
        self,
        corpus: str | os.PathLike[str] | None = None,
        index: str | os.PathLike[str] | None = None,
        *,
        store: str | None = None,
        runner: str | None = None,
        llm: str | LLM | Generator | None = None,
        embedder: Embedder | None = None,
        mode: Mode | None = None,
        threshold: float | None = None,
        bounds: Bounds | None = None,
        quiet: bool = False,
    ) -> None:
        if mode not in (None, "strict", "flag"):
            raise InputError(f"The mode {mode!r} is unknown.", 'Use "strict" or "flag".')
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise InputError(f"The threshold {threshold!r} is not in [0, 1].", "Use 0.5.")
        places = {"corpus": _corpus(corpus), "index": _path(index), "store": store}
        places["runner"] = runner
        found = found_settings({**places, "mode": mode, "threshold": threshold})
        chosen = found.settings
        self.corpus = chosen.corpus or default_corpus()
        self.index_folder = chosen.index or default_index(self.corpus)
        self.store = chosen.store or str(self.index_folder)
        # Many processes share a store behind an address; who was given no documents of their own
        # only reads it.
        self.reads_only = "://" in self.store and chosen.corpus is None
        self.mode: Mode = chosen.mode
        self.threshold = chosen.threshold
        self.bounds = bounds or chosen.bounds
        self.skipped: tuple[SkippedFile, ...] = ()
        self._runner = checked_runner(chosen.runner)
        self._llm = chosen.llm if llm is None else llm
        self._top_k = chosen.top_k
        self._embedder = embedder
        self._quiet = quiet
        announce(found, self._say)
        self._lock = threading.RLock()
        self._embedder_lock = threading.Lock()
        self._ready: tuple[Index, Retriever] | None = None
        self._identity = ""
        self._generator: Generator | None = None
        self._generator_made = False

    def ask(
        self,
        question: str,
        history: History = (),
        *,
        top_k: int | None = None,
        where: Filter | None = None,
    ) -> Answer:
        """Answer a question about the documents.

        Args:
            question: at most ``bounds.max_question`` characters.
            history: earlier answers or questions of the same conversation, oldest first.
            top_k: how much evidence to return, 1 to 100; 10 unless the settings say otherwise.
            where: the only documents that may be searched; all by default.

        Raises:
            InputError: the question is empty or too long, ``top_k`` out of range, or ``where``
                names what the index does not hold.
            CorpusError, IndexFault, ModelError: the documents, index or embedder are unusable.
        """
        answer = None
        for event in self.stream(question, history, top_k=top_k, where=where):
            if isinstance(event, AnswerEvent):
                answer = event.answer
        assert answer is not None  # noqa: S101 - every stream ends with its answer
        return answer

    async def aask(
        self,
        question: str,
        history: History = (),
        *,
        top_k: int | None = None,
        where: Filter | None = None,
    ) -> Answer:
        """``ask`` without blocking the event loop."""
        return await asyncio.to_thread(self.ask, question, history, top_k=top_k, where=where)

    def stream(
        self,
        question: str,
        history: History = (),
        *,
        top_k: int | None = None,
        where: Filter | None = None,
    ) -> Iterator[Event]:
        """Answer step by step: evidence, pieces of the draft, verdicts, and last the answer.

        Closing the iterator stops the model. Raises as ``ask`` does, at the call.
        """
        from citewise.filters import checked

        top_k = self._top_k if top_k is None else top_k
        asked = checked_question(question, top_k, self.bounds)
        earlier = earlier_questions(history, self.bounds)
        return self._events(asked, earlier, top_k, checked(where))

    def _events(
        self, question: str, history: Sequence[str], top_k: int, where: Filter | None
    ) -> Iterator[Event]:
        from citewise.answering import Settings, answer_events

        index, retriever = self._opened()
        generator, notices = self._usable_generator()
        models = {"embedder": index.embedder.name, "llm": generator.name if generator else "none"}
        yield from answer_events(
            question,
            history,
            index=index,
            retriever=retriever,
            generator=generator,
            settings=Settings(self.mode, self.threshold, max_tokens=self.bounds.max_answer_tokens),
            models=models,
            top_k=top_k,
            where=where,
            notices=notices,
        )

    def search(
        self,
        question: str,
        history: History = (),
        *,
        top_k: int | None = None,
        where: Filter | None = None,
    ) -> tuple[Evidence, ...]:
        """Ranked evidence only, best first; no language model takes part. Raises as ``ask``."""
        from citewise.filters import checked
        from citewise.retrieval import make_query

        top_k = self._top_k if top_k is None else top_k
        asked = checked_question(question, top_k, self.bounds)
        earlier, only = earlier_questions(history, self.bounds), checked(where)
        index, retriever = self._opened()
        return retriever.search(make_query(asked, earlier, index), top_k, only)

    def document(self, name: str) -> Document:
        """The stored document of that name.

        Raises:
            CorpusError: there is none.
        """
        return self._opened()[0].document(name)

    def documents(self) -> list[DocumentInfo]:
        """What the index holds, by name."""
        return self._opened()[0].documents()

    def stats(self) -> dict[str, int | str]:
        """Counts and sizes of the index."""
        return self._opened()[0].stats()

    def update(self, progress: Progress | None = None, *, thorough: bool = False) -> UpdateSummary:
        """Bring the index up to date; only files that changed are read.

        Args:
            progress: called now and then.
            thorough: compare the content of files even where size and time are the same.

        Raises:
            CorpusError, IndexFault, ModelError: see ``ask``.
        """
        from citewise.runners import ingest
        from citewise.sources import source_of
        from citewise.splitting import split

        with self._lock:
            source = source_of(self.corpus)  # a mistyped one would cost fetching a model first
            index = self._ready[0] if self._ready else self._open_store()
            with ingest(self._runner, source, split, index) as (read, pieces):
                summary = index.refresh(read, pieces, thorough=thorough, progress=progress)
            self.skipped = summary.changes.skipped
            self._keep(index)
            return summary

    def _open_store(self) -> Index:
        from citewise.runners import embedder_for
        from citewise.stores import open_store

        return open_store(self.store, embedder_for(self._runner, self._made_embedder()))

    def _keep(self, index: Index) -> None:
        from citewise.retrieval import Retriever

        self._ready = (index, Retriever(index, index.embedder))
        self._identity = index.identity()

    @property
    def is_open(self) -> bool:
        """Whether the index is at hand, so that a question need not wait for its building."""
        return self._ready is not None

    def warm(self) -> None:
        """Open the index and start the language model now, so that the first question is fast.

        Raises:
            CorpusError, IndexFault, ModelError: see ``ask``. A language model that does not
                start is left to be reported with the first answer.
        """
        index, _ = self._opened()
        index.embedder.embed_query("warm")
        generator, _ = self._usable_generator()
        start = getattr(generator, "start", None)
        if start is not None:
            try:
                start()
            except GeneratorError as error:
                self._say(str(error))

    def close(self) -> None:
        """End the language model's process and close the index."""
        with self._lock:
            close = getattr(self._generator, "close", None)
            if close is not None and isinstance(self._llm, str):
                close()
            if self._ready:
                self._ready[0].close()

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> tuple[Index, Retriever]:
        with self._lock:
            if self._ready is not None and self._ready[0].identity() != self._identity:
                self._say(
                    f"The index in {self.index_folder} was deleted or replaced; it is looked at "
                    "anew."
                )
                self._ready[0].close()
                self._ready = None
            if self._ready is None and self.reads_only:
                self._keep(self._open_store())
            elif self._ready is None:
                from citewise.reporting import update_reported

                update_reported(self, self._quiet)
            assert self._ready is not None  # noqa: S101 - set by update
            return self._ready

    def _made_embedder(self) -> Embedder:
        # A lock of its own: building the index holds the other one, perhaps for minutes.
        with self._embedder_lock:
            if self._embedder is None:
                from citewise.embedding import SentenceTransformerEmbedder
                from citewise.fetching import ensure
                from citewise.registry import get

                spec = get(_EMBEDDER)
                self._embedder = SentenceTransformerEmbedder(
                    ensure(spec, progress=not self._quiet), spec.name
                )
            return self._embedder

    def _embedder_name(self) -> str:
        """What ``_made_embedder().name`` is, without the model."""
        if self._embedder is not None:
            return self._embedder.name
        from citewise.registry import get

        spec = get(_EMBEDDER)
        weights = next(file for file in spec.files if file.path == "model.safetensors")
        return f"{spec.name}@{weights.sha256[:12]}"

    def plan(self, progress: Progress | None = None, *, thorough: bool = False) -> UpdateSummary:
        """What ``update`` would do; nothing is written, and no model is needed.

        Raises:
            CorpusError, IndexFault: see ``ask``.
        """
        from citewise.planned import planned_update

        return planned_update(
            self.corpus,
            self.index_folder,
            self._embedder_name(),
            thorough=thorough,
            progress=progress,
        )

    def _usable_generator(self) -> tuple[Generator | None, list[str]]:
        """The language model, or None and why: without one, answers are quoted passages."""
        from citewise.generators import make_generator

        with self._lock:
            if not self._generator_made:
                try:
                    self._generator = make_generator(self._llm)
                except (GeneratorError, ModelError) as error:
                    return None, [str(error)]
                self._generator_made = True
            return self._generator, []

    def _say(self, line: str) -> None:
        if not self._quiet:
            print(visible(line), file=sys.stderr)


def _corpus(given: str | os.PathLike[str] | None) -> Corpus | None:
    return given if given is None or isinstance(given, Path) else corpus_of(os.fspath(given))


def _path(given: str | os.PathLike[str] | None) -> Path | None:
    return None if given is None else Path(given)


@lru_cache(maxsize=1)
def _default() -> Assistant:
    return Assistant()


def ask(
    question: str, history: History = (), *, top_k: int | None = None, where: Filter | None = None
) -> Answer:
    """Answer a question about the default corpus; see ``Assistant.ask``."""
    return _default().ask(question, history, top_k=top_k, where=where)


async def aask(
    question: str, history: History = (), *, top_k: int | None = None, where: Filter | None = None
) -> Answer:
    """``ask`` without blocking the event loop."""
    return await _default().aask(question, history, top_k=top_k, where=where)


def stream(
    question: str, history: History = (), *, top_k: int | None = None, where: Filter | None = None
) -> Iterator[Event]:
    """Answer step by step over the default corpus; see ``Assistant.stream``."""
    return _default().stream(question, history, top_k=top_k, where=where)


def check(claim: str, evidence: Sequence[str], *, judge: JudgeChoice = "fast") -> Verdict:
    """Whether evidence texts support a claim; no index is needed.

    A text of several sentences gets the weakest one's verdict, with ``claims`` holding each.

    Args:
        claim: one or more sentences.
        evidence: the texts that could support it.
        judge: "fast" needs no model; "full" adds an entailment model, whose encoder (439 MB) is
            fetched once. Or what decides on each sentence in their place, such as
            ``citewise.llm_judge.LLMJudge``.

    Raises:
        InputError: the claim is empty, or the evidence is not a list of strings.
        ModelError: the entailment model cannot be had.
        GeneratorError: a judge that is a language model gave no readable verdict.
    """
    from citewise.checking import check_text

    return check_text(claim, evidence, judge)
