"""LlamaIndex's own Milvus store on Milvus Lite: what it keeps of our promise, and what it breaks.

Each test of a defect asserts the defect, so that it fails once a new version has mended it; see
docs/stores-milvus.md. Seen in llama-index-vector-stores-milvus 1.2.0, pymilvus 2.6.17 and
milvus-lite 3.2.2.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")
upstream = pytest.importorskip(
    "llama_index.vector_stores.milvus", reason="llama-index-vector-stores-milvus is not installed"
)

from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode  # noqa: E402
from llama_index.core.vector_stores.types import (  # noqa: E402
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)
from llama_index.vector_stores.milvus.utils import BM25BuiltInFunction  # noqa: E402
from pymilvus import MilvusClient, MilvusException  # noqa: E402

X, Y, Z = np.eye(3).tolist()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    from milvus_lite.server_manager import server_manager_instance

    path = tmp_path_factory.mktemp("upstream") / "vectors.db"
    yield str(path)
    server_manager_instance.release_server(str(path))


@pytest.fixture
def make(file, request):
    """A function that makes a store over the test's own collection."""
    made = []
    name = f"c_{abs(hash(request.node.name))}"

    def make(**options):
        store = upstream.MilvusVectorStore(uri=file, dim=3, collection_name=name, **options)
        made.append(store)
        return store

    yield make
    made[0].client.drop_collection(name)
    for store in made:
        store.client.close()


def node(name, document, vector, text="", **metadata):
    made = TextNode(id_=name, text=text or name, embedding=list(vector), metadata=metadata)
    made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=document)
    return made


def found(store, vector, k=10, **options):
    query = VectorStoreQuery(query_embedding=vector, similarity_top_k=k, **options)
    return store.query(query).ids


def only(key, value, operator=FilterOperator.EQ):
    return MetadataFilters(filters=[MetadataFilter(key=key, value=value, operator=operator)])


# What holds


def test_add_delete_filter_and_look_up(make):
    store = make()
    store.add(
        [node("a", "d", X, team="x"), node("b", "d", Y, team="y"), node("c", "e", Z, team="y")]
    )
    assert found(store, X, 1) == ["a"]
    assert found(store, Z, 1) == ["c"]
    assert set(found(store, X, filters=only("team", "y"))) == {"b", "c"}
    assert found(store, X, filters=only("team", "it's")) == []
    assert set(found(store, X, doc_ids=["d"])) == {"a", "b"}
    store.delete("d")
    assert found(store, X) == ["c"]


def test_a_node_added_twice_is_replaced(make):
    store = make()
    store.add([node("a", "d", X, "old")])
    store.add([node("a", "d", Y, "new")])
    query = VectorStoreQuery(query_embedding=Y, similarity_top_k=9)
    assert [n.text for n in store.query(query).nodes] == ["new"]


def test_what_was_added_survives_the_process(tmp_path):
    script = (
        "import os, sys\n"
        "from llama_index.core.schema import TextNode\n"
        "from llama_index.vector_stores.milvus import MilvusVectorStore\n"
        "store = MilvusVectorStore(uri=sys.argv[1], dim=3, collection_name='c')\n"
        "store.add([TextNode(id_=str(i), text='t', embedding=[1.0, 0, i]) for i in range(50)])\n"
        "os._exit(9)\n"
    )
    path = str(tmp_path / "v.db")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script, path], capture_output=True)
    assert done.returncode == 9, done.stderr
    store = upstream.MilvusVectorStore(uri=path, dim=3, collection_name="c")
    # Defect: a collection that is there is not loaded, so that no search works after a restart.
    with pytest.raises(MilvusException, match="'released'; call load"):
        found(store, X)
    with pytest.raises(MilvusException, match="'released'; call load"):
        store.delete("any")
    store.client.load_collection("c")
    assert len(found(store, X, 99)) == 50
    store.client.close()
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(path)


# What does not


def test_defect_a_documents_name_can_delete_every_document(make):
    """It is put between quotation marks into an expression as it is."""
    store = make()
    store.add([node("a", "d", X), node("b", "e", Y)])
    store.delete('x"] or id != "" or id in ["')
    assert found(store, X) == []


def test_defect_a_document_with_a_quotation_mark_cannot_be_deleted(make):
    store = make()
    store.add([node("a", 'say "hi".txt', X)])
    with pytest.raises(MilvusException, match="expected"):
        store.delete('say "hi".txt')
    assert found(store, X) == ["a"]


def test_defect_a_filter_for_no_value_lets_everything_through(make):
    """A caller without a team, or with a list of documents that is empty, sees all of them."""
    store = make()
    store.add([node("a", "d", X, team="x"), node("b", "e", Y, team="y")])
    assert set(found(store, X, filters=only("team", None))) == {"a", "b"}
    assert set(found(store, X, doc_ids=[])) == {"a", "b"}


