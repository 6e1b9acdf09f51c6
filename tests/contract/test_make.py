"""The Makefile says what it can do, in words; the workflow of CI runs what it names."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import pytest

from tests.support.make import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
TARGETS = [name for line in re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.M) for name in line.split()]


@pytest.fixture(scope="module")
def shown():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_help_has_a_sentence_for_every_target(shown):
    lines = dict(re.fullmatch(r"  ([a-z-]+) +(.*)", line).groups() for line in shown if line.startswith("  "))
    assert list(lines) == TARGETS
    assert [name for name, text in lines.items() if not re.fullmatch(r"[A-Z].*\.", text)] == []
    assert max(map(len, shown)) <= 110


def test_help_is_grouped(shown):
    headings = [line for line in shown if line and not line.startswith(" ")]
    assert headings == ["Use", "Check a change", "Check more deeply", "Measure", "Release", "Upkeep"]


def test_targets_are_those_that_are_declared():
    assert set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M)) == set(TARGETS)


def test_what_tests_do_without_is_not_installed_for_them():
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    dev = {re.match(r"[\w.-]+", line)[0] for line in extras["dev"]}
    assert dev & {"pyod", "mkdocs-material", "mkdocstrings", "cosmic-ray"} == set()
    stamps = re.search(r"^(.*): \$\(BIN\)/\.%: ", MAKEFILE, re.M)[1]
    assert set(re.findall(r"\.(\w+)", stamps)) == {"docs", "bench", "mutants"} <= set(extras)


def test_ci_runs_everything_once_and_the_tests_on_each_python():
    assert WORKFLOW.count("- run: .ci/run\n") == 1 and (ROOT / ".ci" / "run").stat().st_mode & 0o111
    versions = re.search(r"python: \[(.*?)\]", WORKFLOW)[1]
    least = re.search(r'requires-python = ">=(.*?)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    assert versions.split(", ")[0] == f'"{least}"'
