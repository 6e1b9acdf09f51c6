"""`make mutants-python`: what counts as a change, and that a change is killed by the tests of its file or survives."""

from __future__ import annotations

import re

import pytest

from tests.support import mutants_python
from tests.support.mutants_python import Copy, Mutant

ORIGINAL = '''\
"""Sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

LIMIT: int | None = 3


def total(n: int | None, floor: int = 0) -> int | str:
    """Sum up to n."""
    found = 0
    while n > floor:
        found += n
        n -= 1
    return found
'''


@pytest.mark.parametrize(
    ("old", "new", "is_one"),
    [
        ("LIMIT: int | None", "LIMIT: int + None", False),
        ("n: int | None", "n: int & None", False),
        ("-> int | str", "-> int - str", False),
        ('"""Sum up to n."""', '"""Product."""', False),
        ("import numpy", "import scipy", False),
        ("found = 0", "found  =  0", False),
        ("found += n", "found += ", False),  # no Python
        ("LIMIT: int | None = 3", "LIMIT: int | None = 4", True),
        ("floor: int = 0", "floor: int = 1", True),
        ("n > floor", "n >= floor", True),
    ],
)
def test_what_is_a_change(old, new, is_one):
    assert ORIGINAL.count(old) == 1
    assert mutants_python.changes(ORIGINAL, ORIGINAL.replace(old, new)) is is_one


@pytest.fixture
def copy(tmp_path, monkeypatch):
    checkout = tmp_path / "checkout"
    (checkout / "sums").mkdir(parents=True)
    (checkout / ".venv").mkdir()
    (checkout / "sums" / "__init__.py").write_text(ORIGINAL)
    (checkout / "test_sums.py").write_text("import sums\ndef test(): assert sums.total(4) == 10\n")
    (checkout / "test_broken.py").write_text("def test(): assert False\n")
    (checkout / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setattr(Copy, "usual_seconds", {})
    return Copy(checkout, tmp_path / "copy")


def test_fates(copy, tmp_path, monkeypatch):
    """Changes of one length, one straight after the other: bytecode of the one before must not be run."""
    monkeypatch.setattr(mutants_python, "SECONDS", 2)
    monkeypatch.setattr(mutants_python, "TIMES", 1)
    for old, new, fate in (
        ("found += n", "found -= n", "killed"),
        ("= 3", "= 4", "survived"),
        ("n -= 1", "n *= 1", "killed"),  # never ends
        ("found += n", "found += m", "killed"),
    ):
        mutant = Mutant("sums/__init__.py", "any", ORIGINAL.replace(old, new))
        assert copy.judge(mutant, ["test_sums.py"]) == fate, (old, new)
    assert (tmp_path / "copy" / "sums" / "__init__.py").read_text() == ORIGINAL
    assert not (tmp_path / "copy" / ".venv").exists()


def test_a_mutant_that_cannot_be_imported_is_killed(copy, tmp_path):
    (tmp_path / "copy" / "conftest.py").write_text("import sums\n")
    mutant = Mutant("sums/__init__.py", "any", ORIGINAL.replace("= 3", "= 3 << 'x'"))
    assert copy.judge(mutant, ["test_sums.py"]) == "killed"


def test_tests_that_fail_without_a_mutant_judge_none(copy):
    mutant = Mutant("sums/__init__.py", "any", ORIGINAL.replace("= 3", "= 4"))
    with pytest.raises(SystemExit, match=r"without a mutant these tests fail: test_broken\.py"):
        copy.judge(mutant, ["test_broken.py"])
    with pytest.raises(SystemExit, match="no test was run: test_absent"):
        copy.judge(mutant, ["test_absent.py"])


def test_the_report_has_shares_and_survivors():
    path = "anomsdk/core/score.py"
    text = (mutants_python.ROOT / path).read_text(encoding="utf-8")
    number = text[: text.index("MAX_")].count("\n") + 1 if "MAX_" in text else 1
    line = text.splitlines()[number - 1]
    changed = Mutant(path, "any", text.replace(line, line + " + 1", 1))
    report = mutants_python.report([(changed, "killed")] * 3 + [(changed, "survived")])
    assert re.search(r"^anomsdk/core +4 +3 +1 +75\.0 % killed$", report, re.M)
    assert re.search(r"^all +4 +3 +1 +75\.0 % killed$", report, re.M)
    assert f"survived: {path}:{number}: {line.strip()}  =>  {line.strip()} + 1" in report


def test_files_are_those_named_or_the_rooms_that_matter():
    assert mutants_python.files_of(["anomsdk/core/fft.py"]) == ["anomsdk/core/fft.py"]
    everything = mutants_python.files_of([])
    assert {"anomsdk/core/fft.py", "anomsdk/planner/planner.py", "anomsdk/runtime/pipeline.py"} <= set(everything)
    with pytest.raises(SystemExit, match="there is no anomsdk/nothing"):
        mutants_python.files_of(["anomsdk/nothing"])
