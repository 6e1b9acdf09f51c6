"""Fixtures that several tests share."""

from __future__ import annotations

import pytest

from anomsdk.engines.tflite import why_missing
from tests.make import SPECS, make_plan


@pytest.fixture(scope="session")
def plans(tmp_path_factory):
    """A plan of each extractor, each in its own folder."""
    folder = tmp_path_factory.mktemp("plans")
    return {kind: make_plan(folder, kind) for kind in SPECS}


@pytest.fixture(scope="session")
def tflite():
    """Skips, with the reason, where tflite-runtime does not work."""
    reason = why_missing()
    if reason is not None:
        pytest.skip(reason)
