"""MPNet (Song et al. 2020) over pairs of texts, run with torch alone.

The published encoder, with what was learnt for one task added to its weights when it is loaded: two
thin matrices beside each linear layer (LoRA, Hu et al. 2021) and a head over the mean token vectors
of the first text and of the second. A test holds it to the transformers library's vectors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PairEncoder"]

_PADDING = 1
_SCALE = 2.0
_FARTHEST = 128
_LAYER = "encoder.layer.{}."


class PairEncoder:
    """Logits for pairs of texts; the head says what they mean.

    Args:
        folder: ``config.json``, ``tokenizer.json`` and ``model.safetensors`` of an MPNet encoder.
        learnt: what was learnt on top of it, as ``evals/judge/train.py`` writes it.
        most_tokens: of both texts together; what is longer loses the end of its longer text.

    Raises:
        OSError, ValueError, KeyError: a file is missing, or no such model.
    """

    def __init__(self, folder: Path, learnt: Path, *, most_tokens: int = 144) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._layers: int = config["num_hidden_layers"]
        self._heads: int = config["num_attention_heads"]
        self._buckets: int = config["relative_attention_num_buckets"]
        self._epsilon: float = config["layer_norm_eps"]
        self._weights: dict[str, Any] = load_file(folder / "model.safetensors")
        self._add(load_file(learnt))
        self._halve()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(max_length=most_tokens, strategy="longest_first")
        self._tokenizer.enable_padding(pad_id=_PADDING)

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Logits, shape ``(len(pairs), outputs of the head)``."""
        import torch

        encoded = self._tokenizer.encode_batch(list(pairs))
        tokens = torch.tensor([e.ids for e in encoded])
        mask = torch.tensor([e.attention_mask for e in encoded], dtype=torch.bool)
        # What belongs to neither text goes to the side it stands on: <s> a </s> | </s> b </s>.
        second = torch.tensor([_second(e.sequence_ids) for e in encoded], dtype=torch.bool)
        with torch.inference_mode():
            hidden = self._embedded(tokens, mask)
            bias = self._bias(tokens.shape[1]).masked_fill(~mask[:, None, None, :], float("-inf"))
            for layer in range(self._layers):
                hidden = self._layer(_LAYER.format(layer), hidden, bias)
            one, other = (_mean(hidden, side) for side in (mask & ~second, mask & second))
            whole = torch.cat([one + other, (one - other).abs(), one * other], dim=1)
            logits: NDArray[np.float32] = self._linear("head", whole.float()).float().numpy()
        return logits

    def _add(self, learnt: dict[str, Any]) -> None:
        """Add what was learnt: a product of thin matrices to a layer, the rest as it is."""
        for name, value in learnt.items():
            if name.endswith(".up"):
                layer = name.removesuffix(".up")
                weight = self._weights[f"{layer}.weight"]
                delta = value.float() @ learnt[f"{layer}.down"].float()
                self._weights[f"{layer}.weight"] = weight + _SCALE * delta
            elif not name.endswith(".down"):
                self._weights[name] = value.float()

    def _halve(self) -> None:
        """Keep the layers' matrices in BF16 where the processor multiplies it itself.

        Measured, twice as fast at least; logits differ by .005 on average from those of FP32.
        """
        import torch

        if _multiplies_bf16():
            for name, value in self._weights.items():
                if name.startswith("encoder.layer.") and value.ndim == 2:
                    self._weights[name] = value.to(torch.bfloat16)

    def _embedded(self, tokens: Any, mask: Any) -> Any:
        words = self._weights["embeddings.word_embeddings.weight"][tokens]
        places = mask.cumsum(1) * mask + _PADDING
        at = self._weights["embeddings.position_embeddings.weight"][places]
        return self._normed("embeddings.LayerNorm", words + at)

    def _bias(self, length: int) -> Any:
        """What the distance between two tokens adds to their attention, shape (1, heads, n, n)."""
        import torch

        places = torch.arange(length)
        apart = places[:, None] - places[None, :]
        half = self._buckets // 2
        near = half // 2
        far = apart.abs().clamp(min=1).float()
        steps = torch.log(far / near) / math.log(_FARTHEST / near) * (half - near)
        bucket = torch.where(
            apart.abs() < near, apart.abs(), (near + steps.long()).clamp(max=half - 1)
        ) + half * (apart < 0)
        return self._weights["encoder.relative_attention_bias.weight"][bucket].permute(2, 0, 1)[
            None
        ]

    def _layer(self, name: str, hidden: Any, bias: Any) -> Any:
        from torch.nn.functional import gelu

        attended = self._linear(f"{name}attention.attn.o", self._attended(name, hidden, bias))
        hidden = self._normed(f"{name}attention.LayerNorm", hidden + attended)
        inner = gelu(self._linear(f"{name}intermediate.dense", hidden))
        return self._normed(
            f"{name}output.LayerNorm", hidden + self._linear(f"{name}output.dense", inner)
        )

    def _attended(self, name: str, hidden: Any, bias: Any) -> Any:
        from torch.nn.functional import scaled_dot_product_attention

        batch, length, size = hidden.shape
        query, key, value = (
            self._linear(f"{name}attention.attn.{part}", hidden)
            .view(batch, length, self._heads, size // self._heads)
            .transpose(1, 2)
            for part in "qkv"
        )
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return mixed.transpose(1, 2).reshape(batch, length, size)

    def _linear(self, name: str, value: Any) -> Any:
        from torch.nn.functional import linear

        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        if weight.dtype == value.dtype:
            return linear(value, weight, bias)
        return linear(value.to(weight.dtype), weight, bias.to(weight.dtype)).to(value.dtype)

    def _normed(self, name: str, value: Any) -> Any:
        from torch.nn.functional import layer_norm

        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return layer_norm(value, weight.shape, weight, bias, self._epsilon)


def _second(sides: Sequence[int | None]) -> list[bool]:
    """For each token whether it belongs to the second text, or comes after the first one's end."""
    first = max((place for place, side in enumerate(sides) if side == 0), default=0)
    return [place > first + 1 for place in range(len(sides))]


def _mean(hidden: Any, side: Any) -> Any:
    share = side.unsqueeze(-1).float()
    return (hidden * share).sum(1) / share.sum(1)


def _multiplies_bf16() -> bool:
    import torch

    # Of torch's own that say so, none is public.
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(supported is not None and supported())
