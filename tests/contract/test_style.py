"""Lint and types are part of the tests."""

import subprocess
import sys

import numpy as np
import pytest

from tests.make import ROOT


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]])
def test_the_code_is_clean(command):
    if command == ["mypy"] and np.__version__ >= "2":
        pytest.skip("types are checked against the stubs of numpy 1.26")
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
