"""The gate: its file, its thresholds, and what it takes for a regression."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewise.errors import EvaluationError
from citewise.eval_baseline import baseline_of
from citewise.eval_gate import Gate, GateCheck, check_gate, describe_gate, load_gate
from citewise.eval_gate_file import Regression, Threshold
from citewise.eval_metrics import METRICS
from eval_record_double import question, record

PROJECT_GATE = Path(__file__).parents[1] / "evals" / "gate.toml"
CORRECT = Gate((), Regression(("correct",), ()))


def gate_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    return path


def run_of(outcomes: list[str], **changed: Any) -> dict[str, Any]:
    """A run over as many questions, called q000 and so on, of a whole set."""
    asked = [question(f"q{i:03}", "prose", outcome) for i, outcome in enumerate(outcomes)]
    whole = {"file": "set.jsonl", "sha256": "a" * 64, "questions": len(asked), "asked": len(asked)}
    return record(*asked, **{"set": whole, **changed})


def run_with_right(right: list[bool]) -> dict[str, Any]:
    return run_of(["answered_correctly" if ok else "answered_wrongly" for ok in right])


def only_check(
    run: dict[str, Any], gate: Gate, baseline: dict[str, Any] | None = None
) -> GateCheck:
    (check,) = check_gate(run, gate, baseline).checks
    return check


def change(size: int, lost: int, gained: int, gate: Gate = CORRECT) -> GateCheck:
    """One check, of a run that lost and gained so many of the baseline's right answers."""
    half = size // 2
    old = [i < half for i in range(size)]
    new = [(lost <= i < half) or (half <= i < half + gained) for i in range(size)]
    return only_check(run_with_right(new), gate, baseline_of(run_with_right(old)))


