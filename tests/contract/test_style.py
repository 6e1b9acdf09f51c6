"""Lint and types are part of the tests."""

import ast
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.support.make import ROOT


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]])
def test_the_code_is_clean(command):
    if command == ["mypy"] and np.__version__ >= "2":
        pytest.skip("types are checked against the stubs of numpy 1.26")
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("claim", ["too coarse to carry speech", "too coarse for speech", "outlives the window"])
def test_what_was_measured_otherwise_is_claimed_nowhere(claim):
    """From 16 bands every 256 ms 61 % of known phrases were told apart; features live for a context, not for a window."""
    kinds = {".py", ".md", ".toml", ".h", ".c", ".in", ".yml"}
    places = ["README.md", "CHANGELOG.md", "mkdocs.yml", "pyproject.toml"]
    places += ["anomsdk", "docs", "firmware_port", "reference_models", "benchmarks"]
    files = [f for place in places for f in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*"))]
    read = [f for f in files if f.is_file() and f.suffix in kinds]
    assert len(read) > 200
    assert [f.name for f in read if claim in " ".join(f.read_text(encoding="utf-8").split())] == []


PROSE = ["README.md", "CHANGELOG.md", "docs", "reference_models"]
SCRIPTS = ["benchmarks", "docs/hooks", "reference_models"]
ROOMS = [f"anomsdk/{path.name}" for path in sorted((ROOT / "anomsdk").glob("[a-z]*")) if path.name != "core"]
"""All but core, whose docstrings are those of its C twins."""
DECODED = r"\b(so many|this much|as they were|as it was|those of them|what is other)\b"
"""Words that a reader must decode: say the parameter, its unit and its range."""
OPENERS = (
    *("Of", "What", "Those", "How", "Whether", "As", "Which", "Where", "When", "So", "Such"),
    *("It", "They", "That", "This", "These", "One that", "All of", "The same"),
)
"""First words of a docstring that does not stand alone in a list."""


def below(places, suffix):
    return [
        f for place in places for f in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob(suffix))
    ]


def test_pages_say_quantities_in_full():
    pages = below(PROSE, "*.md")
    assert len(pages) > 20
    found = [(page.name, hit[0]) for page in pages for hit in re.finditer(DECODED, page.read_text("utf-8"), re.I)]
    assert found == []


def docstrings(source):
    """Yield all docstrings of a module: of the module, its classes and functions, constants and attributes."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for item in body if isinstance(body, list) else []:
            if (
                isinstance(item, ast.Expr)
                and isinstance(item.value, ast.Constant)
                and isinstance(item.value.value, str)
            ):
                yield item.value.value


def must_be_decoded(text):
    return re.match(rf"\s*({'|'.join(OPENERS)})\b", text) is not None or re.search(DECODED, text, re.I) is not None


@pytest.mark.parametrize("places", [["anomsdk"], SCRIPTS], ids=["package", "scripts"])
def test_docstrings_stand_alone(places):
    read = [(path, text) for path in below(places, "*.py") for text in docstrings(path.read_text("utf-8"))]
    assert len(read) > (2000 if places == ["anomsdk"] else 20)
    assert [(str(path.relative_to(ROOT)), text.splitlines()[0]) for path, text in read if must_be_decoded(text)] == []


@pytest.mark.parametrize(
    "source",
    [
        '"""What is read."""',
        'def f():\n    """Whether it is."""',
        'class C:\n    x: int\n    """How many there are."""',
        'LIMIT = 3\n"""The same in hops."""',
        'def f():\n    async def g():\n        """Keep so many."""',
    ],
)
def test_a_docstring_that_must_be_decoded_is_found_wherever_it_stands(source):
    assert [must_be_decoded(text) for text in docstrings(source)] == [True]
