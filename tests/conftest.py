"""Fixtures that several tests share, and the rule that nothing is skipped where everything is there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from anomsdk.runtime import engines, native_module, streams
from anomsdk.runtime.engines.tflite import why_missing
from tests.support.make import ROOT, SPECS, make_following, make_plan

# readline sets COLUMNS for the processes that are started after it is loaded, pytest-xdist's workers among them, past
# os.environ: their lines would be broken. Loaded here, it does so before and not after.
with contextlib.suppress(ImportError):
    import readline  # noqa: F401
os.environ.pop("COLUMNS", None)
os.unsetenv("COLUMNS")

MAY_SKIP = ("the version that runs the tests", "no Python 3.")
"""Reasons that hold on a complete machine, too."""

_skipped: list[str] = []


class Finished:
    """A command that has ended: its exit status, and what it wrote to stdout and stderr."""

    def __init__(self, result):
        self.status, self.out, self.err = result.exit_code, result.stdout, result.stderr


@pytest.fixture
def cli():
    """Function that runs the command line in this process; its words may be paths or numbers."""
    from typer.testing import CliRunner

    from anomsdk.cli.app import app

    def call(*words):
        return Finished(CliRunner().invoke(app, [str(word) for word in words]))

    return call


@pytest.fixture(scope="session")
def plans(tmp_path_factory):
    """A plan of each extractor, each in its own folder."""
    folder = tmp_path_factory.mktemp("plans")
    return {kind: make_plan(folder, kind) for kind in SPECS}


@pytest.fixture(scope="session")
def following(tmp_path_factory):
    """A plan of each extractor, with a baseline."""
    folder = tmp_path_factory.mktemp("following")
    return {kind: make_following(folder, kind) for kind in SPECS}


@pytest.fixture(scope="session")
def tflite():
    """Skips, with the reason, where tflite-runtime does not work."""
    reason = why_missing()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session", name="native")
def _native():
    """Skips, with the reason, where the native engine was not built."""
    if reason := native_module.why_missing():
        pytest.skip(reason)


@pytest.fixture(params=["reference", "native"])
def engine(request, monkeypatch):
    """Each engine in turn, as the one that runs where a test names none."""
    if request.param == "native" and (reason := native_module.why_missing()):
        pytest.skip(reason)
    for module in (engines, streams):
        monkeypatch.setattr(module, "default_engine", lambda plan=None: request.param)
    return request.param


@pytest.fixture
def figure(record_property):
    """Takes lines that are printed once all tests have run."""
    return lambda line: record_property("figure", line)


def newer_than_the_engine():
    """Name of a C source that changed after the native engine was built; None where there is none."""
    if native_module.why_missing():
        return None
    built = Path(native_module.load_native().__file__).stat().st_mtime
    sources = (path for path in (ROOT / "firmware_port").rglob("*.[ch]") if path.parent.name in ("src", "native"))
    return next((path.name for path in sources if path.stat().st_mtime > built), None)


def pytest_terminal_summary(terminalreporter, config):
    """What was measured, and what did not run."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    properties = [
        pair for report in reports for pair in getattr(report, "user_properties", ()) if report.when == "call"
    ]
    if lines := sorted({line for name, line in properties if name == "figure"}):
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(lines))
    if newer := newer_than_the_engine():
        terminalreporter.section("the native engine is old")
        terminalreporter.write_line(
            f"{newer} is newer than it: what ran is another C port; make .venv/bin/.dev builds it"
        )
    if config.option.markexpr == "not boards":
        terminalreporter.section("not run here")
        terminalreporter.write_line(
            "the C port on QEMU's boards and big-endian, its sizes: make system, make test-boards"
        )


def pytest_runtest_logreport(report):
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(allowed in reason for allowed in MAY_SKIP):
            _skipped.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session, exitstatus):
    """With ANOMSDK_NO_SKIPS=1 a skipped test is a failure: something that should be there is missing."""
    if os.environ.get("ANOMSDK_NO_SKIPS") == "1" and _skipped and not hasattr(session.config, "workerinput"):
        print("\n" + "\n".join(["skipped, but required (ANOMSDK_NO_SKIPS=1):", *_skipped]))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
