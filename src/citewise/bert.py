"""BERT sentence encoders run with torch alone.

Importing sentence-transformers takes 4 seconds more than importing torch (it brings training,
scikit-learn and pandas along), which is most of the wait for a first answer. The arithmetic of
the small encoders it is used for here fits on a page; a test holds it to the library's vectors.
Devlin et al. (2019), "BERT"; mean pooling after Reimers and Gurevych (2019), "Sentence-BERT".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BertEncoder"]

_EXPECTED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
_POOLING = "pooling_mode_mean_tokens"


class BertEncoder:
    """Token vectors by BERT, averaged and scaled to length 1.

    Args:
        folder: ``config.json``, ``tokenizer.json``, ``model.safetensors`` and the
            sentence-transformers files that say how to pool.
    """

    def __init__(self, folder: Path) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        config = _json(folder / "config.json")
        self._layers: int = config["num_hidden_layers"]
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        self._weights: dict[str, Any] = load_file(folder / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        longest = _json(folder / "sentence_bert_config.json")["max_seq_length"]
        self._tokenizer.enable_truncation(max_length=longest)
        self._tokenizer.enable_padding(pad_id=config["pad_token_id"])

    @staticmethod
    def fits(folder: Path) -> bool:
        """Whether the model in ``folder`` is of exactly this kind."""
        try:
            config = _json(folder / "config.json")
            modules = [m["type"].rsplit(".", 1)[-1] for m in _json(folder / "modules.json")]
            pooling = _json(folder / "1_Pooling" / "config.json")
            _json(folder / "sentence_bert_config.json")
        except (OSError, ValueError, TypeError, KeyError):
            return False
        on = [key for key, value in pooling.items() if key.startswith("pooling_mode_") and value]
        return (
            all(config.get(key, value) == value for key, value in _EXPECTED.items())
            and modules == ["Transformer", "Pooling", "Normalize"]
            and on == [_POOLING]
            and (folder / "tokenizer.json").exists()
        )

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape ``(len(texts), dimensions)``."""
        import torch

        encoded = self._tokenizer.encode_batch(list(texts))
        tokens = torch.tensor([e.ids for e in encoded])
        mask = torch.tensor([e.attention_mask for e in encoded], dtype=torch.bool)
        with torch.inference_mode():
            hidden = self._embedded(tokens)
            for layer in range(self._layers):
                hidden = self._layer(f"encoder.layer.{layer}.", hidden, mask)
            weights = mask.unsqueeze(-1).float()
            mean = (hidden * weights).sum(1) / weights.sum(1)
            unit: NDArray[np.float32] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return unit

    def _embedded(self, tokens: Any) -> Any:
        words = self._weights["embeddings.word_embeddings.weight"][tokens]
        places = self._weights["embeddings.position_embeddings.weight"][: tokens.shape[1]]
        first_segment = self._weights["embeddings.token_type_embeddings.weight"][0]
        return self._normed("embeddings.LayerNorm", words + places + first_segment)

    def _layer(self, name: str, hidden: Any, mask: Any) -> Any:
        from torch.nn.functional import gelu

        attended = self._linear(f"{name}attention.output.dense", self._attended(name, hidden, mask))
        hidden = self._normed(f"{name}attention.output.LayerNorm", hidden + attended)
        inner = gelu(self._linear(f"{name}intermediate.dense", hidden))
        outer = self._linear(f"{name}output.dense", inner)
        return self._normed(f"{name}output.LayerNorm", hidden + outer)

    def _attended(self, name: str, hidden: Any, mask: Any) -> Any:
        from torch.nn.functional import scaled_dot_product_attention

        batch, length, size = hidden.shape
        query, key, value = (
            self._linear(f"{name}attention.self.{part}", hidden)
            .view(batch, length, self._heads, size // self._heads)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        return mixed.transpose(1, 2).reshape(batch, length, size)

    def _linear(self, name: str, value: Any) -> Any:
        from torch.nn.functional import linear

        return linear(value, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normed(self, name: str, value: Any) -> Any:
        from torch.nn.functional import layer_norm

        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return layer_norm(value, weight.shape, weight, bias, self._epsilon)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
