"""The capacity model by hand, and that its document says what it says."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "evals" / "scale"))

from figures import SEARCHES, Store, llm_options, part_ms, stores, work_of
from model import PASSAGES, RATES, cell, main, tables_of, written
from parameters import Parameters
from postgres_figures import bytes_needed, client_ms, meaning_ms, server_ms, words_ms

ROOT = Path(__file__).parents[1]
GIVEN = Parameters()
MEASURED = json.loads((ROOT / "evals" / "scale" / "measured.json").read_text("utf-8"))


def store(name: str) -> Store:
    return next(one for one in stores(GIVEN) if one.name == name)


def test_the_document_shows_the_tables_of_the_model() -> None:
    text = (ROOT / "docs" / "scale.md").read_text("utf-8")
    tables = tables_of(GIVEN)
    assert set(re.findall(r"<!-- table (.+?) -->", text)) == set(tables)
    assert written(text, tables) == text, "run: python evals/scale/model.py --write docs/scale.md"


def test_a_stale_table_would_be_seen() -> None:
    text = "<!-- table model -->\n| old |\n<!-- end -->\nkept"
    expected = "<!-- table model -->\n| new |\n<!-- end -->\nkept"
    assert written(text, {"model": "| new |"}) == expected


def test_what_is_measured_is_said_with_its_machine_and_load() -> None:
    for part in ("embedded", "postgres", "postgres_buffers", "stages", "llm"):
        machine = MEASURED[part]["machine"]
        assert machine["cores"] >= 1
        assert len(machine["load_average"]) == 3
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", machine["date"])


def test_bytes_of_a_passage_by_hand() -> None:
    rows = (ROOT / "evals" / "benchmarks" / "results.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in rows]
    (million,) = [r for r in found if r["what"] == "search" and r["passages"] == 10**6]
    embedded = store("embedded")
    assert embedded.near_disk == pytest.approx(million["size_mb"])
    # 104 bytes a vector while that fits the 1,024 MiB of the default, else 56; and the postings.
    mapped = million["memory_mb"]["mapped"]
    assert embedded.near_memory(10**7) == pytest.approx(104 + mapped)
    assert embedded.near_memory(10**8) == pytest.approx(56 + mapped)
    assert not embedded.behind_address
    # 384 numbers of 4 bytes and 32 links of 4 bytes, 1.84 times; all but vectors with the app.
    milvus = store("Milvus")
    assert milvus.memory(10**9) == pytest.approx(1.84 * (1536 + 128))
    assert milvus.near_memory(10**9) == pytest.approx(mapped)
    assert milvus.near_disk == pytest.approx(million["size_mb"] - 104)


def test_bytes_of_a_passage_in_postgresql_by_hand() -> None:
    sizes = MEASURED["postgres"]["sizes"]
    held = sizes[max(sizes, key=int)]["bytes_a_passage"]
    postgres = store("PostgreSQL")
    assert postgres.disk == pytest.approx(sum(held.values()))
    assert postgres.near_disk == 0
    unread = ("passages, rows", "spans, rows", "spans' vectors", "passages' vectors, rows")
    unread = (*unread, "documents", "hashes", "other")
    left = sum(size for name, size in held.items() if name.startswith(unread))
    assert postgres.memory(10**8) == bytes_needed() == pytest.approx(sum(held.values()) - left)
    # 384 numbers: of 4 bytes in passages' rows, of 2 in spans' rows and in the index.
    assert held["passages' vectors, rows (`vector`)"] > 384 * 4
    spans = sizes[max(sizes, key=int)]["spans_a_passage"]
    assert 384 * 2 * 0.7 < held["spans' vectors, rows (`halfvec`)"] / spans < 384 * 4
    assert 384 * 2 < held["passages' vectors, HNSW (`halfvec`)"] < 384 * 4


def test_times_go_on_as_they_grew() -> None:
    small, large = part_ms("dense", 10**5), part_ms("dense", 10**6)
    assert (small, large) == pytest.approx(((3.69 + 5.17) / 2, (8.23 + 11.47) / 2))
    assert part_ms("dense", 10**7) == pytest.approx(large * large / small)
    sizes = {int(size): row for size, row in MEASURED["postgres"]["sizes"].items()}
    assert len(sizes) >= 3
    for size, row in sizes.items():
        assert words_ms(size) == pytest.approx(row["by_words"]["mean"])
        assert meaning_ms(size) == pytest.approx(row["by_meaning"]["mean"])
    few, many = sorted(sizes)[-2:]
    for name, of in (("by_words", words_ms), ("by_meaning", meaning_ms)):
        fast, slow = (sizes[size][name]["mean"] for size in (few, many))
        # As many times more again take as many times longer again.
        assert of(many * many // few) == pytest.approx(slow * slow / fast, rel=1e-3)


def test_work_of_a_question_in_each_store_by_hand() -> None:
    n, stages = 10**5, MEASURED["stages"]
    mean = {name: found["mean"] for name, found in stages["cpu_ms"].items()}
    own = mean["read"] + mean["decide"] + mean["verify"] + mean["compose"] - mean["retrieve"]
    embedding = stages["embed_a_question"]["mean"]
    postgres = work_of(store("PostgreSQL"), n)
    assert postgres.store_seconds == pytest.approx(SEARCHES * server_ms(n) / 1e3)
    assert server_ms(n) == pytest.approx(MEASURED["postgres"]["sizes"]["100000"]["server"]["mean"])
    assert postgres.search_seconds == 0
    assert postgres.app_seconds == pytest.approx((2 * (embedding + client_ms()) + own) / 1e3)
    milvus, embedded = work_of(store("Milvus"), n), work_of(store("embedded"), n)
    near = part_ms("lexical", n) + part_ms("passages", n)
    assert milvus.search_seconds == pytest.approx(2 * (near + 0.5) / 1e3)
    assert embedded.search_seconds == pytest.approx(2 * (near + part_ms("dense", n)) / 1e3)
    assert milvus.store_seconds == pytest.approx(2 * meaning_ms(n) / 1e3)
    assert milvus.app_seconds == embedded.app_seconds


def test_servers_of_the_model_by_hand() -> None:
    # An A100 answers 75 * 6.6 / 128 requests a second, of 1,024 tokens in and 128 out.
    llm = MEASURED["llm"]
    read = llm["prompt_tokens"] + llm["draft_tokens_read"]
    assert read / 1024 > (llm["draft_tokens_written"] + 1) / 128
    a_minute = 60 * 75 * 6.6 / 128 / (read / 1024)
    options = {name: (count, price) for name, count, price in llm_options(1000, GIVEN)}
    count = math.ceil(1000 / 0.6 / a_minute)
    assert options["A100, 8B (published)"] == (count, pytest.approx(count * 1.844 * 730))
    assert options["H100, 8B (published)"][0] == max(2, math.ceil(1000 / 0.6 / a_minute / 2))
    assert {count for _, count, _ in llm_options(0.01, GIVEN)} == {2}


def test_memory_of_a_store_behind_an_address_by_hand() -> None:
    one = store("Milvus")
    found = cell(one, 10**8, 10, GIVEN)
    gib = 1e8 * 1.84 * 1664 * 1.25 / 2**30
    parts = math.ceil(gib / 256)
    size = math.ceil(gib / 8 / parts)
    assert found.store == f"{2 * parts} x {size * 2} cores, {size * 8} GiB"
    assert found.money["memory of the store"] == pytest.approx(2 * parts * size * 0.0816 * 730)
    assert found.disk_gb == pytest.approx(2 * 1e8 * (one.disk + one.near_disk) * 1.5 / 1e9)
    # Its app holds what is not in Milvus.
    units = math.ceil((1e8 * one.near_memory(10**8) * 1.25 / 2**30 + 1.5) / 8)
    assert found.app == f"2 x {units * 2} cores, {units * 8} GiB"


@pytest.mark.parametrize("name", [one.name for one in stores(GIVEN)])
def test_more_costs_more_and_money_adds_up(name: str) -> None:
    for rate in RATES:
        cells = [cell(store(name), n, rate, GIVEN) for n in PASSAGES]
        prices = [one.total for one in cells if one.money]
        assert prices == sorted(prices)
        assert len(set(prices)) == len(prices)
    for n in PASSAGES:
        cells = [one for rate in RATES if (one := cell(store(name), n, rate, GIVEN)).money]
        assert [one.total for one in cells] == sorted(one.total for one in cells)
        for one in cells:
            assert all(part >= 0 for part in one.money.values())
            most = max(one.money.items(), key=lambda part: part[1])
            assert one.bottleneck == f"{most[0]}, {most[1] / one.total:.0%}"


@pytest.mark.parametrize("name", ["embedded", "Milvus"])
def test_what_no_machine_holds_is_said(name: str) -> None:
    found = cell(store(name), 10**9, 10, GIVEN)
    assert found.app.startswith("no machine has")
    assert not found.money


def test_what_takes_too_long_is_said() -> None:
    seconds = server_ms(10**7) / 1e3
    slow = cell(store("PostgreSQL"), 10**7, 10, replace(GIVEN, longest_search=0.99 * seconds))
    assert slow.store == f"a search takes {seconds:,.1f} s"
    assert not slow.money
    patient = cell(store("PostgreSQL"), 10**7, 10, replace(GIVEN, longest_search=1.01 * seconds))
    assert patient.money


@pytest.mark.parametrize("name", [one.name for one in fields(Parameters)])
def test_every_parameter_changes_something(name: str) -> None:
    def cells(given: Parameters) -> list[float]:
        found = [
            cell(one, n, rate, given).total
            for one in stores(given)
            for n in (10**7, 10**8)
            for rate in RATES
        ]
        return found + [price for rate in RATES for *_, price in llm_options(rate, given)]

    # Every search of the model is shorter than it may be.
    factor = 0.01 if name == "longest_search" else 2
    other = replace(GIVEN, **{name: getattr(GIVEN, name) * factor})
    assert cells(other) != cells(GIVEN)


def test_parameters_can_be_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for price in ("0.0816", "1"):
        monkeypatch.setattr(sys, "argv", ["model.py", "--unit-hour", price])
        main()
        shown.append(capsys.readouterr().out)
    assert shown[0] == "\n\n".join(f"{n}\n\n{t}" for n, t in tables_of(GIVEN).items()) + "\n"
    dear = cell(store("Milvus"), 10**8, 10, replace(GIVEN, unit_hour=1.0))
    assert f"{dear.total:,.0f}" in shown[1]
    assert f"{dear.total:,.0f}" not in shown[0]
