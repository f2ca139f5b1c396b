"""The public entry: an assistant over one corpus, and functions that share a default one."""

from __future__ import annotations

import asyncio
import copy
import os
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from citewise.asked import History, checked_question, earlier_questions
from citewise.collection_names import DEFAULT, checked_name, checked_names, shown_name
from citewise.documents import SkippedFile
from citewise.errors import GeneratorError, InputError
from citewise.models_in_use import ModelsInUse
from citewise.places import default_corpus, default_index
from citewise.remote_address import Corpus, corpus_of
from citewise.rendering import visible
from citewise.runners import checked_runner
from citewise.seeing import OpenCollections, seen_as_one
from citewise.settings import found as found_settings
from citewise.settings_options import announce
from citewise.stores.place import StorePlace
from citewise.tracing import tracing_of
from citewise.types import Answer, AnswerEvent, Document, Event, Evidence, Filter, Verdict

if TYPE_CHECKING:
    from citewise.answering import Mode
    from citewise.bounds import Bounds
    from citewise.entailment import Entailment
    from citewise.index import DocumentInfo, Index, UpdateSummary
    from citewise.llamaindex_llm import LLM
    from citewise.metering import Progress
    from citewise.protocols import Embedder, Generator, JudgeChoice
    from citewise.retrieval import Retriever

__all__ = ["Assistant", "aask", "ask", "check", "stream"]


