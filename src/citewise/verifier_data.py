"""Claims that people labelled, read from public data sets: what a support judge is held against.

| set | file | supported is |
|---|---|---|
| ``wice`` | ``wice/claim_dev.jsonl`` (Kamoi et al. 2023) | ``supported``; in part is not |
| ``attributionbench`` | ``attributionbench/dev.jsonl`` (Li et al. 2024) | ``attributable`` |
| ``minimal_pairs`` | ``evals/minimal_pairs.jsonl`` of this project | unchanged or reworded |
| ``support/NAME`` | the ``dev`` rows of ``support/NAME.jsonl.gz`` | ``supported`` |
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citewise.errors import EvaluationError, InputError
from citewise.sentences import sentence_offsets

__all__ = ["SETS", "SUPPORT_CAP", "LabelledClaim", "LoadedSets", "load_claims"]

SETS = ("wice", "attributionbench", "minimal_pairs", "support")
"""What can be asked for; ``support`` is all of its files, ``support/snli`` one of them."""
SUPPORT_CAP = 300
"""Most claims of one file in ``support/``, unless another limit is asked for."""

_SEED = 20260601
_MARKER = re.compile(r"\s*\[\d{1,3}\](?!\w)")
_SUPPORT_LABELS = ("supported", "contradicted", "unsupported")
_WICE_LABELS = ("supported", "partially_supported", "not_supported")
_BENCH_LABELS = ("attributable", "not attributable")


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim with what people said of it.

    ``evidence`` are sentences or table rows. ``supported`` is true if all of the claim is;
    ``label`` is the set's own word. ``source`` is the set, with its part where it has parts
    (``minimal_pairs/number``). Claims of one ``group`` share a document or a question, so they are
    neither split between folds nor drawn apart.
    """

    claim: str
    evidence: tuple[str, ...]
    supported: bool
    label: str
    source: str
    group: str


@dataclass(frozen=True, slots=True)
class LoadedSets:
    """Claims by set, in the order asked for, and one line for each set that was left out."""

    claims: dict[str, list[LabelledClaim]]
    skipped: tuple[str, ...]


def load_claims(
    data: Path, sets: Sequence[str] = SETS, *, pairs: Path, limit: int | None = None
) -> LoadedSets:
    """Read the sets that are there.

    Args:
        data: folder with ``wice/``, ``attributionbench/`` and ``support/``.
        sets: names out of ``SETS``, or ``support/NAME``.
        pairs: file of the minimal pairs.
        limit: most claims of a set, drawn by a fixed seed; None is all, but ``SUPPORT_CAP`` of
            each file in ``support/``.

    Raises:
        InputError: a set is not known, or ``data`` is no folder.
        EvaluationError: a row cannot be read, or no set is there.
    """
    if not data.is_dir():
        raise InputError(f"{str(data)!r} is no folder.", "Give --data the folder of the data sets.")
    found: dict[str, list[LabelledClaim]] = {}
    skipped = []
    for name, path, read in _sources(data, sets, pairs):
        if not path.is_file():
            skipped.append(f"{name}: skipped, {str(path)!r} is not there")
            continue
        most = SUPPORT_CAP if limit is None and name.startswith("support/") else limit
        claims = _read(path, name, read)
        if claims:
            found[name] = _drawn(claims, most)
        else:
            skipped.append(f"{name}: skipped, {str(path)!r} has no claims to measure on")
    if not found:
        raise EvaluationError(
            f"No labelled claims under {str(data)!r} for: {', '.join(sets)}.",
            "Give --data the folder that holds wice/, attributionbench/ or support/.",
        )
    return LoadedSets(found, tuple(skipped))


_Read = Callable[[dict[str, Any], str], LabelledClaim | None]


def _sources(data: Path, sets: Sequence[str], pairs: Path) -> Iterator[tuple[str, Path, _Read]]:
    """Name, file and reader of each set; a name that means several gives them all, once."""
    seen: set[str] = set()
    for name in (one for asked in sets for one in _named(data, asked)):
        if name in seen:
            continue
        seen.add(name)
        if name == "wice":
            yield name, data / "wice" / "claim_dev.jsonl", _wice
        elif name == "attributionbench":
            yield name, data / "attributionbench" / "dev.jsonl", _bench
        elif name == "minimal_pairs":
            yield name, pairs, _pair
        else:
            yield name, data / f"{name}.jsonl.gz", _support


