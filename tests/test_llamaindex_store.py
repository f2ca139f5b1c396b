"""The vector store keeps LlamaIndex's contract, where its own FAISS stores break it."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from citewise.errors import IndexFault, InputError
from citewise.llamaindex_store import CitewiseVectorStore


def node(name: str, direction: int, document: str = "a.txt", **metadata: object) -> TextNode:
    made = TextNode(
        id_=name, text=f"text of {name}", embedding=axis(direction), metadata=dict(metadata)
    )
    made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=document)
    return made


def axis(direction: int) -> list[float]:
    return [1.0 if place == direction else 0.01 for place in range(8)]


def ask(store: CitewiseVectorStore, direction: int, k: int = 1, **options: object) -> list[str]:
    query = VectorStoreQuery(query_embedding=axis(direction), similarity_top_k=k, **options)
    return store.query(query).ids or []


@pytest.fixture
def store(tmp_path: Path):
    made = CitewiseVectorStore.from_folder(tmp_path / "store")
    yield made
    made.close()


def test_an_exact_vector_finds_its_own_node_after_any_deletion(store: CitewiseVectorStore) -> None:
    store.add([node("A", 0, "a"), node("B", 1, "b"), node("C", 2, "c")])
    store.delete("a")
    store.add([node("D", 3, "d")])
    assert [ask(store, place) for place in (1, 2, 3)] == [["B"], ["C"], ["D"]]
    assert "A" not in ask(store, 0, k=10)


@given(st.lists(st.tuples(st.sampled_from(["add", "delete"]), st.integers(0, 7)), max_size=30))
@settings(deadline=None, max_examples=40)
def test_any_run_of_changes_leaves_what_a_dictionary_would_hold(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int]]
) -> None:
    store = CitewiseVectorStore.from_folder(tmp_path_factory.mktemp("store"))
    held: dict[str, int] = {}
    for change, number in changes:
        if change == "add":
            store.add([node(f"n{number}", number, f"d{number}")])
            held[f"n{number}"] = number
        else:
            store.delete(f"d{number}")
            held.pop(f"n{number}", None)
        assert {n.node_id for n in store.get_nodes()} == set(held)
    for name, number in held.items():
        assert ask(store, number) == [name]
    store.close()


def test_what_is_stored_is_there_in_the_next_process(tmp_path: Path) -> None:
    first = CitewiseVectorStore.from_folder(tmp_path)
    first.add([node("A", 0, page=3)])
    first.close()
    second = CitewiseVectorStore.from_folder(tmp_path)
    (found,) = second.get_nodes()
    assert (found.node_id, found.ref_doc_id, found.metadata["page"]) == ("A", "a.txt", 3)
    assert ask(second, 0) == ["A"]
    second.close()


def test_a_node_that_is_stored_again_is_replaced(store: CitewiseVectorStore) -> None:
    store.add([node("A", 0)])
    store.add([node("A", 1), node("B", 0)])
    assert ask(store, 0) == ["B"]
    assert len(store.get_nodes()) == 2


def test_filters_lose_nothing(store: CitewiseVectorStore) -> None:
    store.add([node(f"n{i}", i % 8, f"d{i % 3}", number=i) for i in range(40)])
    late = MetadataFilters(filters=[MetadataFilter(key="number", value=35, operator=">=")])
    assert set(ask(store, 0, k=10, filters=late)) == {f"n{i}" for i in range(35, 40)}
    assert set(ask(store, 0, k=40, doc_ids=["d1"])) == {f"n{i}" for i in range(40) if i % 3 == 1}
    assert ask(store, 0, k=3, node_ids=["n9"]) == ["n9"]
    store.delete_nodes(filters=late)
    assert len(store.get_nodes()) == 35
    store.delete_nodes(["n1", "n2"])
    assert len(store.get_nodes()) == 33


def test_similarities_are_cosines_and_fall(store: CitewiseVectorStore) -> None:
    store.add([node("A", 0), node("B", 1)])
    long = [value * 1000 for value in axis(0)]
    found = store.query(VectorStoreQuery(query_embedding=long, similarity_top_k=5))
    assert found.ids == ["A", "B"]
    assert found.similarities[0] == pytest.approx(1.0, abs=1e-5)
    assert found.similarities[0] > found.similarities[1]


def test_clear_and_an_empty_store(store: CitewiseVectorStore) -> None:
    assert ask(store, 0) == []
    store.add([node("A", 0)])
    store.clear()
    assert ask(store, 0) == []
    assert store.client is None


@pytest.mark.parametrize("values", [[0.0] * 8, [float("nan")] * 8, [1.0, 2.0]])
def test_embeddings_that_cannot_be_stored(store: CitewiseVectorStore, values: list[float]) -> None:
    store.add([node("A", 0)])
    bad = TextNode(id_="B", text="b", embedding=values)
    with pytest.raises(InputError):
        store.add([node("C", 1), bad])
    assert [n.node_id for n in store.get_nodes()] == ["A"]


def test_a_query_it_cannot_answer(store: CitewiseVectorStore) -> None:
    with pytest.raises(InputError, match="mode"):
        store.query(VectorStoreQuery(query_embedding=axis(0), mode=VectorStoreQueryMode.HYBRID))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(IndexFault, match="cannot be opened"):
        CitewiseVectorStore.from_folder(tmp_path / "file")


def test_many_threads_add_and_search(store: CitewiseVectorStore) -> None:
    def work(number: int) -> None:
        for i in range(5):
            store.add([node(f"{number}-{i}", number)])
            assert ask(store, number, k=50)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.get_nodes()) == 40
    assert np.isclose(len(store.client), 40)


def test_it_serves_a_llamaindex_index(store: CitewiseVectorStore) -> None:
    from llama_index.core import VectorStoreIndex
    from llama_index.core.embeddings import MockEmbedding

    index = VectorStoreIndex.from_vector_store(store, embed_model=MockEmbedding(embed_dim=8))
    index.insert_nodes([TextNode(id_="A", text="one"), TextNode(id_="B", text="two")])
    found = index.as_retriever(similarity_top_k=2).retrieve("one")
    assert {item.node.text for item in found} == {"one", "two"}
