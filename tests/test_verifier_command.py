"""``citewise eval verifier``: tables and JSON out of small sets, judges and rivals that run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import EvaluationError, InputError
from citewise.judging import judge_digest
from citewise.verifier_command import add_parser, run
from citewise.verifier_data import LabelledClaim
from citewise.verifier_judges import JUDGES

RIVALS = Path(__file__).parents[1] / "evals" / "rivals.py"
NO_PAIRS = ["--pairs", "nowhere.jsonl"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Forty claims: twenty verbatim, twenty with another year, from twenty documents."""
    rows = []
    for i in range(20):
        true = f"The bridge number {i} opened in {1900 + i}."
        evidence = [true, "It is long and grey.", f"Line {i} crosses it."]
        for claim, label in (
            (true, "supported"), (f"Bridge {i} opened in 1800.", "not_supported"),
        ):  # fmt: skip
            meta = {"claim_title": f"Bridge {i}"}
            rows.append({"label": label, "claim": claim, "evidence": evidence, "meta": meta})
    path = tmp_path / "data" / "wice" / "claim_dev.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path / "data"


def parsed(*args: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return parser.parse_args(["verifier", *args])


def measured(capsys: pytest.CaptureFixture[str], *args: str, **more: Any) -> dict[str, Any]:
    assert run(parsed(*args, *NO_PAIRS, "--json", "-"), **more) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_table_has_a_row_for_each_threshold(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = parsed("--data", str(data), *NO_PAIRS)
    assert args.run is run
    assert args.run(args) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("WiCE dev: 40 claims, 20 supported, 20 documents")
    assert lines[2].split() == [
        "JUDGE", "AUROC", "BALANCED", "ACCURACY", "MACRO-F1", "THRESHOLD", "ECE", "MS/CLAIM",
    ]  # fmt: skip
    assert lines[3].startswith("overlap   1.000 [1.000, 1.000]  1.000 [1.000, 1.000]")
    assert "other folds" in lines[3]
    assert lines[4].startswith("rules     1.000 [1.000, 1.000]")
    assert lines[5].split()[-3:] == ["0.50", "its", "own"]
    assert "HHEM-2.1 (0.1B) 75.9" in lines[-1]
    assert "test half, not this one" in lines[-1]
    assert "attributionbench: skipped" in err
    assert "rules on WiCE dev: 40 claims" in err


def test_the_json_holds_what_a_run_record_wants(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measured(capsys, "--data", str(data), "--judges", "rules")
    assert found["judge_sha256"] == judge_digest()
    assert found["agreement"] == {
        "rules": {"WiCE dev": {"auroc": 1.0, "balanced_accuracy": 1.0, "n": 40}}
    }
    (judge,) = found["sets"][0]["judges"]
    assert len(judge["scores"]) == 40
    assert judge["milliseconds"] > 0
    assert [r["chosen"] for r in judge["readings"]] == ["other folds", "its own"]
    assert [line.partition(":")[0] for line in found["skipped"]] == [
        "attributionbench", "minimal_pairs", "support/*",
    ]  # fmt: skip


def test_overlap_is_the_share_of_content_words() -> None:
    claims = [
        LabelledClaim("The bridge opened in 1932.", (evidence,), True, "", "", "")
        for evidence in ("A bridge was opened, 1932.", "Some bridge.", "Nothing here.")
    ]
    assert JUDGES["overlap"](claims) == pytest.approx([1, 1 / 3, 0])


def test_a_judge_can_be_plugged_in_with_its_threshold(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = []

    def upside_down(claims: Sequence[LabelledClaim]) -> list[float]:
        sizes.append(len(claims))
        return [0.2 if claim.supported else 0.6 for claim in claims]

    found = measured(
        capsys, "--data", str(data), judges={"upside": upside_down}, own={"upside": 0.5}
    )
    assert found["agreement"]["upside"]["WiCE dev"]["auroc"] == 0.0
    assert found["agreement"]["upside"]["WiCE dev"]["balanced_accuracy"] == 0.0
    assert found["sets"][0]["judges"][0]["ece"] == pytest.approx(0.7)
    assert sizes == [8] * 5


def test_parts_of_a_set_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = tmp_path / "pairs.jsonl"
    rows = [
        {"claim": f"A {i} b.", "evidence": ["A 1 b."], "kind": kind, "document": str(i),
         "label": "supported" if kind == "verbatim" else "contradicted"}
        for i, kind in enumerate(["verbatim", "number", "number", "verbatim"])
    ]  # fmt: skip
    pairs.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def accepts(claims: Sequence[LabelledClaim]) -> list[float]:
        return [1.0] * len(claims)

    args = parsed("--data", str(tmp_path), "--sets", "minimal_pairs", "--pairs", str(pairs))
    assert run(args, {"all": accepts}, {"all": 0.5}) == 0
    assert "all, right at its own: number 0/2, verbatim 2/2" in capsys.readouterr().out


def test_the_json_file_is_as_on_stdout_and_tried_first(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.json"
    assert run(parsed("--data", str(data), *NO_PAIRS, "--json", str(target))) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["sets"][0]["claims"] == 40
    assert capsys.readouterr().out.startswith("WiCE dev")

    def never(_: Sequence[LabelledClaim]) -> list[float]:
        raise AssertionError("asked before the output was tried")

    with pytest.raises(InputError, match="cannot be written"):
        run(parsed("--data", str(data), *NO_PAIRS, "--json", str(tmp_path)), {"no": never}, {})


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--judges", "rules,oracle"], r"no judge 'oracle'.*overlap, rules"),
        (["--sets", "wice,nli"], "no set 'nli'"),
        (["--rivals", "anchorcite"], "--rivals-python"),
        (["--rivals", "x", "--rivals-python", "python", "--rivals-file", "no.py"], "'no.py'"),
        (["--rivals", "x", "--rivals-python", "p", "--rivals-file", str(RIVALS)], "no rival 'x'"),
        (["--json", "no/such/folder/out.json"], "cannot be written"),
    ],
)
def test_what_cannot_be_used_is_an_input_error(data: Path, args: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        run(parsed("--data", str(data), *NO_PAIRS, *args))


def test_a_limit_is_a_number_of_claims(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(capsys, "--data", str(data), "--limit", "6")["sets"][0]["claims"] == 6
    with pytest.raises(SystemExit):
        parsed("--data", str(data), "--limit", "0")
    assert "'0' is not a whole number of 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("scores", [[0.5], [float("nan")] * 8])
def test_a_judge_that_gives_no_score_is_an_error(data: Path, scores: list[float]) -> None:
    with pytest.raises(EvaluationError, match=r"judge 'bad' gave .* for 8 claims"):
        run(parsed("--data", str(data), *NO_PAIRS), {"bad": lambda _: scores}, {})


def rival_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> list[str]:
    """A package in the place of faithgate's, found by another Python; the options to run it."""
    home = tmp_path / "site"
    (home / "faithgate" / "score").mkdir(parents=True)
    (home / "faithgate-9.1.dist-info").mkdir()
    (home / "faithgate-9.1.dist-info" / "METADATA").write_text("Name: faithgate\nVersion: 9.1\n")
    (home / "faithgate" / "score" / "scorer.py").write_text(
        "from collections import namedtuple\nSample = namedtuple('Sample', 'q answer contexts')\n"
    )
    (home / "faithgate" / "score" / "judges.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(home))
    return ["--rivals", "faithgate", "--rivals-python", sys.executable, "--rivals-file",
            str(RIVALS)]  # fmt: skip


SCORER = """
from types import SimpleNamespace
class Scorer:
    async def ascore(self, sample):
        print("progress that must not reach the protocol")
        if "number 19" in sample.answer and {broken}:
            raise RuntimeError("out of tokens")
        return SimpleNamespace(score=float(sample.answer in sample.contexts))
def make_scorer(name):
    assert name == "heuristic"
    return Scorer(), None
"""


def test_a_rival_runs_in_a_python_of_its_own(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    options = rival_double(tmp_path, monkeypatch, SCORER.format(broken=False))
    assert run(parsed("--data", str(data), *NO_PAIRS, "--judges", "overlap", *options)) == 0
    out, err = capfd.readouterr()
    assert "faithgate 9.1  1.000 [1.000, 1.000]" in out
    assert "0.50 its own" in out
    assert "progress that must not" not in out
    assert "progress that must not" in err


def test_a_rival_that_fails_says_why(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = rival_double(tmp_path, monkeypatch, SCORER.format(broken=True))
    with pytest.raises(EvaluationError, match=r"faithgate: RuntimeError: out of tokens\. Leave"):
        run(parsed("--data", str(data), *NO_PAIRS, *options))
    (tmp_path / "site" / "faithgate" / "score" / "judges.py").write_text("import no_such_module")
    with pytest.raises(EvaluationError, match="No module named 'no_such_module'"):
        run(parsed("--data", str(data), *NO_PAIRS, *options))
    options[3] = str(tmp_path / "nothing")
    with pytest.raises(EvaluationError, match="cannot be started"):
        run(parsed("--data", str(data), *NO_PAIRS, *options))
