"""Labelled claims: the shapes of the public sets, what is skipped, what is refused."""

from __future__ import annotations

import collections
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import EvaluationError, InputError
from citewise.verifier_data import SUPPORT_CAP, load_claims

PAIRS = Path(__file__).parents[1] / "evals" / "minimal_pairs.jsonl"


def wice(label: str, claim: str = "The bridge opened in 1932.", title: str = "Bridge") -> Any:
    return {
        "label": label,
        "claim": claim,
        "evidence": ["The bridge opened in 1932.", "It is long."],
        "meta": {"claim_title": title},
    }


def bench(label: str) -> dict[str, Any]:
    return {
        "question": "when was the bridge opened",
        "claim": "The bridge opened in 1932 [4].",
        "references": ["Title: Bridge\n\nThe bridge opened in 1932. It is long.", "It is grey."],
        "attribution_label": label,
        "src_dataset": "ExpertQA",
    }


def support(claim: str, split: str = "dev", label: str = "supported") -> dict[str, Any]:
    return {
        "evidence": ["Table: Bridges", "Name: Old; Year: 1932. Opened", "Two. Three."],
        "claim": claim,
        "label": label,
        "split": split,
    }


def put(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(row) for row in rows) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_wice_in_part_is_not_supported(tmp_path: Path) -> None:
    labels = ["supported", "partially_supported", "not_supported"]
    put(tmp_path / "wice" / "claim_dev.jsonl", [wice(label) for label in labels])
    claims = load_claims(tmp_path, ["wice"], pairs=PAIRS).claims["wice"]
    assert [(c.supported, c.label) for c in claims] == [
        (True, "supported"), (False, "partially_supported"), (False, "not_supported"),
    ]  # fmt: skip
    assert claims[0].evidence == ("The bridge opened in 1932.", "It is long.")
    assert (claims[0].group, claims[0].source) == ("Bridge", "wice")


def test_references_become_sentences_and_markers_go(tmp_path: Path) -> None:
    rows = [bench("attributable"), bench("not attributable")]
    put(tmp_path / "attributionbench" / "dev.jsonl", rows)
    claims = load_claims(tmp_path, ["attributionbench"], pairs=PAIRS).claims["attributionbench"]
    assert claims[0].evidence == (
        "Title: Bridge", "The bridge opened in 1932.", "It is long.", "It is grey.",
    )  # fmt: skip
    assert claims[0].claim == "The bridge opened in 1932."
    assert [c.supported for c in claims] == [True, False]
    assert claims[0].source == "attributionbench/ExpertQA"
    assert claims[0].group == "when was the bridge opened"


def test_only_dev_rows_of_claims_files_and_table_rows_stay_whole(tmp_path: Path) -> None:
    rows = [support("a"), support("b", "train"), support("c", label="contradicted")]
    put(tmp_path / "support" / "tables.jsonl.gz", rows)
    put(tmp_path / "support" / "squad2.answerability.jsonl.gz", [{"question": "?"}])
    loaded = load_claims(tmp_path, ["support"], pairs=PAIRS)
    assert list(loaded.claims) == ["support/tables"]
    first, second = loaded.claims["support/tables"]
    assert [(c.claim, c.supported) for c in (first, second)] == [("a", True), ("c", False)]
    assert first.evidence == ("Table: Bridges", "Name: Old; Year: 1932. Opened", "Two.", "Three.")
    assert first.group == second.group != ""


def test_a_large_file_is_drawn_from_the_same_way_each_time(tmp_path: Path) -> None:
    rows = [support(str(i)) for i in range(SUPPORT_CAP + 50)]
    put(tmp_path / "support" / "many.jsonl.gz", rows)
    drawn = load_claims(tmp_path, ["support/many"], pairs=PAIRS).claims["support/many"]
    again = load_claims(tmp_path, ["support/many"], pairs=PAIRS).claims["support/many"]
    assert drawn == again
    assert len(drawn) == SUPPORT_CAP
    places = [int(c.claim) for c in drawn]
    assert places == sorted(set(places))
    assert max(places) > SUPPORT_CAP  # not just the first ones
    few = load_claims(tmp_path, ["support/many"], pairs=PAIRS, limit=7).claims["support/many"]
    assert len(few) == 7
    more = load_claims(tmp_path, ["support/many"], pairs=PAIRS, limit=340).claims["support/many"]
    assert len(more) == 340


