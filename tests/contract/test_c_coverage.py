"""What the tests of the C port notice: every branch is taken, and a changed port is told from ours."""

import random
import shutil

import pytest

from tests.support import c_coverage, mutants
from tests.support.c_build import PORT, missing
from tests.support.mutants_survivors import SURVIVORS

SAMPLE, SEED = 40, 3
"""Mutants that are judged here; `make mutants` judges them all."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    for tool in ("gcc", "gcov"):
        if shutil.which(tool) is None:
            missing(f"there is no {tool} on this machine")
    return tmp_path_factory.mktemp("c_coverage")


@pytest.fixture(scope="module")
def data(folder):
    return mutants.write_data(folder)


@pytest.fixture(scope="module")
def court(folder, data):
    return mutants.Court(folder, data)


def test_every_branch_is_taken(folder, data):
    counts = c_coverage.measure(folder, data)
    assert c_coverage.missing(counts) == []
    assert c_coverage.left_out(counts) == set(c_coverage.NOT_COMPILED)
    assert sum(index >= 0 for _, _, index in counts) > 200
    counts["anom_score.c", 7, 1] = 0
    (line,) = c_coverage.missing(counts)
    assert line == "anom_score.c:7: branch 1 never taken: for (int32_t i = 0; i < n; i++) {"


def every_mutant():
    return [mutant for path in mutants.MUTATED for mutant in mutants.mutants_of(path)]


def test_a_sample_of_mutants_is_killed(court):
    chosen = random.Random(SEED).sample(every_mutant(), SAMPLE)
    found = list(mutants.judged(chosen, court))
    assert mutants.unexplained(found) == []
    assert sum(fate == "killed" for _, fate in found) > SAMPLE // 2


def mutant(name, old, new):
    """One by the text that it changes."""
    path = PORT / "src" / name
    start = path.read_text().index(old)
    return mutants.Mutant(path, start, start + len(old), new)


@pytest.mark.parametrize(
    ("change", "fate"),
    [
        (("anom_framer.c", "n <= framer->skip", "n < framer->skip"), "survived"),
        (("anom_framer.c", "lost * hop - position", "lost * hop + position"), "killed"),
        (("anom_levels.c", "return plan->floor_q10;", "for (;;) {}"), "killed"),  # never ends
        (("anom_fixed.h", "(z >> 16) * w +", "(z >> 16) * w -"), "killed"),  # on 32-bit processors
        (("anom_sha256.c", "i < 32; i++", "i < 33; i++"), "killed"),  # by a sanitizer
        (("anom_score.c", "uint32_t score = 0;", "uint32_t score = 0u;"), "same"),
        (("anom_score.c", "uint32_t score = 0;", "uint32_t score = ;"), "invalid"),
    ],
)
def test_fates(court, change, fate):
    assert court.judge(mutant(*change)) == fate


def test_survivors_are_named():
    known, unknown = mutant("anom_framer.c", "if (n <=", "if (n <"), mutant("anom_framer.c", "if (n <=", "if (n >=")
    found = [(known, "survived"), (unknown, "survived")]
    assert known.key() in SURVIVORS
    assert mutants.unexplained(found) == [
        "anom_framer.c:60: if (n <= framer->skip) {  ->  if (n >= framer->skip) {",
    ]
    keys = {m.key() for m in every_mutant()}
    assert [key for key in SURVIVORS if key not in keys] == []
    assert len(mutants.outdated([(known, "killed")])) == sum(key[0] == "anom_framer.c" for key in SURVIVORS)


TEXT = """\
/* a + b */
#include "anom_x.h"
#define N 3
static int32_t twice(const int8_t *x, int32_t n)
{
    int32_t sum[2] = {0, -n};
    if (n <= 0 && *x) return 1;
    sum[0] = less(n, (int32_t)-x[0]) << 1;
    return n ? sum[0] : !n;
}
"""
CHANGED = {
    "#define N 4", "#define N 2",
    "{1, -n}", "{(-1), -n}", "{0, n}",
    "if (!(n <= 0 && *x))", "if (0)", "if (1)", "n < 0", "n > 0", "n <= 1", "n <= (-1)", "|| *x", "return 2", "return 0",
    "    ;", "sum[1] = less", "sum[(-1)] = less", "less((int32_t)-x[0], n)", "(int32_t)x[0]", "-x[1]", "-x[(-1)]", ">> 1", "<< 2", "<< 0",
    "!(n) ? sum", "return 0 ? sum", "return 1 ? sum", "? sum[1]", "? sum[(-1)]", ": n;",
}  # fmt: skip


def test_kinds_of_mutants(tmp_path):
    path = tmp_path / "anom_x.c"
    path.write_text(TEXT)
    texts = [m.text() for m in mutants.mutants_of(path)]
    assert [text for text in CHANGED if sum(text in changed for changed in texts) == 0] == []
    assert len(texts) == len(set(texts)) == len(CHANGED)
