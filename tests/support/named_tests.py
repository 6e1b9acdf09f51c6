"""Tests that documents name as ``tests/<path>.py::<function>``, and whether there are such."""

from __future__ import annotations

import re

from tests.support.make import ROOT

NAME = re.compile(r"tests/[\w/]+\.py(?:::\w+)?")


def is_a_test(name: str) -> bool:
    """There is a file of tests of this name, and in it the function, if one is named."""
    path, _, function = name.partition("::")
    if not re.fullmatch(r"tests/(\w+/)+test_\w+\.py", path) or not (ROOT / path).is_file():
        return False
    text = (ROOT / path).read_text(encoding="utf-8")
    return not function or re.search(rf"^def {re.escape(function)}\(", text, re.M) is not None
