"""The assistant as LlamaIndex sees it: passages as nodes, a retriever, a query engine.

    engine = query_engine(Assistant("path/to/files"))
    print(engine.query("Who wrote the first program?"))

Nothing here resolves LlamaIndex's default models, so that no document ever leaves for a hosted API.
"""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import RESPONSE_TYPE, Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import (
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from citewise.assistant import Assistant
from citewise.types import Citation, Evidence, Passage

__all__ = ["CitewiseQueryEngine", "CitewiseRetriever", "as_node", "query_engine", "retriever"]


def as_node(item: Passage | Evidence | Citation) -> TextNode:
    """A passage or span as a node whose offsets are exact; its id is document and offsets."""
    text = item.quote if isinstance(item, Citation) else item.text
    node = TextNode(
        id_=f"{item.document}:{item.start}-{item.end}",
        text=text,
        start_char_idx=item.start,
        end_char_idx=item.end,
        metadata={"document": item.document, "heading": item.heading, "page": item.page},
        excluded_embed_metadata_keys=["document", "page"],
    )
    node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=item.document)
    return node


class CitewiseRetriever(BaseRetriever):
    """Ranked evidence as nodes, for any LlamaIndex pipeline."""

    def __init__(self, assistant: Assistant, top_k: int = 10) -> None:
        super().__init__(callback_manager=CallbackManager())
        self._assistant = assistant
        self._top_k = top_k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        evidence = self._assistant.search(query_bundle.query_str, top_k=self._top_k)
        return [NodeWithScore(node=as_node(item), score=item.score) for item in evidence]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class CitewiseQueryEngine(BaseQueryEngine):
    """Checked answers as LlamaIndex responses.

    ``source_nodes`` are the citations; ``metadata["answer"]`` is ``Answer.to_dict()``.
    """

    def __init__(self, assistant: Assistant) -> None:
        super().__init__(callback_manager=CallbackManager())
        self._assistant = assistant

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        answer = self._assistant.ask(query_bundle.query_str)
        scores = {(e.document, e.start): e.score for e in answer.evidence}
        nodes = [
            NodeWithScore(node=as_node(c), score=scores.get((c.document, c.start)))
            for c in answer.citations
        ]
        return Response(answer.text, source_nodes=nodes, metadata={"answer": answer.to_dict()})

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        return await asyncio.to_thread(self._query, query_bundle)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


def retriever(assistant: Assistant, **options: Any) -> CitewiseRetriever:
    """A LlamaIndex retriever over the assistant's documents; ``top_k`` as in ``search``."""
    return CitewiseRetriever(assistant, **options)


def query_engine(assistant: Assistant) -> CitewiseQueryEngine:
    """A LlamaIndex query engine that gives the assistant's checked answers."""
    return CitewiseQueryEngine(assistant)
