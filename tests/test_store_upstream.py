"""LlamaIndex's own PostgreSQL store, put through the parts of the contract that it can express.

What it keeps is asserted as such; where it breaks the promise, the defect is asserted, so that a
version without it shows here. ``docs/stores.md`` draws the conclusion.
"""

from __future__ import annotations

import warnings

import pytest

from doubles import HashEmbedder
from stores import postgres  # noqa: F401 - a fixture

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    upstream = pytest.importorskip("llama_index.vector_stores.postgres")
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

EMBEDDER = HashEmbedder()


@pytest.fixture
def place(postgres):  # noqa: F811
    return postgres.new_database()


@pytest.fixture
def make(place):
    """Opens the store as often as one likes, as so many processes would."""
    opened = []

    def made():
        rest = place.removeprefix("postgresql://")
        store = upstream.PGVectorStore.from_params(
            connection_string=f"postgresql+psycopg2://{rest}",
            async_connection_string=f"postgresql+asyncpg://{rest}",
            table_name="nodes",
            embed_dim=64,
            hybrid_search=True,
            text_search_config="english",
        )
        opened.append(store)
        return store

    yield made
    for store in opened:
        if store._engine is not None:
            store._engine.dispose()


@pytest.fixture
def store(make):
    return make()


def node(text: str, name: str = "", file: str = "bread.txt", **metadata) -> TextNode:
    made = TextNode(
        id_=name or text,
        text=text,
        embedding=EMBEDDER.embed_query(text).tolist(),
        metadata={"file": file, **metadata},
    )
    made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=file)
    return made


BREAD = [node("Bread needs yeast."), node("Salt comes last.")]
SHIPS = [node("Ships need water.", file="ships.txt")]


def found(store, text: str, k: int = 9, **options) -> list[str]:
    query = VectorStoreQuery(
        query_embedding=EMBEDDER.embed_query(text).tolist(),
        query_str=text,
        similarity_top_k=k,
        **options,
    )
    return [one.get_content() for one in store.query(query).nodes]


def of_file(value: str, operator: FilterOperator = FilterOperator.EQ) -> MetadataFilters:
    return MetadataFilters(filters=[MetadataFilter(key="file", value=value, operator=operator)])


# What it does right.


def test_what_was_added_is_found_by_its_own_vector(store):
    store.add(BREAD + SHIPS)
    for one in BREAD + SHIPS:
        assert found(store, one.text, 1) == [one.text]


def test_what_was_deleted_is_not_found_again(store):
    store.add(BREAD + SHIPS)
    store.delete("bread.txt")
    assert found(store, "Bread needs yeast.") == ["Ships need water."]
    store.add(BREAD)
    assert found(store, "Salt comes last.", 1) == ["Salt comes last."]


def test_one_call_of_add_is_stored_whole_or_not_at_all(store, make):
    broken = node("Rye.")
    broken.embedding = [0.0] * 63
    with pytest.raises(Exception, match="expected 64 dimensions"):
        store.add([*BREAD, broken])
    assert found(make(), "Bread needs yeast.") == []


def test_a_plain_filter_is_met(store):
    store.add(BREAD + SHIPS)
    assert found(store, "Bread needs yeast.", filters=of_file("ships.txt")) == ["Ships need water."]


# Where it breaks the promise.


def test_defect_adding_a_node_again_keeps_both(store):
    store.add(BREAD)
    store.add(BREAD)
    assert found(store, "Bread needs yeast.", 2) == ["Bread needs yeast."] * 2


def test_defect_two_writers_of_one_document_leave_it_twice(make):
    one, other = make(), make()
    # Each has looked, found the document missing, and adds it: nothing locks, no key is unique.
    assert found(one, "Salt") == found(other, "Salt") == []
    one.add(BREAD)
    other.add(BREAD)
    assert found(make(), "Salt comes last.", 2) == ["Salt comes last."] * 2


def test_defect_between_deleting_and_adding_a_document_is_gone(store, make):
    store.add(BREAD)
    store.delete("bread.txt")
    # A reader now, and everybody for good if the writer dies here: each call is its own commit.
    assert found(make(), "Bread needs yeast.") == []
    store.add([node("Bread needs flour.")])
    assert found(make(), "Bread needs flour.") == ["Bread needs flour."]


def test_defect_a_quotation_mark_in_a_filter_is_an_error(store):
    store.add([node("Rye bread.", file="o'brien.txt")])
    with pytest.raises(Exception, match="syntax error"):
        found(store, "Rye bread.", filters=of_file("o'brien.txt"))


def test_defect_a_filters_value_is_run_as_sql_and_lets_all_through(store):
    store.add([*BREAD, node("The secret is salt.", file="secret.txt")])
    assert found(store, "secret", filters=of_file("mine.txt")) == []
    asked = of_file("mine.txt' OR '' = '")
    assert "The secret is salt." in found(store, "secret", filters=asked)


def test_defect_a_name_that_looks_like_a_number_makes_all_others_an_error(store):
    store.add([node("Rye.", file="2026"), *BREAD])
    with pytest.raises(Exception, match="invalid input syntax for type double precision"):
        found(store, "Rye.", filters=of_file("2026"))


def test_defect_no_filter_says_not(store):
    store.add(BREAD)
    asked = of_file("bread.txt")
    asked.condition = FilterCondition.NOT
    with pytest.raises(ValueError, match="Invalid condition"):
        found(store, "Bread", filters=asked)


def test_defect_hybrid_search_puts_one_list_behind_the_other(store):
    # The only passage with the rare word is last by meaning, and stays last.
    near = [node("loaf loaf loaf", str(n), "a.txt") for n in range(5)]
    store.add([*near, node("zymurgy " + "other words stand here too ", file="b.txt")])
    query = VectorStoreQuery(
        query_embedding=EMBEDDER.embed_query("loaf").tolist(),
        query_str="zymurgy",
        similarity_top_k=5,
        sparse_top_k=5,
        mode=VectorStoreQueryMode.HYBRID,
    )
    result = store.query(query)
    assert [one.get_content().split()[0] for one in result.nodes] == ["loaf"] * 5 + ["zymurgy"]
    # A cosine and a ts_rank stand in one list as if they were the same.
    assert result.similarities[0] == pytest.approx(1.0, abs=1e-5)
    assert result.similarities[-1] == pytest.approx(0.0608, abs=1e-3)


def test_defect_the_rarity_of_a_word_does_not_count(store):
    common = [node(f"bread number {n}", file="a.txt") for n in range(20)]
    store.add([*common, node("yeast number x", file="b.txt")])
    query = VectorStoreQuery(
        query_str="bread yeast",
        similarity_top_k=25,
        mode=VectorStoreQueryMode.TEXT_SEARCH,
    )
    # By BM25 the one passage with the rare word scores far above the twenty with the common one.
    assert store.query(query).similarities == pytest.approx([0.0304] * 21, abs=1e-3)


def test_defect_words_of_a_script_without_spaces_are_not_found(store):
    store.add([node("面包需要酵母。", file="zh.txt")])
    query = VectorStoreQuery(
        query_str="酵母", similarity_top_k=5, mode=VectorStoreQueryMode.TEXT_SEARCH
    )
    assert store.query(query).nodes == []
