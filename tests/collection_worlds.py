"""Collections with planted words, and all that an assistant can be brought to tell of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from citewise import Assistant
from citewise.collection_names import prefix_of, shown_name
from citewise.errors import CitewiseError
from citewise.retrieval import make_query
from citewise.types import Answer, AnswerEvent, Filter
from doubles import HashEmbedder

__all__ = [
    "ADDRESSES",
    "World",
    "filled",
    "index_of",
    "misspelt",
    "planted",
    "same_but_for",
    "told",
]

# To add a kind of store: the address of an empty one.
ADDRESSES: dict[str, Callable[[pytest.FixtureRequest, Path], str]] = {
    "embedded": lambda _, folder: str(folder / "store"),
    "milvus": lambda _, folder: _milvus_file(folder),
    "postgresql": lambda request, _: request.getfixturevalue("postgres").new_database(kept=True),
}


def _milvus_file(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return f"milvus+file://{folder / 'vectors.db'}"


def index_of(address: str) -> Path | None:
    """The folder of the documents where only their vectors are at the address."""
    return Path(urlsplit(address).path).parent / "index" if address.startswith("milvus") else None


FILES = ("notes.txt", "pay.txt", "plans/next.md")
SHARED = ("engine", "bridge", "invoice", "harbour", "salary", "winter", "budget", "copper")
_SYLLABLES = [a + b for a in "bdfgklmnprtvz" for b in "aeiou"]


def planted(collection: str, file: str) -> str:
    """A word of ten letters that stands in one document of one collection and nowhere else."""
    digest = hashlib.sha256(f"{collection}:{file}".encode()).digest()
    return "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[:5])


def misspelt(word: str) -> str:
    """Two letters in its middle exchanged, or one left out where that changes nothing."""
    swapped = word[:4] + word[5] + word[4] + word[6:]
    return swapped if swapped != word else word[:4] + word[5:]


@dataclasses.dataclass(frozen=True)
class World:
    """For each collection, "" among them, the shared words of each file's sentences."""

    collections: Mapping[str, Mapping[str, Sequence[Sequence[str]]]]

    def names(self, collections: Sequence[str] | None = None) -> list[str]:
        """The names of the documents in these collections, or in all."""
        return [
            prefix_of(collection) + file
            for collection, files in self.collections.items()
            for file in files
            if collections is None or collection in collections
        ]

    def words(self, collections: Sequence[str] | None = None) -> list[str]:
        """What is planted in these collections, or in all."""
        return [
            planted(collection, file)
            for collection, files in self.collections.items()
            for file in files
            if collections is None or collection in collections
        ]

    def write(self, folder: Path) -> None:
        """Each collection's files in a folder of its own."""
        for collection, files in self.collections.items():
            place = folder / shown_name(collection)
            place.mkdir(parents=True, exist_ok=True)
            for file, sentences in files.items():
                path = place / file
                path.parent.mkdir(exist_ok=True)
                path.write_text(_text(planted(collection, file), sentences), encoding="utf-8")
                os.utime(path, (1_700_000_000, 1_700_000_000))


def _text(word: str, sentences: Sequence[Sequence[str]]) -> str:
    lines = [
        f"The {' '.join(shared)} of {word} costs {len(word) * (n + 2)} euros."
        for n, shared in enumerate(sentences)
    ]
    return f"# About {word}\n\n" + " ".join(lines) + f"\n\nNobody knows {word} better.\n"


def filled(
    address: str, folder: Path, held: Sequence[str], llm: Any = "none", **options: Any
) -> Assistant:
    """An assistant over a store that holds these collections of the world in a folder."""
    assistant = Assistant(
        folder / "default",
        index_of(address),
        store=address,
        llm=llm,
        embedder=HashEmbedder(),
        quiet=True,
        **options,
    )
    for collection in held:
        if collection:
            assistant.keeping(collection, folder / collection).update()
        else:
            assistant.update()
    return assistant


def told(assistant: Any, world: World, questions: Sequence[str]) -> dict[str, Any]:
    """What each entry of an assistant gives for what is there, for what is not, and for slips."""
    found: dict[str, Any] = {
        "documents": _tried(lambda: [dataclasses.asdict(d) for d in assistant.documents()]),
        "stats": _tried(assistant.stats),
    }
    for name in world.names():
        found[f"document {name}"] = _tried(lambda n=name: dataclasses.asdict(assistant.document(n)))
        where = Filter(documents=(name,))
        found[f"within {name}"] = _tried(lambda w=where: _found(assistant, questions[0], w))
    for collection in world.collections:
        where = Filter(folders=(shown_name(collection),))
        found[f"folder {collection}"] = _tried(lambda w=where: _found(assistant, questions[0], w))
    found["typed"] = _tried(lambda: _found(assistant, questions[0], Filter(types=("md",))))
    for question in questions:
        found[f"search {question}"] = _tried(lambda q=question: _found(assistant, q))
        found[f"query {question}"] = _tried(lambda q=question: _query(assistant, q))
        found[f"stream {question}"] = _tried(lambda q=question: _streamed(assistant, q))
    found["retriever"] = _tried(lambda: _retrieved(assistant, questions[0]))
    found["engine"] = _tried(lambda: _engine(assistant, questions[0]))
    found["suggestions"] = _tried(lambda: _suggested(assistant))
    return found


def same_but_for(found: Any, *addresses: str) -> str:
    """As text, byte for byte, without where it lies on disk."""
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
    for address in addresses:
        text = text.replace(address, "STORE").replace(str(index_of(address)), "INDEX")
        if "://" in address:
            text = text.replace(urlsplit(address).path, "/STORE")
    return text


def _tried(give: Callable[[], Any]) -> Any:
    try:
        return give()
    except CitewiseError as error:
        return f"{type(error).__name__}: {error}"


def _found(assistant: Any, question: str, where: Filter | None = None) -> Any:
    return [dataclasses.asdict(item) for item in assistant.search(question, where=where)]


def _query(assistant: Any, question: str) -> Any:
    """What is searched for, with slips corrected."""
    return dataclasses.asdict(make_query(question, (), assistant._opened()[0]))


def _streamed(assistant: Any, question: str) -> Any:
    events = []
    for event in assistant.stream(question, history=("What does the bridge cost?",)):
        if isinstance(event, AnswerEvent):
            assert_exact(assistant, event.answer)
            events.append(_timeless(event.answer.to_dict()))
        else:
            events.append(dataclasses.asdict(event))
    return events


def assert_exact(assistant: Any, answer: Answer) -> None:
    """Each citation is its document's own words."""
    for cited in answer.citations:
        assert assistant.document(cited.document).text[cited.start : cited.end] == cited.quote


def _retrieved(assistant: Any, question: str) -> Any:
    from citewise.llamaindex import retriever

    return [
        (item.score, item.node.node_id, item.node.text, item.node.metadata)
        for item in retriever(assistant, top_k=4).retrieve(question)
    ]


def _engine(assistant: Any, question: str) -> Any:
    from citewise.llamaindex import query_engine

    response = query_engine(assistant).query(question)
    nodes = [(node.score, node.node.node_id, node.node.text) for node in response.source_nodes]
    return [str(response), nodes, _timeless(response.metadata["answer"])]


def _suggested(assistant: Any) -> Any:
    from citewise.ui.suggesting import suggestions

    return suggestions(assistant)


def _timeless(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "timings"}
