"""CONTRIBUTING's step-by-step sections do what they say: applied to a copy its tests pass, and no step can be left out."""

import pytest

from tests.support.walkthroughs import CommandError, built, copied, results, steps

SECTIONS = {
    "A statistic of the context, step by step": (
        "range",
        [
            *("tests/contract/test_kinds.py", "tests/contract/test_mirror.py", "tests/parity/test_planned.py"),
            *("tests/unit/test_context_score_event.py", "tests/unit/test_spec.py", "tests/unit/test_reasons.py"),
        ],
    ),
    "A feature of motion, step by step": (
        "rotation_range",
        [
            *("tests/contract/test_kinds.py", "tests/contract/test_mirror.py", "tests/parity/test_planned.py"),
            *("tests/contract/test_extractors.py", "tests/fidelity/test_front_ends.py", "tests/unit/test_spec.py"),
        ],
    ),
}
STEM = {"range": "context", "rotation_range": "motion"}
MISSING = [
    *("tests/contract/test_kinds.py", "tests/contract/test_mirror.py", "tests/parity/test_vectors.py"),
    *("tests/parity/test_planned.py", "tests/fidelity/test_front_ends.py"),
    "-k",
    "kinds or hold_each_other or what_is_generated or contexts_baselines or test_variants or test_motion",
]
"""What misses a step without the C port; what is left for it are the golden vectors."""
OMITTED = [(heading, step.number) for heading in SECTIONS for step in steps(heading)]


@pytest.mark.parametrize("heading", SECTIONS)
def test_all_steps_are_enough(tmp_path, heading):
    name, tests = SECTIONS[heading]
    copy = built(copied(tmp_path / "copy", None, heading))
    vectors = ["tests/parity/test_vectors.py", "-k", f"{STEM[name]} or files_are_small"]
    for chosen in (tests, vectors):
        done = results(copy, *chosen)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize(("heading", "number"), OMITTED, ids=[f"{SECTIONS[h][0]}: step {n}" for h, n in OMITTED])
def test_a_step_that_is_left_out_is_missed_by_name(tmp_path, heading, number):
    name, _ = SECTIONS[heading]
    try:
        copy = copied(tmp_path / "copy", number, heading)
        done = results(copy, "-x", *MISSING)
        if done.returncode == 0:
            done = results(built(copy), "tests/parity/test_vectors.py", "-k", f"in_the_c_port and {STEM[name]}")
    except CommandError as error:
        assert name in str(error).lower()
        return
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-1000:]
    assert name in done.stdout.lower(), done.stdout[-3000:]