def test_what_is_missing_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    put(tmp_path / "wice" / "claim_dev.jsonl", [wice("supported")])
    put(tmp_path / "support" / "trained.jsonl.gz", [support("a", "train")])
    pairs = tmp_path / "none.jsonl"
    loaded = load_claims(tmp_path, pairs=pairs)
    assert list(loaded.claims) == ["wice"]
    assert [line.partition(":")[0] for line in loaded.skipped] == [
        "attributionbench", "minimal_pairs", "support/trained",
    ]  # fmt: skip
    assert str(pairs) in loaded.skipped[1]


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"No labelled claims under .*--data") as caught:
        load_claims(tmp_path, ["wice", "support"], pairs=PAIRS)
    assert caught.value.exit_code == 2
    with pytest.raises(InputError, match=r"none' is no folder\. Give --data"):
        load_claims(tmp_path / "none", ["minimal_pairs"], pairs=PAIRS)


@pytest.mark.parametrize("name", ["nli", "support/../wice", "support/a.b", ""])
def test_an_unknown_set_is_told_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"no set .*wice, attributionbench, minimal_pairs"):
        load_claims(tmp_path, [name], pairs=PAIRS)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (wice("maybe"), "the label is 'maybe'"),
        (wice("supported") | {"evidence": "text"}, "the evidence is not a list"),
        (wice("supported") | {"evidence": []}, "the evidence is not a list"),
        (wice("supported") | {"claim": 3}, "TypeError"),
        ({"label": "supported"}, "KeyError: 'evidence'"),
        ([1], "TypeError"),
    ],
)
def test_a_broken_row_is_named_by_its_line(tmp_path: Path, row: Any, told: str) -> None:
    put(tmp_path / "wice" / "claim_dev.jsonl", [wice("supported"), row])
    with pytest.raises(EvaluationError, match="Line 2 of ") as caught:
        load_claims(tmp_path, ["wice"], pairs=PAIRS)
    assert told in str(caught.value)


def test_a_damaged_archive_is_an_error(tmp_path: Path) -> None:
    path = put(tmp_path / "support" / "cut.jsonl.gz", [support("a" * 5000)])
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(EvaluationError, match="cannot be read"):
        load_claims(tmp_path, ["support/cut"], pairs=PAIRS)
    path.write_bytes(b"not gzip")
    with pytest.raises(EvaluationError, match="Get the file again"):
        load_claims(tmp_path, ["support/cut"], pairs=PAIRS)


def test_the_minimal_pairs_are_what_they_say() -> None:
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    kinds = collections.Counter(row["kind"] for row in rows)
    assert set(kinds) == {
        "number", "date", "name", "unit", "negation", "direction", "role", "verbatim", "reworded",
    }  # fmt: skip
    assert kinds["verbatim"] >= 150 <= kinds["reworded"]
    assert min(kinds.values()) >= 45
    assert len({row["id"] for row in rows}) == len(rows)
    changed = [row for row in rows if row["label"] == "contradicted"]
    assert len(changed) >= 450
    assert {row["kind"] for row in rows if row["label"] == "supported"} == {"verbatim", "reworded"}
    for row in rows:
        assert 5 <= len(row["evidence"]) <= 10
        assert (row["claim"] in row["evidence"]) == (row["kind"] == "verbatim"), row["id"]


def test_the_minimal_pairs_load(tmp_path: Path) -> None:
    claims = load_claims(tmp_path, ["minimal_pairs"], pairs=PAIRS).claims["minimal_pairs"]
    assert {c.supported for c in claims if c.source == "minimal_pairs/number"} == {False}
    assert {c.supported for c in claims if c.source == "minimal_pairs/reworded"} == {True}
    assert len({c.group for c in claims}) > 100
