"""CONTRIBUTING's step-by-step sections do what they say: applied to a copy its tests pass, and no step can be left out."""

import pytest

from tests.support.walkthroughs import CommandError, built, copied, steps, tested

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
QUICK = ["tests/contract/test_kinds.py", "tests/contract/test_mirror.py::test_python_and_c_hold_each_other"]
OMITTED = [(heading, step.number) for heading in SECTIONS for step in steps(heading)]


@pytest.mark.parametrize("heading", SECTIONS)
def test_all_steps_are_enough(tmp_path, heading):
    name, tests = SECTIONS[heading]
    copy = built(copied(tmp_path / "copy", None, heading))
    vectors = ["tests/parity/test_vectors.py", "-k", f"{STEM[name]} or files_are_small or {STEM[name]}-"]
    for chosen in (tests, vectors):
        done = tested(copy, *chosen)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize(("heading", "number"), OMITTED, ids=[f"{SECTIONS[h][0]}: step {n}" for h, n in OMITTED])
def test_a_step_that_is_left_out_is_missed_by_name(tmp_path, heading, number):
    name, _ = SECTIONS[heading]
    try:
        copy = copied(tmp_path / "copy", number, heading)
    except CommandError as error:
        assert name in str(error)
        return
    vectors = f"tests/parity/test_vectors.py::test_the_file_is_what_is_generated[{STEM[name]}]"
    done = tested(copy, *QUICK, vectors, f"tests/parity/test_planned.py::{PLANNED[name]}", "tests/fidelity")
    if done.returncode == 0:  # only what runs the C port can miss it
        done = tested(built(copy), "tests/parity/test_vectors.py", "-k", f"in_the_c_port and {STEM[name]}")
    assert done.returncode == 1, "nobody missed it"
    assert name in done.stdout, done.stdout[-3000:]


PLANNED = {
    "range": "test_contexts_baselines_and_alerts[range-external]",
    "rotation_range": "test_variants",
}
