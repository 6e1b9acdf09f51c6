"""The table of firmware_port/README.md is that of `make bench-mcu`, and its two ways to count agree."""

from functools import partial
from pathlib import Path

import pytest

from anomsdk.errors import InputError
from benchmarks import mcu
from tests.support.board import BOARDS

pytestmark = pytest.mark.boards


@pytest.fixture
def bench(tmp_path):
    for name in mcu.NAMES:
        BOARDS[name].require()
    return mcu.Bench(tmp_path)


@pytest.mark.parametrize(
    "rows",
    [
        "front_end_bytes_rows",
        "chain_row",
        "code_row",
        "ram_rows",
        "motion_rows",
        "human_motion_rows",
        "supervised_rows",
        "ladder_rows",
        "sizes",
    ],
)
def test_the_table_is_not_stale(bench, rows):
    """Of its rows those that are measured in seconds. Where one differs: make bench-mcu."""
    page = mcu.README.read_text("utf-8")
    table = page.partition(mcu.BEGIN)[2].partition(mcu.END)[0].splitlines()
    for line in map(str, getattr(bench, rows)()):
        assert line in table, f"not in {mcu.README.name}: {line}; run make bench-mcu"


def test_the_timer_counts_what_the_emulator_counts(bench, monkeypatch):
    monkeypatch.setattr(mcu, "RUNS", 2)
    counted = bench.most_of_model(bench.shape, "cortex-m4f", "-O2")
    assert abs(bench.most_by_timer(bench.shape, "cortex-m4f", "-O2") - counted) <= 0.001 * counted
    assert counted > bench.shape.macs


@pytest.fixture
def short(monkeypatch, tmp_path):
    """A page of its own, and one row of the model, which takes no time."""
    page = tmp_path / "README.md"
    page.write_text(f"before\n{mcu.BEGIN}\nold\n{mcu.END}\nafter\n")
    monkeypatch.setattr(mcu, "README", page)
    monkeypatch.setattr(mcu.Bench, "most_of_model", lambda *_: 1234)
    monkeypatch.setattr(mcu.Bench, "jobs", lambda self: [partial(self.model_row, "ad01", "cortex-m4f")])
    monkeypatch.setattr(mcu.Bench, "sizes", lambda self: ["sizes"])
    return page


def test_it_writes_between_its_marks(bench, short, capsys):
    if not mcu.signals.AD01.exists():
        pytest.skip("../shared/data/mlperf_tiny is absent: ad01 not run")
    assert mcu.main() == 0
    text = short.read_text()
    assert text.startswith(f"before\n{mcu.BEGIN}\n") and text.endswith(f"{mcu.END}\nafter\n")
    assert "| 582,997 | 1,234 | 1,234 |" in text and "old" not in text and "arm-none-eabi-gcc 1" in text
    assert capsys.readouterr().out.strip() in text


def test_without_the_large_model_nothing_is_overwritten(bench, short, capsys, monkeypatch):
    monkeypatch.setattr(mcu.signals, "AD01", Path("nowhere/ad01.tflite"))
    before = short.read_text()
    assert mcu.main() == 1
    said = capsys.readouterr()
    assert short.read_text() == before
    assert said.err.startswith("error: nowhere/ad01.tflite: no such file") and said.err.count("\n") == 1
    assert f"| 582,997 | {mcu.ABSENT} | {mcu.ABSENT} |" in said.out


def test_a_page_without_marks_is_refused():
    with pytest.raises(InputError, match="are missing"):
        mcu.rewritten("no marks", "text")