def test_defect_a_filter_with_a_backslash_fails(make):
    store = make()
    store.add([node("a", "d", X, path="a\\sb")])
    with pytest.raises(MilvusException, match="escape"):
        found(store, X, filters=only("path", "a\\sb"))


def test_defect_a_document_is_replaced_in_two_steps(make):
    """A reader in between sees neither version; what breaks it off leaves a part."""
    store = make(batch_size=10)
    store.add([node(f"old{i}", "d", X) for i in range(30)])
    store.delete("d")
    assert found(store, X, 99) == []
    real, calls = store.client.insert, []

    def insert(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise ConnectionError
        return real(*arguments, **options)

    store.client.insert = insert
    with pytest.raises(ConnectionError):
        store.add([node(f"new{i}", "d", X) for i in range(30)])
    assert len(found(store, X, 99)) == 10


def test_defect_making_anew_takes_everything_from_readers(make):
    reader = make()
    reader.add([node("a", "d", X)])
    make(overwrite=True)
    assert found(reader, X) == []


def test_defect_scores_of_vectors_of_other_lengths_decide(make):
    """By default the metric is the inner product, and no vector is brought to length 1."""
    store = make()
    store.add([node("a", "d", X), node("long", "d", [3.0, 3.0, 3.0])])
    assert found(store, X, 1) == ["long"]


def test_defect_a_vector_that_is_no_number_is_answered(make):
    store = make()
    store.add([node("a", "d", X)])
    assert found(store, [float("nan")] * 3) == ["a"]


def test_defect_a_long_passage_is_refused(make):
    """Texts of 65,536 bytes and more, after a part of the batch may have been written."""
    store = make(batch_size=1)
    with pytest.raises(MilvusException, match="65535"):
        store.add([node("a", "d", X), node("b", "d", Y, "x" * 65_536)])
    assert found(store, X) == ["a"]


def hybrid(make):
    return make(enable_sparse=True, sparse_embedding_function=BM25BuiltInFunction())


def test_defect_search_by_words_fails_on_milvus_lite(make):
    """The integration asks for approximate BM25, which Milvus Lite refuses."""
    store = hybrid(make)
    store.add([node("a", "d", X, "apple pie")])
    with pytest.raises(MilvusException, match="drop_ratio_search"):
        found(store, None, query_str="apple", mode=VectorStoreQueryMode.TEXT_SEARCH)


def test_defect_hybrid_search_ranks_equal_texts_by_when_they_were_written(make):
    store = hybrid(make)
    others = [node(f"other{i}", "d", Y, "filler text") for i in range(20)]
    store.add([node("first", "d", Y, "rare word"), *others])
    store.client.flush(store.collection_name)
    store.add([node(f"later{i}", "d", Y, "rare word") for i in range(20)])
    store.client.flush(store.collection_name)
    scores = _by_words(store.client, store.collection_name, "rare", "sparse_embedding")
    assert scores["first"] > 100 * scores["later0"] > 0
    # Fused by rank, and all vectors being equal, it comes first by that alone.
    assert found(store, Y, 1, query_str="rare", mode=VectorStoreQueryMode.HYBRID) == ["first"]


def _by_words(client: MilvusClient, name, question, field):
    (hits,) = client.search(
        name, [question], anns_field=field, limit=50, output_fields=["id"], filter=""
    )
    # Milvus Lite gives BM25 as a negative distance, a cluster as a score.
    return {hit["id"]: abs(hit["distance"]) for hit in hits}


def test_milvus_bm25_forgets_what_was_deleted_but_counts_by_segment(make):
    """Deletion changes the rarity of words at once; each segment has a rarity of its own."""
    store, field = hybrid(make), "sparse_embedding"
    store.add([node(f"apple{i}", f"d{i}", X, "apple pie") for i in range(30)])
    store.add([node("pear", "p", Y, "pear tart"), node("pear2", "p", Y, "pear tart")])
    before = _by_words(store.client, store.collection_name, "apple", field)["apple29"]
    for i in range(29):
        store.delete(f"d{i}")
    after = _by_words(store.client, store.collection_name, "apple", field)["apple29"]
    assert before == pytest.approx(0.079, abs=0.001)
    assert after == pytest.approx(np.log(1 + 2.5 / 1.5), abs=0.001)


def test_defect_milvus_bm25_finds_no_chinese_word(make):
    store = hybrid(make)
    store.add([node("a", "d", X, "费用很高"), node("b", "d", Y, "其他")])
    assert _by_words(store.client, store.collection_name, "费用", "sparse_embedding") == {}


def test_defect_two_processes_cannot_share_a_file(make, file):
    """Nor is that said: the reason goes to the log alone."""
    make()
    script = (
        "import sys\n"
        "from llama_index.vector_stores.milvus import MilvusVectorStore\n"
        "MilvusVectorStore(uri=sys.argv[1], dim=3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, file], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Open local milvus failed" in done.stderr.splitlines()[-1]
