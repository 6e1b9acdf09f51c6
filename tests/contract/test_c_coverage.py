"""What the tests of the C port notice: every branch is taken, and a changed port is told from ours."""

import random
import shutil
from collections import Counter

import pytest

from anomsdk.core.event import Condition, Input, Kind, Promise, State
from tests.support import c_coverage, c_streams, c_uses, mutants
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
    number = 1 + (PORT / "src" / "anom_rung.c").read_text().splitlines().index("    if (rung->in_alarm) {")
    assert counts["anom_rung.c", number, 1] > 0
    counts["anom_rung.c", number, 1] = 0
    (line,) = c_coverage.missing(counts)
    assert line == f"anom_rung.c:{number}: branch 1 never taken: if (rung->in_alarm) {{"


def test_uses_see_all_that_can_leave(tmp_path):
    """Every kind of event, state, flag and input, each condition that a plan of theirs looks for, and void ticks."""
    comb = c_streams.make_plans(tmp_path / "streams")["comb"]
    plans = c_uses.make_plans(tmp_path / "herd", comb)
    callers = {name: c_uses.make_uses(plan, len(name), c_uses.CALLS) for name, plan in plans.items()}
    happened = sum((caller.happened for caller in callers.values()), Counter())
    expected = {f"kind {kind}" for kind in Kind} | {f"input {given}" for given in Input} | {"judged", "void"}
    expected |= {f"state {state}" for state in State if state != State.PENDING} | {f"flag {bit}" for bit in range(3, 8)}
    looked_for = ["CLIPPED", "NOISE_FLOOR", "GAP", "MISSING", "RATE", "SELF_TEST", "SUPPLY"]
    expected |= {f"condition {Condition[name]} on" for name in looked_for}
    expected |= {f"promise {news}" for news in Promise} | {f"level {tag}" for tag in range(len(c_uses.RUNGS) + 1)}
    assert {name for name in expected if happened[name] == 0} == set()
    gave = {(call.name, call.gives) for call in callers["pendant"].calls + callers["siren"].calls}
    for name, highest in c_uses.HIGHEST.items():
        assert {(name, 0), (name, 1)} <= gave, "taken, and not for want of room"
        assert ((name, c_uses.ERROR_RANGE) in gave) == (0 < highest < 2**32 - 1)
        assert ((name, c_uses.ERROR_SECTION) in gave) == (name in c_uses.OF_HEALTH)
        assert {call.gives for call in callers["neither"].calls if call.name == name} == {c_uses.ERROR_SECTION}
    laddered = {(call.name, call.gives) for call in callers["ladder"].calls}
    refused = {c_uses.ERROR_NULL, c_uses.ERROR_MEMORY, c_uses.ERROR_RANGE, c_uses.ERROR_RECORD}
    assert {("EXPORT", callers["ladder"].export_bytes), *(("EXPORT", status) for status in refused)} <= laddered
    assert {("DOWNLINK", gives) for gives in (0, 1, c_uses.ERROR_RANGE, c_uses.ERROR_RECORD)} <= laddered
    assert {(name, gives) for name in c_uses.OF_LADDER for gives in (0, 1, c_uses.ERROR_RANGE)} <= laddered
    assert {("SAVE", callers["ladder"].record_bytes), ("RESTORE", 0), ("RESTORE", c_uses.ERROR_RECORD)} <= laddered


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
    framer = {m.key()[2]: m for m in mutants.mutants_of(PORT / "src" / "anom_framer.c")}
    known, unknown = framer["if (n [<= => <] framer->skip)"], framer["if (n [<= => >] framer->skip)"]
    found = [(known, "survived"), (unknown, "survived")]
    assert known.key() in SURVIVORS
    assert mutants.unexplained(found) == [
        f"anom_framer.c:{known.line()}: anom_framer_gap: if (n [<= => >] framer->skip)",
    ]
    keys = Counter(m.key() for m in every_mutant())
    assert [key for key in SURVIVORS if keys[key] != 1] == [], "names one mutant, which there is"
    assert len(mutants.outdated([(known, "killed")])) == sum(key[0] == "anom_framer.c" for key in SURVIVORS)


NAMED = """\
/* All of it. */
#define N 3

static const uint8_t TABLE[12] = {
    11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22,
};

typedef struct {
    int32_t of[N];
} sums;

/* Half of n. */
static int32_t half(int32_t n)
{
    if (n < 0) return less(n,
                           0);
    return n >> 1; /* floors */
}
"""
SAME_NAMES = {
    "a comment": ("/* floors */", "/* rounds down */"),
    "a comment within the statement": ("return n >> 1;", "return n /* below 2**31 */ >> 1;"),
    "a comment within the change": ("less(n,", "less(/* what */ n,"),
    "lines above": ("#define N 3", "#define M 4\n#define N 3"),
    "a statement above": ("    return n >>", "    other(n);\n    return n >>"),
    "another break of the line": ("less(n,\n                           0)", "less(n, 0)"),
    "another function before it": ("/* Half", "static int32_t whole(int32_t n)\n{\n    return n;\n}\n\n/* Half"),
}


def names(path, text):
    path.write_text(text)
    return {m.key()[1:] for m in mutants.mutants_of(path)}


def test_a_mutant_is_named_by_its_function_and_its_change(tmp_path):
    found = names(tmp_path / "anom_x.c", NAMED)
    assert found >= {
        ("N", "[3 => 4]"),
        ("TABLE", "11, 12, 13, 14, [15 => 16], 16, 17, 18, 19"),
        ("half", "if (n [< => <=] 0) return less(n, 0"),
        ("half", "return n >> [1 => 2]"),
        ("half", "(n < 0) return less([n, 0 => 0, n])"),
        ("sums", "[sums => ]"),
    }  # fmt: skip


def test_mutants_of_one_name_are_numbered(tmp_path):
    twice = NAMED.replace(
        "    return n >>", "    if (n > 9) {\n        n += 1;\n    } else {\n        n += 1;\n    }\n    return n >>"
    )
    found = names(tmp_path / "anom_x.c", twice)
    assert {("half", "n [+= => -=] 1"), ("half", "n [+= => -=] 1 (2)")} <= found


@pytest.mark.parametrize("change", SAME_NAMES)
def test_names_of_mutants_outlive(change, tmp_path):
    old, new = SAME_NAMES[change]
    assert NAMED.count(old) == 1
    before, after = (names(tmp_path / "anom_x.c", text) for text in (NAMED, NAMED.replace(old, new)))
    assert before <= after


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
