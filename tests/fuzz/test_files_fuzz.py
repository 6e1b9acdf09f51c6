"""Damaged files into every reader and command, a bounded part of `make fuzz-files`; and that it sees what it looks for."""

import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.support import files_fuzz, files_mutants
from tests.support.make import ROOT

CASES = 2500
SEED = int(os.environ.get("ANOMSDK_FUZZ_SEED", "1"))


def test_every_damaged_file_is_read_or_refused(figure):
    lines = []
    found = files_fuzz.run(CASES, SEED, first=1_000_000, say=lines.append)
    assert found.cases == sum(found.counts.values()) == CASES
    assert not found.broken, "\n".join(lines)
    assert found.slowest[0] < files_fuzz.SECONDS and found.peak < files_fuzz.MEMORY
    done = sum(n for (_, _, outcome), n in found.counts.items() if outcome == "done")
    assert done > CASES // 20, "hardly a file gets behind the first check"
    kinds = {kind for kind, _, _ in found.counts}
    assert kinds == {kind for kind, _ in files_mutants.USES}
    figure(f"damaged files: {CASES:,}, of them {done:,} read, 0 broken, peak {found.peak >> 20} MiB")


def test_a_case_is_the_same_again(tmp_path, monkeypatch):
    """By its number and the seed alone, whatever the clock says: what was found can be run again."""
    works = [files_fuzz.Work(tmp_path / name) for name in "ab"]
    zipped = [n for n in range(999) if _what(SEED, n) == ("motion npz", "reader")]
    numbers = (3, 1, 3, 7, 2, *zipped[:12])
    seen = []
    for hour, work in enumerate(works):
        monkeypatch.setattr(time, "localtime", lambda *_, hour=hour: time.gmtime(1.7e9 + 3600 * hour))
        for number in numbers:
            case = work.case(SEED, number)
            outcome = case.run()
            given = {path.name: path.read_bytes() for path in work.place.rglob("in*") if path.is_file()}
            seen.append((number, case.kind, case.use, outcome, given))
            work.clear()
    assert seen[: len(numbers)] == seen[len(numbers) :] and seen[0] == seen[2]


def test_good_files_are_the_same_at_any_time():
    first = files_mutants.good_files()
    time.sleep(1.01)  # libsndfile takes whole seconds of the clock
    assert files_mutants.good_files() == first


BREAKS = {
    "a traceback": ("raise KeyError('x')", "KeyError"),
    "a warning that people see": ("import numpy; numpy.float64(1e308) * 10", "RuntimeWarning"),
    "a death": ("import os; os.abort()", "ended with -6"),
    "a hang": ("import time; time.sleep(60)", "Timeout"),
    "a lot of memory": ("bytearray(3 << 30)", "MemoryError|over the memory"),
    "a file left": ("import tempfile; tempfile.mkstemp()", "left behind"),
    "a file left beside": ("(path.parent / '.tmp').write_text('')", "left behind"),
    "words of the file": ("raise InputError(repr(path.read_bytes()[:700] * 9))", "no short printable line"),
    "a line that is two": ("raise InputError('a\\nb')", "no short printable line"),
    "a signal": ("raise SystemExit(139)", "SystemExit|exit status 139"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_it_notices(tmp_path, what):
    """A reader that does this, at the .wav files of a stretch of cases."""
    body, words = BREAKS[what]
    (tmp_path / "broken.py").write_text(
        "import sys\nfrom pathlib import Path\nfrom anomsdk.sources import file_listing as sources\nfrom anomsdk.errors import InputError\n"
        "from tests.support import files_fuzz\n"
        "files_fuzz.SECONDS = 2\nkept = sources.sound_file\n"
        f"def sound_file(path, name, where):\n    {body}\n    return kept(path, name, where)\n"
        "sources.sound_file = sound_file\n"
        "folder, first, last, report = sys.argv[1:]\n"
        "files_fuzz.work_off(Path(folder), 1, int(first), int(last), Path(report))\n"
    )
    found = files_fuzz.Found({}, [])
    found.counts = files_fuzz.Counter()
    place = tmp_path / "place"
    place.mkdir()
    command = [sys.executable, str(tmp_path / "broken.py")]
    at = next(n for n in range(999) if _what(1, n) == ("wav", "reader"))
    files_fuzz.one_batch(command, place, 1, at, at + 1, found, lambda line: None)
    assert len(found.broken) == 1 and re.search(words, json.dumps(found.broken[0])), found.broken


def _what(seed, number):
    return files_mutants.choose(np.random.default_rng([seed, number]))


def test_the_command_of_make_runs_and_prints_counts():
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.files_fuzz", "--cases", "40"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^40 files of seed \d+: 0 broken, slowest [\d.]+ s \(case \d+\), peak \d+ MiB", done.stdout, re.M)
    assert re.search(r"^all +\d+ +\d+ +\d+ +0$", done.stdout, re.M)
