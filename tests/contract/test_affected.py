"""`make quick` runs the tests of what changed: every file has a row of the table, and every file of tests is in one."""

from __future__ import annotations

import subprocess
from fnmatch import fnmatchcase

import pytest

from tests.support import affected, quick
from tests.support.affected import AFFECTED, CORE, expanded, importing
from tests.support.make import ROOT

FILES = quick.files_of(ROOT) or pytest.skip(
    "the version that runs the tests is no checkout of git", allow_module_level=True
)
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "anomsdk").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES)
def test_a_module_of_the_package_asks_for_tests(path):
    assert affected.tests_of(path)


def test_every_file_of_the_checkout_has_a_row():
    assert [path for path in FILES if not any(fnmatchcase(path, pattern) for pattern in AFFECTED)] == []


def test_every_file_of_tests_is_run_by_a_change_of_something_else():
    named = {name for tests in (CORE, *AFFECTED.values()) for each in tests for name in expanded(each)}
    assert [name for name in affected.test_files() if name not in named] == []


def test_every_row_names_tests_that_there_are():
    named = [each for tests in (CORE, *AFFECTED.values()) for each in tests]
    assert [each for each in named if not expanded(each)] == []


def test_every_row_fits_a_file():
    assert [pattern for pattern in AFFECTED if not any(fnmatchcase(path, pattern) for path in FILES)] == []


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("anomsdk/core/fft.py", "tests/unit/test_fft.py"),
        ("anomsdk/sources/formats/anything.py", "tests/unit/test_sources.py"),
        ("tests/unit/test_cli.py", "tests/unit/test_cli.py"),
        ("tests/vectors/fft.json", "tests/parity/test_vectors.py"),
        ("anomsdk/audit/canary/judging.py", "tests/audit/test_canary.py"),
        ("tests/support/graphs.py", "tests/unit/test_tflite_offsets.py"),  # through another helper, too
        ("firmware_port/src/anom_fft.c", "tests/mcu/test_kernels.py"),
        ("docs/spec.md", "tests/contract/test_docs.py"),
        ("README.md", "tests/contract/test_docs.py"),
    ],
)
def test_a_file_asks_for_its_tests(path, test):
    assert test in affected.tests_of(path)


def test_helpers_ask_for_what_imports_them():
    assert importing("tests/support/mirror.py") == ["tests/contract/test_mirror.py"]


def test_a_file_without_a_row_is_named():
    with pytest.raises(KeyError, match=r"unheard/of\.txt"):
        affected.tests_of("unheard/of.txt")


def test_quick_says_what_to_do_with_such_a_file(monkeypatch, capsys):
    monkeypatch.setattr(quick, "changed_files", lambda folder: ["unheard/of.txt"])
    assert quick.quick([]) == 2
    assert capsys.readouterr().err == (
        "error: no row of tests/support/affected.py fits unheard/of.txt; add one, or run make test\n"
    )


def test_changed_files_are_those_since_the_branch_left_main(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def write(*names):
        for name in names:
            (tmp_path / name).write_text(name + " is new")

    assert quick.changed_files(tmp_path) == [], "no checkout"
    git("init", "--initial-branch", "main")
    write("old.py", "edited.py", "gone.py", ".gitignore")
    (tmp_path / ".gitignore").write_text("*.o")
    git("add", "--all")
    git("commit", "--message", "first")
    assert quick.changed_files(tmp_path) == []
    git("checkout", "-b", "branch")
    write("committed of the branch.py")
    git("add", "--all")
    git("commit", "--message", "second")
    write("staged.py", "untracked ä.py", "built.o")
    git("add", "staged.py")
    (tmp_path / "edited.py").write_text("other")
    (tmp_path / "gone.py").unlink()
    wanted = ["committed of the branch.py", "edited.py", "gone.py", "staged.py", "untracked ä.py"]
    assert quick.changed_files(tmp_path) == wanted


def test_the_core_is_always_run_and_nothing_twice():
    assert quick.chosen([]) == list(CORE)
    found = quick.chosen(["anomsdk/core/fft.py", "anomsdk/core/fft.py", "docs/spec.md"])
    assert found[: len(CORE)] == list(CORE) and "tests/contract/test_docs.py" in found and len(found) == len(set(found))
