"""Two runs side by side, and the statistics that the gate and the comparison share."""

from __future__ import annotations

import copy
from math import comb
from typing import Any

import numpy as np
import pytest

from citewise.errors import EvaluationError
from citewise.eval_compare import Comparison, Difference, compare_runs, describe_comparison
from citewise.eval_metrics import METRICS
from citewise.eval_paired import FAULTS, is_drop, margins
from eval_record_double import question, record

RIGHT, WRONG = "answered_correctly", "answered_wrongly"


def run_of(outcomes: list[str]) -> dict[str, Any]:
    return record(*(question(f"q{i:03}", "prose", o) for i, o in enumerate(outcomes)))


def difference(comparison: Comparison, name: str) -> Difference:
    (found,) = (d for d in comparison.differences if d.name == name)
    return found


def gains(size: int, *changed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([*changed, *[0] * (size - len(changed))], dtype=np.int64)


class TestNoise:
    def test_the_sign_test_decides_on_right_and_wrong(self) -> None:
        for lost in range(1, 12):
            for gained in range(lost):
                n = lost + gained
                luck = sum(comb(n, k) for k in range(gained + 1)) / 2**n
                if abs(luck - 0.05) < 0.004:
                    continue  # more than 13 changes are drawn, not enumerated
                found = is_drop(gains(248, *[-10_000] * lost, *[10_000] * gained), 0.95)
                assert found is (luck <= 0.05), (lost, gained)

    def test_the_size_of_changes_counts(self) -> None:
        assert is_drop(gains(62, *[-10_000] * 8, *[500] * 10), 0.95)
        assert not is_drop(gains(62, *[-500] * 10, *[10_000] * 8), 0.95)
        # One large loss against few small gains is still one question.
        assert not is_drop(gains(62, -10_000, 10, 10), 0.95)

    def test_margins_against_a_plain_bootstrap(self) -> None:
        chance = np.random.default_rng(1)
        values = np.rint(chance.normal(-1000, 4000, 120)).astype(np.int64)
        draws = chance.choice(values, size=(40_000, len(values))).mean(axis=1)
        expected = np.quantile(draws / 10_000, [0.05, 0.95])
        assert margins(values, 0.95) == (
            pytest.approx(expected[0], abs=0.002),
            pytest.approx(expected[1], abs=0.002),
        )

    def test_margins_of_few_changes_reach_zero(self) -> None:
        assert margins(gains(62, -10_000), 0.95) == (pytest.approx(-3 / 62), 0.0)
        assert margins(gains(62, *[-10_000] * 3), 0.95)[1] == pytest.approx(-1 / 62)
        assert not is_drop(gains(62, *[-10_000] * 3), 0.95)

    def test_nothing(self) -> None:
        assert margins(gains(0), 0.95) == (0.0, 0.0)
        assert not is_drop(gains(0), 0.95)
        assert margins(gains(5), 0.95) == (0.0, 0.0)
        assert not is_drop(gains(5), 0.95)


class TestCompareRuns:
    def test_values_and_interval(self) -> None:
        a, b = (
            run_of([RIGHT] * 30 + [WRONG] * 18),
            run_of([WRONG] * 8 + [RIGHT] * 22 + [WRONG] * 18),
        )
        comparison = compare_runs(a, b, ("old", "new"))
        assert comparison.names == ("old", "new")
        assert [d.name for d in comparison.differences] == [*METRICS, *FAULTS]
        found = difference(comparison, "correct")
        assert (found.n, found.verdict, found.real) == (48, "a", True)
        assert found.a == 30 / 48
        assert found.b == 22 / 48
        assert found.change == pytest.approx(-8 / 48)
        assert found.low == pytest.approx(-13 / 48, abs=0.022)
        assert found.high == pytest.approx(-3.5 / 48, abs=0.022)
        wrong = difference(comparison, "answered_wrongly")
        assert (wrong.change, wrong.verdict) == (pytest.approx(8 / 48), "a")
        assert wrong.low is not None
        assert found.high == pytest.approx(-wrong.low)

    def test_the_other_way_round(self) -> None:
        a, b = run_of([RIGHT] * 30), run_of([WRONG] * 8 + [RIGHT] * 22)
        there, back = compare_runs(a, b, "ab"), compare_runs(b, a, "ba")
        assert difference(back, "correct").verdict == "b"
        assert difference(back, "correct").change == -difference(there, "correct").change  # type: ignore[operator]
        assert back.only_b == tuple(type(c)(c.id, c.b, c.a) for c in there.only_a)

    @pytest.mark.parametrize(("lost", "verdict"), [(0, ""), (5, ""), (6, "a")])
    def test_what_is_real_on_two_sides(self, lost: int, verdict: str) -> None:
        a, b = run_of([RIGHT] * 62), run_of([WRONG] * lost + [RIGHT] * (62 - lost))
        assert difference(compare_runs(a, b, "ab"), "correct").verdict == verdict

    def test_counts_are_totals(self) -> None:
        a = run_of([RIGHT] * 20)
        b = copy.deepcopy(a)
        for q in b["questions"][:6]:
            q["counts"]["ungrounded_sentences"] = 2
        found = difference(compare_runs(a, b, "ab"), "ungrounded_sentences")
        assert (found.a, found.b, found.change, found.verdict) == (0, 12, pytest.approx(12), "a")
        assert found.low == pytest.approx(4, abs=2.1)
        assert found.high == pytest.approx(20, abs=2.1)

    def test_a_measure_that_neither_has(self) -> None:
        run = run_of([RIGHT])
        expected = Difference("refused_rightly", None, None, None, None, None, 0, "")
        assert difference(compare_runs(run, run, "ab"), "refused_rightly") == expected

    def test_questions_that_differ(self) -> None:
        a = run_of([RIGHT, WRONG, RIGHT, WRONG, "refused_wrongly", RIGHT])
        b = run_of([WRONG, RIGHT, "quoted_correctly", "refused_wrongly", RIGHT, "unscored"])
        comparison = compare_runs(a, b, "ab")
        assert [(c.id, c.a, c.b) for c in comparison.only_a] == [
            ("q000", RIGHT, WRONG),
            ("q005", RIGHT, "unscored"),
        ]
        assert [c.id for c in comparison.only_b] == ["q001", "q004"]
        assert [c.id for c in comparison.neither] == ["q002", "q003"]

    def test_unscored_is_the_worst_in_either_run(self) -> None:
        whole, broken = run_of([RIGHT] * 20), run_of(["unscored"] * 8 + [RIGHT] * 12)
        for a, b, worse in ((whole, broken, "b"), (broken, whole, "a")):
            comparison = compare_runs(a, b, "ab")
            for name in ("correct", "answered_wrongly", "unscored", "ungrounded_sentences"):
                found = difference(comparison, name)
                assert (found.n, found.verdict) == (20, "a" if worse == "b" else "b"), name

    def test_other_sets_and_judges(self) -> None:
        a = run_of([RIGHT] * 4)
        b = copy.deepcopy(a)
        b["set"]["sha256"] = "f" * 64
        with pytest.raises(EvaluationError, match="'x' and 'y' used different question sets"):
            compare_runs(a, b, ("x", "y"))
        b = copy.deepcopy(a)
        b["judge"]["sha256"] = "f" * 64
        with pytest.raises(EvaluationError, match="run 'x' was graded by another judge"):
            compare_runs(a, b, ("x", "y"))
        with pytest.raises(EvaluationError, match="Only one of the runs 'x' and 'y' asked 'q003'"):
            compare_runs(a, run_of([RIGHT] * 3), ("x", "y"))


class TestDescribe:
    def test_table_and_questions(self) -> None:
        a, b = run_of([RIGHT] * 30 + [WRONG]), run_of([WRONG] * 8 + [RIGHT] * 23)
        lines = describe_comparison(compare_runs(a, b, ("small", "big\x1b"))).splitlines()
        rows = {line.split()[0]: line.split() for line in lines[1:] if line}
        head = "measure in %, or count small big\\x1b change 95 % n really better"
        assert " ".join(lines[0].split()) == head
        assert rows["correct"][1:4] == ["96.8", "74.2", "-22.6"]
        assert rows["correct"][-2:] == ["31", "small"]
        assert rows["answered_wrongly"][1:4] == ["3.2", "25.8", "+22.6"]
        assert rows["refused_rightly"] == ["refused_rightly", "–", "–", "–", "–", "0"]
        assert rows["unscored"] == ["unscored", "0", "0", "+0", "+0", "to", "+0", "31"]
        assert "Right only with small (8):" in lines
        assert f"  q007: {RIGHT} -> {WRONG}" in lines
        assert lines[-2:] == ["Right only with big\\x1b (1):", f"  q030: {WRONG} -> {RIGHT}"]

    def test_equal_runs(self) -> None:
        run = run_of([RIGHT] * 5)
        text = describe_comparison(compare_runs(run, run, ("same", "same")))
        assert text.endswith("\n\nEvery question came out the same.")
        assert text.splitlines()[0].split()[5:9] == ["same", "(a)", "same", "(b)"]
