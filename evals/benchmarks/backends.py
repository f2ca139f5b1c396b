"""The same encoder by PyTorch, ONNX Runtime and OpenVINO: how fast, and how like the vectors are.

    pip install onnx onnxruntime openvino    # PyTorch needs none of them
    python evals/benchmarks/backends.py --passages 200 --threads 1

The model is exported here from the weights that the product uses. All get the same batches, sorted
by length as in ingest. Printed: texts a second of processor time, the ratio to what the product
uses, the least cosine between a text's two vectors, and how often the ten nearest of the other
texts are the same ten.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from corpus import ARTICLES, DATA, articles, passages
from numpy.typing import NDArray

from citewise.bert import BertEncoder
from citewise.fetching import ensure
from citewise.registry import get

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
_BATCH = 16


def main() -> None:
    """Measure each backend that is installed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--backends", default=",".join(MAKERS))
    args = parser.parse_args()
    import torch

    torch.set_num_threads(args.threads)
    path = ensure(get("all-minilm-l6-v2"))
    made = list(passages(args.passages, articles(args.data, ARTICLES)[0]))
    texts = sorted({*(" ".join(m) for m in made), *(s for m in made for s in m)}, key=len)
    reference: Vectors | None = None
    first = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for name in args.backends.split(","):
            try:
                encode = MAKERS[name](path, Path(scratch), args.threads)
            except ImportError as missing:
                print(f"{name:12} not installed ({missing.name})", flush=True)
                continue
            encode(texts[:_BATCH])
            spent, clock = time.process_time(), time.perf_counter()
            vectors = np.concatenate([encode(batch) for batch in batches(texts)])
            spent, clock = time.process_time() - spent, time.perf_counter() - clock
            reference, first = (vectors, spent) if reference is None else (reference, first)
            print(
                f"{name:12} {len(texts) / spent:7.1f} texts/s cpu {len(texts) / clock:7.1f} clock"
                f"  {first / spent:.2f}x  least cosine {np.min((vectors * reference).sum(1)):.5f}"
                f"  same ten {same(vectors, reference):.3f}",
                flush=True,
            )


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """As ingest makes them."""
    return (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))


def same(vectors: Vectors, reference: Vectors) -> float:
    """The share of each text's ten nearest that both have in common."""
    ours, theirs = (np.argsort(-(v[::7] @ v.T), axis=1)[:, 1:11] for v in (vectors, reference))
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(ours, theirs, strict=True)]))


def own(path: Path, _: Path, __: int) -> Encode:
    """What the product uses."""
    return BertEncoder(path)


def own_bf16(path: Path, _: Path, __: int) -> Encode:
    """The same with every weight rounded to 16 bits; averaged in 32."""
    encoder = BertEncoder(path)
    encoder._weights = {name: weight.bfloat16() for name, weight in encoder._weights.items()}
    return encoder


def own_int8(path: Path, _: Path, __: int) -> Encode:
    """The same with 8-bit matrices, inputs rounded as they come."""
    return Int8Encoder(path)


class Int8Encoder(BertEncoder):
    """Multiplies in 8 bits; everything between the matrices stays as it is."""

    def __init__(self, folder: Path) -> None:
        import torch

        super().__init__(folder)
        matrices = [n for n, w in self._weights.items() if n.endswith("weight") and w.ndim == 2]
        self._packed = {}
        for name in (n.removesuffix(".weight") for n in matrices if n.startswith("encoder")):
            weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
            scales = weight.abs().amax(1).double() / 127
            rounded = torch.quantize_per_channel(
                weight, scales, torch.zeros(len(scales), dtype=torch.long), 0, torch.qint8
            )
            self._packed[name] = torch.ops.quantized.linear_prepack(rounded, bias)

    def _linear(self, name: str, value: Any) -> Any:
        import torch

        return torch.ops.quantized.linear_dynamic(value, self._packed[name], reduce_range=True)


def onnx(path: Path, scratch: Path, threads: int) -> Encode:
    """ONNX Runtime, 32-bit numbers."""
    return _session(exported(path, scratch), path, threads)


def onnx_int8(path: Path, scratch: Path, threads: int) -> Encode:
    """ONNX Runtime, weights of 8 bits, activations rounded as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    small = scratch / "int8.onnx"
    quantize_dynamic(exported(path, scratch), small, weight_type=QuantType.QInt8)
    return _session(small, path, threads)


def openvino(path: Path, scratch: Path, threads: int) -> Encode:
    """OpenVINO on the processor, 32-bit numbers."""
    return _openvino(path, scratch, threads, "f32")


def openvino_bf16(path: Path, scratch: Path, threads: int) -> Encode:
    """OpenVINO with 16-bit numbers, where the processor has them."""
    return _openvino(path, scratch, threads, "bf16")


def _openvino(path: Path, scratch: Path, threads: int, precision: str) -> Encode:
    import openvino as ov

    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
    model = ov.compile_model(str(exported(path, scratch)), "CPU", options)
    return _pooled(path, lambda inputs: model(inputs)[0])


def exported(path: Path, scratch: Path) -> Path:
    """The model as ONNX, from its weights."""
    import torch
    from transformers import BertModel

    file = scratch / "model.onnx"
    if file.exists():
        return file
    bert = BertModel.from_pretrained(str(path), attn_implementation="eager").eval()
    ids = torch.ones((2, 8), dtype=torch.long)
    names = ["input_ids", "attention_mask", "token_type_ids"]

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: Any, mask: Any, kinds: Any) -> Any:
            return self.bert(input_ids=ids, attention_mask=mask, token_type_ids=kinds)[0]

    with torch.inference_mode():
        torch.onnx.export(
            Hidden(),
            (ids, ids, ids * 0),
            str(file),
            input_names=names,
            output_names=["hidden"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in [*names, "hidden"]},
            opset_version=17,
            dynamo=False,
        )
    return file


def _session(file: Path, path: Path, threads: int) -> Encode:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, ["CPUExecutionProvider"])
    return _pooled(path, lambda inputs: session.run(["hidden"], inputs)[0])


def _pooled(path: Path, run: Callable[[dict[str, Any]], NDArray[np.float32]]) -> Encode:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    tokenizer.enable_truncation(max_length=256)
    tokenizer.enable_padding()

    def encode(texts: Sequence[str]) -> Vectors:
        encoded = tokenizer.encode_batch(list(texts))
        ids = np.array([e.ids for e in encoded], np.int64)
        mask = np.array([e.attention_mask for e in encoded], np.int64)
        hidden = run({"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0})
        mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        unit: Vectors = (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)
        return unit

    return encode


MAKERS = {
    "torch": own,
    "torch-bf16": own_bf16,
    "torch-int8": own_int8,
    "onnx": onnx,
    "onnx-int8": onnx_int8,
    "openvino": openvino,
    "openvino-bf16": openvino_bf16,
}


if __name__ == "__main__":
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    main()