class Assistant:
    """Answers questions about the documents in one folder. Safe to share between threads.

    Nothing is loaded until it is needed; ``warm`` loads everything at once. What is not given is
    as the settings say (``docs/settings.md``): a variable, a settings file, or the default.

    Args:
        corpus: folder of documents, or one document, or an address such as
            ``s3://bucket/folder``; the project's ``seeds/`` by default.
        index: folder of the built index; ``index/`` beside the default corpus, and a folder of
            its own in the user's cache for any other.
        store: where the index is kept instead of in a folder, such as ``postgresql://...``, which
            only ``update`` changes; ``docs/stores.md``.
        collections: names of the store's collections that are searched; "default" stands for the
            documents that are in none, which alone are searched by default;
            ``docs/collections.md``.
        runner: what reads and embeds documents: "local", "ray" or "ray://HOST:PORT";
            ``docs/ingest-at-scale.md``.
        llm: "local", "none", a model's name or .gguf file, an OpenAI-compatible address, or a
            LlamaIndex ``LLM`` object; "local" by default.
        embedder: anything that meets ``Embedder``; the pinned MiniLM by default.
        mode: "strict", the default, holds back what is not supported, "flag" shows it marked.
        judge: "full", the default, also asks an entailment model whether the documents answer a
            question, and whether what is cited says it; its 439 MB are fetched once. "fast" does
            without.
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
        collections: str | Sequence[str] | None = None,
        runner: str | None = None,
        llm: str | LLM | Generator | None = None,
        embedder: Embedder | None = None,
        mode: Mode | None = None,
        judge: Literal["fast", "full"] | None = None,
        threshold: float | None = None,
        bounds: Bounds | None = None,
        quiet: bool = False,
    ) -> None:
        if mode not in (None, "strict", "flag"):
            raise InputError(f"The mode {mode!r} is unknown.", 'Use "strict" or "flag".')
        if judge not in (None, "fast", "full"):
            raise InputError(f"The judge {judge!r} is unknown.", 'Use "fast" or "full".')
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise InputError(f"The threshold {threshold!r} is not in [0, 1].", "Use 0.5.")
        places = {"corpus": _corpus(corpus), "index": _path(index), "store": store}
        places["runner"] = runner
        found = found_settings({**places, "mode": mode, "judge": judge, "threshold": threshold})
        chosen = found.settings
        self.corpus = chosen.corpus or default_corpus()
        self.store = StorePlace.of(chosen.store, chosen.index or default_index(self.corpus))
        if self.store.folder and not self.store.is_folder and chosen.index is None:
            raise InputError(
                "Milvus keeps the vectors only; nobody says in which folder all else is.",
                "Name the folder of the index too, with --index or CITEWISE_INDEX.",
            )
        self.index_folder = self.store.folder or chosen.index or default_index(self.corpus)
        # Others share a store behind an address: a question never changes what it holds.
        self.reads_only = not self.store.is_folder
        self.names_corpus = chosen.corpus is not None
        self.mode: Mode = chosen.mode
        self.judge = chosen.judge
        self.threshold = chosen.threshold
        self.bounds = bounds or chosen.bounds
        self.skipped: tuple[SkippedFile, ...] = ()
        named = chosen.collections or DEFAULT if collections is None else collections
        self.collections = checked_names(named)
        self.is_bound = bool(chosen.collections) or collections is not None
        self._must_exist = True
        self.home = ""
        """The collection that ``update`` brings in line with ``corpus``; "" are those in none."""
        self._runner = checked_runner(chosen.runner)
        self._top_k = chosen.top_k
        self._quiet = quiet
        self._tracing = tracing_of(chosen.serving)
        announce(found, self._say)
        self._is_owner = True
        self._models = ModelsInUse(embedder, chosen.llm if llm is None else llm, quiet=quiet)
        self._open = OpenCollections(self.store, self._made_embedder, self._say, self._runner)

    def seeing(self, *collections: str) -> Assistant:
        """The same assistant, models and open indexes shared, that sees only these collections.

        What nobody made, or nobody is named for, is no error but holds nothing, so that who asks
        cannot tell what there is. Closing it closes nothing.

        Raises:
            InputError: no name is given, or one cannot be.
        """
        return self._as_seen_by(checked_names(collections))

    def seeing_nothing(self) -> Assistant:
        """As ``seeing``, for whom nobody has said what they may see."""
        return self._as_seen_by(())

    def _as_seen_by(self, collections: tuple[str, ...]) -> Assistant:
        other = copy.copy(self)
        other.collections = collections
        other._must_exist = other._is_owner = False
        return other

    def keeping(self, collection: str, corpus: str | os.PathLike[str]) -> Assistant:
        """The same assistant over one collection, whose documents are those of a folder.

        It is brought up to date by ``update``, or, where the store is a folder, when it is first
        asked. The names of its documents begin with the collection's. Closing it closes nothing.

        Raises:
            InputError: no collection can be called that.
        """
        other = self._as_seen_by((checked_name(collection),))
        other.home, other.corpus = other.collections[0], corpus_of(os.fspath(corpus))
        other.index_folder = self.store.folder_of(other.home) or self.index_folder
        other.names_corpus = True
        other.skipped = ()
        return other

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
        entailment, missing = self._usable_entailment()
        models = {
            "embedder": index.embedder.name,
            "llm": generator.name if generator else "none",
            "entailment": entailment.name if entailment else "none",
        }
        settings = Settings(self.mode, self.threshold, max_tokens=self.bounds.max_answer_tokens)
        with self._tracing.question(question, top_k) as watch:
            yield from answer_events(
                question,
                history,
                index=index,
                retriever=retriever,
                generator=generator,
                entailment=entailment,
                settings=settings,
                models=models,
                top_k=top_k,
                where=where,
                notices=[*notices, *missing],
                watch=watch,
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
        from citewise.collecting import refuse_taken_names, source_of
        from citewise.runners import ingest
        from citewise.splitting import split

        with self._open.lock(self.home):
            source = source_of(self.corpus, self.home)  # a mistyped one would cost a model first
            if self.home:
                refuse_taken_names(self.store, self.home, self._made_embedder())
            index = self._open.made(self.home)
            with ingest(self._runner, source, split, index) as (read, pieces):
                summary = index.refresh(read, pieces, thorough=thorough, progress=progress)
            self.skipped = summary.changes.skipped
            self._open.keep(self.home, index)
            return summary

    @property
    def is_open(self) -> bool:
        """Whether the index is at hand, so that a question need not wait for its building."""
        return self.home not in self.collections or self._open.is_open(self.home)

    def warm(self) -> None:
        """Open the index and start the language model now, so that the first question is fast.

        Raises:
            CorpusError, IndexFault, ModelError: see ``ask``. A language model that does not
                start is left to be reported with the first answer.
        """
        index, _ = self._opened()
        index.embedder.embed_query("warm")
        entailment, missing = self._usable_entailment()
        if entailment is not None:
            entailment.answers([("warm", "warm")], threads=1)
        for line in missing:
            self._say(line)
        generator, _ = self._usable_generator()
        start = getattr(generator, "start", None)
        if start is not None:
            try:
                start()
            except GeneratorError as error:
                self._say(str(error))

    def close(self) -> None:
        """End the language model's process and close what is open."""
        if self._is_owner:
            self._models.close()
            self._open.close()

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> tuple[Index, Retriever]:
        from citewise.retrieval import Retriever

        found = {name: self._collection(name) for name in self.collections}
        seen = {name: index for name, index in found.items() if index is not None}
        index = seen_as_one(seen, self._made_embedder)
        return index, Retriever(index, index.embedder)

    def _collection(self, name: str) -> Index | None:
        """The index of one collection, or None if there is none of that name."""
        with self._open.lock(name):
            index = self._open.current(name)
            if index is None and name == self.home and not self.reads_only:
                from citewise.reporting import update_reported

                update_reported(self, self._quiet)
                index = self._open.current(name)
        index = index or self._open.opened(name)
        if index is None and self._must_exist:
            raise InputError(
                f"There is no collection {shown_name(name)!r} in {self.store.shown}.",
                f"Make it with `citewise index FOLDER --collection {shown_name(name)}`.",
            )
        return index

    def _made_embedder(self) -> Embedder:
        return self._models.embedder()

    @property
    def embedder_name(self) -> str:
        """The name of the embedding model, which need not be loaded for it."""
        return self._models.embedder_name()

    def plan(self, progress: Progress | None = None, *, thorough: bool = False) -> UpdateSummary:
        """What ``update`` would do; nothing is written, and no model is needed.

        Raises:
            CorpusError, IndexFault: see ``ask``.
        """
        from citewise.planned import planned_update

        return planned_update(
            self.corpus,
            self.store,
            self.embedder_name,
            collection=self.home,
            thorough=thorough,
            progress=progress,
        )

    def _usable_generator(self) -> tuple[Generator | None, list[str]]:
        """The language model, or None and why: without one, answers are quoted passages."""
        return self._models.generator()

    def _usable_entailment(self) -> tuple[Entailment | None, list[str]]:
        """The entailment model where the judge is "full", or None and why."""
        return self._models.entailment() if self.judge == "full" else (None, [])

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


def check(claim: str, evidence: Sequence[str], *, judge: JudgeChoice | None = None) -> Verdict:
    """Whether evidence texts support a claim; no index is needed.

    A text of several sentences gets the weakest one's verdict, with ``claims`` holding each.

    Args:
        claim: one or more sentences.
        evidence: the texts that could support it.
        judge: "full" asks an entailment model too, whose encoder (439 MB) is fetched once; "fast"
            needs no model. Or what decides on each sentence in their place, such as
            ``citewise.llm_judge.LLMJudge``. As the setting ``judge`` says by default, which is
            "full" unless set otherwise; where the encoder cannot be had, "fast", with a warning.

    Raises:
        InputError: the claim is empty, or the evidence is not a list of strings.
        ModelError: "full" was given, and the entailment model cannot be had.
        GeneratorError: a judge that is a language model gave no readable verdict.
    """
    from citewise.checking import check_text
    from citewise.default_judge import default_judge

    return check_text(claim, evidence, default_judge() if judge is None else judge)