class TestFile:
    def test_all_tables(self, tmp_path: Path) -> None:
        path = gate_file(
            tmp_path,
            """
            [minimum]
            correct = 0.6
            "retrieval_recall@8" = 1
            questions = 50
            [minimum.kind.cell]
            correct = 0.5
            [maximum]
            unscored = 0
            [maximum.kind."a b"]
            answered_wrongly = 0.1
            [regression]
            measures = ["correct", "mrr"]
            counts = ["ungrounded_sentences"]
            confidence = 0.9
            least_drop = 0.01
            """,
        )
        assert load_gate(path) == Gate(
            (
                Threshold("minimum", "correct", 0.6),
                Threshold("minimum", "retrieval_recall@8", 1),
                Threshold("minimum", "questions", 50),
                Threshold("minimum", "correct", 0.5, "cell"),
                Threshold("maximum", "unscored", 0),
                Threshold("maximum", "answered_wrongly", 0.1, "a b"),
            ),
            Regression(("correct", "mrr"), ("ungrounded_sentences",), 0.9, 0.01),
        )

    def test_defaults_of_a_regression(self, tmp_path: Path) -> None:
        path = gate_file(tmp_path, '[regression]\nmeasures = ["right", "right"]')
        assert load_gate(path) == Gate((), Regression(("right",), (), 0.95, 0.0))

    def test_the_project_s_own(self) -> None:
        gate = load_gate(PROJECT_GATE)
        floors = {(t.kind, t.name): t.limit for t in gate.thresholds if t.kind}
        assert floors == {("follow_up", "correct"): 0.5}
        limits = {(t.bound, t.name): t.limit for t in gate.thresholds if not t.kind}
        assert limits == {
            ("minimum", "correct"): 0.62,
            ("minimum", "refused_rightly"): 0.78,
            ("minimum", "exact"): 1.0,
            ("minimum", "holds_gold"): 0.80,
            ("minimum", "retrieval_recall@8"): 0.80,
            ("maximum", "inexact_citations"): 0,
            ("maximum", "unsupported_sentences"): 0,
            ("maximum", "unscored"): 0,
        }
        assert gate.regression is not None
        assert set(METRICS) - set(gate.regression.measures) == {"exact", "quoted_correctly"}
        assert gate.regression.counts == ("ungrounded_sentences", "with_notices")
        assert (gate.regression.confidence, gate.regression.least_drop) == (0.95, 0.0)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "demands nothing"),
            ("[minimum]\n[maximum.kind.cell]", "demands nothing"),
            ("[minimum]\ncorect = 0.9", "'corect' is not a measure or count, in [minimum]"),
            ("[minimum]\ncorect = 0.9", "The nearest is 'correct'"),
            ("[minimum.kind.cell]\nmmr = 0.9", "in [minimum.kind.cell]. The nearest is 'mrr'"),
            (
                "[minimums]\ncorrect = 0.9",
                "'minimums' is not a table of a gate. The nearest is 'min",
            ),
            ("[minimum]\ncorrect = 62", "[minimum]: correct is 62. Give a share from 0 to 1"),
            ("[minimum]\ncorrect = -0.1", "correct is -0.1. Give a share"),
            ("[minimum]\ncorrect = nan", "correct is nan. Give a number"),
            ("[minimum]\ncorrect = true", "correct is True. Give a number"),
            ('[minimum]\ncorrect = "0.9"', "correct is '0.9'. Give a number"),
            ("[minimum]\nmrr = inf", "mrr is inf. Give a number"),
            ("[maximum]\nunscored = 0.5", "unscored is 0.5. Give a whole number"),
            ("[maximum]\nunscored = -1", "unscored is -1. Give a whole number"),
            ("[maximum]\ncorrect = 0.9", "more of correct is better. Put correct under [minimum]"),
            ("[minimum]\nunscored = 1", "less of unscored is better. Put unscored under [maximum]"),
            ("[minimum]\nanswered_wrongly = 0.1", "Put answered_wrongly under [maximum]"),
            ("minimum = 0.9", "[minimum]: is 0.9. Make it a table"),
            ("[minimum]\nkind = 1", "[minimum.kind]: is 1. Make it a table"),
            ("[minimum.kind]\ncell = 1", "[minimum.kind.cell]: is 1. Make it a table"),
            ("[regression]\nconfidence = 0.9", "[regression]: compares nothing"),
            ("[regression]\nmeasures = []", "[regression]: compares nothing"),
            ('[regression]\nmeasures = "right"', "measures is 'right'. Give a list"),
            ('[regression]\nmeasures = ["corect"]', "The nearest is 'correct'"),
            ("[regression]\nmeasures = [[]]", "[] is not one of the measures"),
            ('[regression]\ncounts = ["citations"]', "'citations' is not one of the counts"),
            ('[regression]\ncounts = ["correct"]', "'correct' is not one of the counts"),
            (
                '[regression]\nmeasure = ["right"]',
                "not a key of [regression]. The nearest is 'meas",
            ),
            ('[regression]\nmeasures = ["right"]\nconfidence = 95', "confidence is 95. Give 0.5"),
            ('[regression]\nmeasures = ["right"]\nconfidence = 0.9999', "Give 0.5 to 0.999"),
            ('[regression]\nmeasures = ["right"]\nleast_drop = 2', "least_drop is 2. Give 0"),
            ("[minimum", "is not valid TOML"),
            ("[minimum]\ncorrect = 1\ncorrect = 0", "is not valid TOML"),
        ],
    )
    def test_mistakes(self, tmp_path: Path, text: str, said: str) -> None:
        path = gate_file(tmp_path, text)
        with pytest.raises(EvaluationError) as caught:
            load_gate(path)
        assert said in str(caught.value)
        assert str(path) in str(caught.value)

    def test_missing_or_not_utf_8(self, tmp_path: Path) -> None:
        with pytest.raises(EvaluationError, match=r"gone\.toml cannot be read: No such file"):
            load_gate(tmp_path / "gone.toml")
        (tmp_path / "latin.toml").write_bytes(b"# \xe9")
        with pytest.raises(EvaluationError, match="is not valid TOML"):
            load_gate(tmp_path / "latin.toml")


