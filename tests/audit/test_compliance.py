"""The page on compliance names tests that there are, and SECURITY.md says what a reporter needs."""

from __future__ import annotations

import re

import pytest

from tests.support.make import ROOT
from tests.support.named_tests import NAME, is_a_test

PAGE = (ROOT / "docs" / "compliance.md").read_text("utf-8")
POLICY = (ROOT / "SECURITY.md").read_text("utf-8")


def rows():
    """(first cell, all cells) of each row of the tables of requirements."""
    lines = [line.strip("| \n").split(" | ") for line in PAGE.splitlines() if line.startswith("|")]
    return [
        (cells[0], cells) for cells in lines if cells[0] not in ("clause", "point", "article") and "---" not in cells[0]
    ]


def test_every_test_that_is_named_exists():
    named = NAME.findall(PAGE)
    assert len(set(named)) >= 30
    assert [name for name in sorted(set(named)) if not is_a_test(name)] == []


def test_a_test_that_is_not_there_is_noticed():
    assert is_a_test("tests/audit/test_compliance.py::test_a_test_that_is_not_there_is_noticed")
    assert not is_a_test("tests/audit/test_compliance.py::test_of_another_name")
    assert not is_a_test("tests/audit/test_of_another_name.py") and not is_a_test("tests/support/named_tests.py")


def test_every_requirement_has_a_control_a_test_and_evidence_or_is_the_makers():
    assert len(rows()) >= 24
    for name, cells in rows():
        assert len(cells) == 6 or (cells[2].startswith("none") and len(cells) >= 4), name
        if not cells[2].startswith("none"):
            assert NAME.search(cells[3]) and cells[4].strip() and cells[5].strip(), f"{name}: no test or no evidence"


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("ETSI EN 303 645", ["5.2", "5.3", "5.7", "5.8", "5.11", "6"]),
        ("Cyber Resilience Act", [f"(2)({letter})" for letter in "abcdefghijklm"] + [f"({n})" for n in range(1, 9)]),
        ("GDPR", ["4(2)", "25(1)", "25(2)", "35"]),
    ],
)
def test_every_requirement_of_the_list_has_a_row(heading, names):
    text = re.split(r"^## ", PAGE, flags=re.M)
    (part,) = [each for each in text if each.startswith(heading)]
    firsts = ", ".join(line.strip("| ").split(" | ")[0] for line in part.splitlines() if line.startswith("| "))
    firsts = firsts.replace("(2)(h), (i)", "(2)(h), (2)(i)").replace("(2)(j), (k)", "(2)(j), (2)(k)")
    assert [name for name in names if not re.search(rf"(^|, ){re.escape(name)}(,|$)", firsts)] == []


def test_processing_in_memory_is_said_to_be_processing():
    for page in ("docs/compliance.md", "docs/privacy.md"):
        assert "Processing in memory is processing." in (ROOT / page).read_text("utf-8"), page
    assert "No conformity is claimed." in PAGE


def test_the_policy_says_what_a_reporter_needs():
    """A way to report, times, a support period, a scope, and what a maker adds; no address that is made up."""
    headings = re.findall(r"^## (.*)$", POLICY, re.M)
    for word in ("counts as a vulnerability", "report", "expect", "Support period", "maker"):
        assert any(word in heading for heading in headings), word
    assert "privately" in POLICY and re.search(r"within \d+ days", POLICY) and "12 months" in POLICY
    assert not re.search(r"\S+@\S+\.\w+|https?://", POLICY)
