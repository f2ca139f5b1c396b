"""Each test that ``docs/security.md`` names is there, and each bound it states is in use."""

from __future__ import annotations

import re
from pathlib import Path

from citewise.bounds import Bounds

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_it_names_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
    assert len(named) > 60
    missing = [
        f"{file}::{test}"
        for file, test in named
        if f"def {test}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_every_case_of_the_list_is_there() -> None:
    numbers = [int(n) for n in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert numbers == list(range(1, 35))


def test_every_bound_is_stated_with_its_default() -> None:
    for name in Bounds.__dataclass_fields__:
        row = re.search(rf"^\| `CITEWISE_{name.upper()}` \|[^|]+\| ([\d,]+)( MiB)? \|", PAGE, re.M)
        assert row is not None, name
        value = int(row[1].replace(",", "")) * (2**20 if row[2] else 1)
        assert value == getattr(Bounds(), name), name


def test_every_script_it_runs_exists() -> None:
    scripts = re.findall(r"^python (\S+\.py)", PAGE, re.MULTILINE)
    assert scripts
    assert all((ROOT / script).is_file() for script in scripts)