def _named(data: Path, asked: str) -> list[str]:
    if asked == "support":
        files = sorted((data / "support").glob("*.jsonl.gz"))
        names = [path.name.removesuffix(".jsonl.gz") for path in files]
        return [f"support/{name}" for name in names if "." not in name] or ["support/*"]
    if asked not in SETS and not re.fullmatch(r"support/\w+", asked):
        raise InputError(
            f"There is no set {asked!r}.", f"Known sets: {', '.join(SETS)}, support/NAME."
        )
    return [asked]


def _read(path: Path, name: str, read: _Read) -> list[LabelledClaim]:
    claims = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            claim = read(json.loads(line), name)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise EvaluationError(
                f"Line {number} of {str(path)!r} cannot be read ({type(error).__name__}: {error}).",
                f"Is it a file of the set {name!r}?",
            ) from None
        if claim is not None:
            claims.append(claim)
    return claims


def _lines(path: Path) -> Iterator[str]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8") as file:
                yield from file
        else:
            with path.open(encoding="utf-8") as file:
                yield from file
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise EvaluationError(
            f"{str(path)!r} cannot be read ({error}).", "Get the file again."
        ) from None


def _drawn(claims: list[LabelledClaim], most: int | None) -> list[LabelledClaim]:
    """The same draw each time, in the order of the file."""
    if most is None or most >= len(claims):
        return claims
    places = sorted(random.Random(_SEED).sample(range(len(claims)), most))  # noqa: S311
    return [claims[place] for place in places]


def _wice(row: dict[str, Any], name: str) -> LabelledClaim:
    label = _one_of(row["label"], _WICE_LABELS)
    evidence = _texts(row["evidence"])
    return _claim(row["claim"], evidence, label, name, row["meta"]["claim_title"])


def _bench(row: dict[str, Any], name: str) -> LabelledClaim:
    label = _one_of(row["attribution_label"], _BENCH_LABELS)
    evidence = tuple(part for text in _texts(row["references"]) for part in _parts(text))
    return _claim(row["claim"], evidence, label, f"{name}/{row['src_dataset']}", row["question"])


def _pair(row: dict[str, Any], name: str) -> LabelledClaim:
    label = _one_of(row["label"], _SUPPORT_LABELS)
    evidence = _texts(row["evidence"])
    return _claim(row["claim"], evidence, label, f"{name}/{row['kind']}", row["document"])


def _support(row: dict[str, Any], name: str) -> LabelledClaim | None:
    if row["split"] != "dev":
        return None
    texts = _texts(row["evidence"])
    evidence = tuple(part for text in texts for part in _parts(text))
    # The first text is the page, table or question that claims of one document share.
    group = hashlib.sha256(texts[0].encode()).hexdigest()[:16]
    return _claim(row["claim"], evidence, _one_of(row["label"], _SUPPORT_LABELS), name, group)


def _claim(
    claim: str, evidence: tuple[str, ...], label: str, source: str, group: str
) -> LabelledClaim:
    """Without citation markers, which say where a claim came from and not what it claims."""
    text = _MARKER.sub("", claim).strip()
    supported = label in ("supported", "attributable")
    return LabelledClaim(text, evidence, supported, label, source, str(group))


def _one_of(label: str, labels: Sequence[str]) -> str:
    if label not in labels:
        raise ValueError(f"the label is {label!r}, not one of: {', '.join(labels)}")
    return label


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(t, str) for t in value):
        raise ValueError("the evidence is not a list of texts")
    return tuple(value)


def _parts(text: str) -> list[str]:
    """Sentences; a line that is a table row stays whole."""
    parts = []
    for line in text.split("\n"):
        spans = [(0, len(line))] if _is_row(line) else sentence_offsets(line)
        parts += [line[start:end] for start, end in spans]
    return [part for part in parts if part.strip()]


def _is_row(line: str) -> bool:
    cells = line.split("; ")
    return len(cells) > 1 and all(": " in cell for cell in cells)