class TestThresholds:
    RUN = run_of(["answered_correctly"] * 3 + ["answered_wrongly"])

    @pytest.mark.parametrize(
        ("demand", "reached", "passed"),
        [
            (Threshold("minimum", "correct", 0.75), 0.75, True),
            (Threshold("minimum", "correct", 0.7501), 0.75, False),
            (Threshold("maximum", "answered_wrongly", 0.25), 0.25, True),
            (Threshold("maximum", "answered_wrongly", 0.2), 0.25, False),
            (Threshold("minimum", "questions", 4), 4, True),
            (Threshold("minimum", "questions", 5), 4, False),
            (Threshold("maximum", "unsupported_sentences", 0), 0, True),
            (Threshold("maximum", "citations", 3), 4, False),
            (Threshold("minimum", "correct", 0.75, "prose"), 0.75, True),
            (Threshold("minimum", "correct", 0.8, "prose"), 0.75, False),
        ],
    )
    def test_at_and_beside_the_limit(self, demand: Threshold, reached: float, passed: bool) -> None:
        result = check_gate(self.RUN, Gate((demand,)))
        (check,) = result.checks
        assert (check.demand, check.name, check.kind) == (demand.bound, demand.name, demand.kind)
        assert (check.limit, check.reached, check.n) == (demand.limit, reached, 4)
        assert check.passed is passed
        assert result.passed is passed
        assert result.failed == (() if passed else (check,))

    @pytest.mark.parametrize(
        "demand",
        [
            Threshold("minimum", "refused_rightly", 0.0),
            Threshold("minimum", "correct", 0.0, "cell"),
            Threshold("maximum", "unscored", 9, "cell"),
            Threshold("minimum", "holds_gold", 0.0),
        ],
    )
    def test_nothing_to_measure_it_on_is_failed(self, demand: Threshold) -> None:
        check = only_check(self.RUN, Gate((demand,)))
        assert (check.passed, check.reached) == (False, None)
        assert "nothing to measure it on" in check.message

    def test_faults_are_not_zero_where_no_question_was_scored(self) -> None:
        run = run_of(["unscored"] * 3)
        check = only_check(run, Gate((Threshold("maximum", "inexact_citations", 0),)))
        assert (check.passed, check.n) == (False, 0)
        check = only_check(run, Gate((Threshold("maximum", "unscored", 3),)))
        assert (check.passed, check.reached, check.n) == (True, 3, 3)

    def test_messages(self) -> None:
        gate = Gate((Threshold("minimum", "correct", 0.9, "prose"),))
        assert only_check(self.RUN, gate).message == (
            "correct of kind prose: 0.7500 over 4 questions, at least 0.9 demanded"
        )
        gate = Gate((Threshold("maximum", "citations", 3),))
        assert only_check(self.RUN, gate).message == (
            "citations: 4 over 4 questions, at most 3 demanded"
        )

    def test_a_result_without_checks_has_not_passed(self) -> None:
        assert not check_gate(self.RUN, Gate(())).passed


class TestRegression:
    @pytest.mark.parametrize(
        ("size", "lost", "gained", "passed"),
        [
            (62, 0, 0, True),
            (62, 1, 0, True),
            (62, 4, 0, True),
            (62, 5, 0, False),
            (62, 8, 0, False),
            (62, 6, 1, True),
            (62, 7, 1, False),
            (62, 9, 3, True),
            (62, 10, 3, False),
            (62, 8, 8, True),
            (62, 0, 8, True),
            (62, 17, 8, True),
            (62, 18, 8, False),
            (248, 4, 0, True),
            (248, 5, 0, False),
            (248, 10, 3, False),
            (4, 2, 0, True),
        ],
    )
    def test_what_is_told_from_noise(self, size: int, lost: int, gained: int, passed: bool) -> None:
        check = change(size, lost, gained)
        assert check.passed is passed
        assert check.n == size
        assert check.limit == pytest.approx((size // 2) / size)
        assert check.reached == pytest.approx((size // 2 - lost + gained) / size)

    def test_a_surer_gate_lets_more_pass(self) -> None:
        sure = Gate((), Regression(("correct",), (), confidence=0.99))
        assert change(62, 6, 0, sure).passed
        assert not change(62, 7, 0, sure).passed

    def test_a_real_but_tiny_drop_is_passed_over(self) -> None:
        at = Gate((), Regression(("correct",), (), least_drop=8 / 248))
        above = Gate((), Regression(("correct",), (), least_drop=9 / 248))
        assert not change(248, 8, 0, at).passed
        check = change(248, 8, 0, above)
        assert check.passed
        assert "(less than 0.0362903, passed over)" in check.message

    def test_more_of_a_bad_measure_is_worse(self) -> None:
        gate = Gate((), Regression(("answered_wrongly",), ()))
        assert not change(62, 8, 0, gate).passed
        assert change(62, 0, 8, gate).passed

    def test_thirds_are_equal_to_themselves(self) -> None:
        asked = [
            question(f"q{i}", "prose", "answered_correctly", scores={"mrr": 1 / 3, "right": 2 / 3})
            for i in range(62)
        ]
        run = run_of(["answered_correctly"])
        run["questions"] = asked
        gate = Gate((), Regression(("mrr", "right"), ()))
        result = check_gate(run, gate, baseline_of(run))
        assert [(c.passed, c.limit, c.reached) for c in result.checks] == [
            (True, pytest.approx(0.3333), pytest.approx(0.3333)),
            (True, pytest.approx(0.6667), pytest.approx(0.6667)),
        ]
        assert "worse" not in result.checks[0].message

    def test_counts_per_question(self) -> None:
        gate = Gate((), Regression((), ("ungrounded_sentences",)))
        old = run_with_right([True] * 62)
        new = copy.deepcopy(old)
        for q in new["questions"][:4]:
            q["counts"]["ungrounded_sentences"] = 3
        check = only_check(new, gate, baseline_of(old))
        assert (check.passed, check.limit, check.reached) == (True, 0, 12)
        new["questions"][4]["counts"]["ungrounded_sentences"] = 1
        check = only_check(new, gate, baseline_of(old))
        assert (check.passed, check.limit, check.reached) == (False, 0, 13)
        assert only_check(old, gate, baseline_of(new)).passed

    def test_notices(self) -> None:
        gate = Gate((), Regression((), ("with_notices",)))
        old = run_with_right([True] * 62)
        new = copy.deepcopy(old)
        for q in new["questions"][:5]:
            q["notices"] = ["No model took part."]
        assert only_check(new, gate, baseline_of(old)).reached == 5
        assert not only_check(new, gate, baseline_of(old)).passed

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("correct", "measures"),
            ("right", "measures"),
            ("answered_wrongly", "measures"),
            ("refused_wrongly", "measures"),
            ("ungrounded_sentences", "counts"),
            ("with_notices", "counts"),
            ("unscored", "counts"),
        ],
    )
    def test_unscored_is_never_better(self, name: str, kind: str) -> None:
        demand = Regression(
            (name,) if kind == "measures" else (), (name,) if kind == "counts" else ()
        )
        old = run_with_right([True] * 62)
        new = run_of(["unscored"] * 8 + ["answered_correctly"] * 54)
        check = only_check(new, Gate((), demand), baseline_of(old))
        assert (check.passed, check.n) == (False, 62)

    def test_a_question_back_from_an_error_makes_up_for_nothing(self) -> None:
        old = run_of(["unscored"] * 8 + ["answered_correctly"] * 54)
        new = run_of(["answered_correctly"] * 54 + ["answered_wrongly"] * 8)
        check = only_check(new, CORRECT, baseline_of(old))
        assert (check.passed, check.n, check.reached) == (False, 54, 46 / 54)

    def test_nothing_to_compare_is_failed(self) -> None:
        gate = Gate((), Regression(("refused_rightly", "holds_gold"), ()))
        run = run_with_right([True] * 62)
        checks = check_gate(run, gate, baseline_of(run)).checks
        assert [(c.passed, c.n, c.reached) for c in checks] == [(False, 0, None)] * 2
        assert checks[0].message == (
            "refused_rightly: no question has it both in the baseline and now"
        )

    def test_no_baseline_is_failed(self) -> None:
        check = only_check(run_with_right([True] * 62), CORRECT)
        assert (check.passed, check.limit) == (False, None)
        assert check.message == ("correct: there is no baseline to compare with; give --baseline")

    def test_the_message_tells_how_much_and_where(self) -> None:
        message = change(62, 8, 1).message
        assert message.startswith("correct: 0.5000 in the baseline, 0.3871 now, over 62 questions")
        assert "; -0.1129 a question, at 95 % no better than -0.0" in message
        assert message.endswith(
            "8 got worse, 1 better; worse: q000, q001, q002, q003, q004 and 3 more"
        )

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
    def test_only_a_lower_mean_can_fail(self, runs: list[tuple[bool, bool]]) -> None:
        old, new = (run_with_right([pair[i] for pair in runs]) for i in (0, 1))
        check = only_check(new, CORRECT, baseline_of(old))
        assert check.limit is not None
        assert check.reached is not None
        assert check.passed or check.reached < check.limit
        assert only_check(old, CORRECT, baseline_of(old)).passed


class TestRefusal:
    GATE = Gate((Threshold("minimum", "correct", 0.1),), Regression(("correct",), ()))

    @pytest.mark.parametrize("field", ["name", "sha256"])
    def test_another_judge(self, field: str) -> None:
        run = run_with_right([True] * 8)
        old = copy.deepcopy(baseline_of(run))
        old["judge"][field] = "another"
        with pytest.raises(EvaluationError) as caught:
            check_gate(run, self.GATE, old)
        assert f"graded by another judge: its {field} is 'another'" in str(caught.value)
        assert "--update-baseline on purpose" in str(caught.value)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("question", "Something else?"),
            ("history", ["Before?"]),
            ("facts", [["$1"]]),
            ("forbidden", ["$2"]),
            ("expected", "not_found"),
        ],
    )
    def test_a_question_that_asks_something_else(self, field: str, value: Any) -> None:
        run = run_with_right([True] * 8)
        new = copy.deepcopy(run)
        new["questions"][3][field] = value
        with pytest.raises(EvaluationError, match=r"1 ask something else now, such as q003\."):
            check_gate(new, self.GATE, baseline_of(run))

    def test_a_lost_question(self) -> None:
        baseline = baseline_of(run_with_right([True] * 8))
        run = run_with_right([True] * 7)
        with pytest.raises(EvaluationError, match=r"1 are no longer asked, such as q007\."):
            check_gate(run, self.GATE, baseline)
        run["set"]["questions"] = 8
        assert check_gate(run, self.GATE, baseline).checks[1].n == 7

    def test_a_new_question_is_no_fault(self) -> None:
        baseline = baseline_of(run_with_right([True] * 7))
        assert check_gate(run_with_right([True] * 8), self.GATE, baseline).checks[1].n == 7

    def test_no_question_in_both(self) -> None:
        run = run_with_right([True] * 8)
        baseline = baseline_of(run)
        baseline["questions"] = {"x": baseline["questions"]["q000"]}
        run["set"]["questions"] = 9
        with pytest.raises(EvaluationError, match="other questions: none is in both"):
            check_gate(run, self.GATE, baseline)

    def test_it_is_refused_even_if_only_thresholds_are_demanded(self) -> None:
        run = run_with_right([True] * 8)
        baseline = copy.deepcopy(baseline_of(run))
        baseline["judge"]["sha256"] = "c" * 64
        with pytest.raises(EvaluationError, match="another judge"):
            check_gate(run, replace(self.GATE, regression=None), baseline)


def test_describe_gate() -> None:
    run = run_with_right([True] * 3 + [False])
    gate = Gate(
        (Threshold("minimum", "correct", 0.9), Threshold("maximum", "unscored", 0, "a\x1b[31m")),
        Regression(("correct",), ("ungrounded_sentences",)),
    )
    assert describe_gate(check_gate(run, gate, baseline_of(run))).splitlines() == [
        "gate                       kind      demand   limit  reached  n",
        "correct                     all     minimum  0.9000   0.7500  4  FAILED",
        "unscored              a\\x1b[31m     maximum       0        –  0  FAILED",
        "correct                     all  regression  0.7500   0.7500  4  passed",
        "ungrounded_sentences        all  regression       0        0  4  passed",
        "",
        "Gate failed: correct: 0.7500 over 4 questions, at least 0.9 demanded.",
        "Gate failed: unscored of kind a\\x1b[31m: there is nothing to measure it on, "
        "and maximum 0 is demanded.",
    ]
    passed = check_gate(run, Gate((Threshold("minimum", "correct", 0.5),)))
    assert describe_gate(passed).endswith("\nGate passed: 1 of 1 checks met.")
