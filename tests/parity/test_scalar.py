"""The package against tests/scalar.py, which knows docs/spec.md only: equal integers, and the examples of the page."""

import base64
import hashlib
import json
import math
import re
from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk.core import motion
from anomsdk.core.baseline import Baseline, BaselinePlan
from anomsdk.core.context import STATISTICS
from anomsdk.core.pipeline import Chain, Ticks
from anomsdk.core.reasons import Direction, Group, words
from anomsdk.planner.score import baseline_plan
from anomsdk.planner.tables import reason_gains
from anomsdk.runtime.engines.native import CPlan
from anomsdk.runtime.golden import golden_digest
from anomsdk.runtime.native_module import load_native
from tests import scalar
from tests.scalar import clip
from tests.support.make import OF_ROWS, ROOT, SPECS, make_folder, noise, without_missing
from tests.support.supervised import any_steps, changed, supervised, use

EXAMPLES = (ROOT / "docs/spec.md").read_text().partition("\n## Worked example\n")[2]
MANY = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


# The examples of the page


def section(heading):
    return re.search(rf"^### {heading}\n(.*?)(?=^##|\Z)", EXAMPLES, re.M | re.S)[1]


def tables(heading):
    """Each table of a section: its rows below the head, cell by cell."""
    found = re.findall(r"^\|(?:---\|)+\n((?:\|.*\n)*)", section(heading), re.M)
    return [[[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows.splitlines()] for rows in found]


def integers(text):
    return [int(number) for number in re.findall(r"-?\d+", text)]


def after(words, heading):
    """The integers that follow the words in a text block, on further lines of it too."""
    return integers(re.search(rf"^{words}\s((?:\s*-?\d+)+)", section(heading), re.M)[1])


def test_logarithms():
    for x, log2_q10, in_event in tables("Fixed and logarithm")[0]:
        assert scalar.log2_q10(int(x)) == int(log2_q10)
        assert scalar.event(2, False, 0, 0, int(x), b"ab")[8:10] == int(in_event).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("index", "function"),
    [
        (1, scalar.saturating_rounding_doubling_high_mul),
        (2, scalar.rounding_divide_by_pot),
        (3, scalar.multiply_by_quantized_multiplier),
    ],
)
def test_fixed(index, function):
    rows = tables("Fixed and logarithm")[index]
    assert [function(*map(int, row[:-1])) for row in rows] == [int(row[-1]) for row in rows]


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-32768, 32767))
def test_mulw_without_a_long_product(z, w):
    assert scalar.i32((z >> 16) * w) + (scalar.i32((z & 0xFFFF) * w) >> 16) == scalar.mulw(z, w)


def rounded(x):
    return math.floor(x + 0.5 + 1e-9)


def fft_tables(n):
    window = [min(32767, rounded(32768 * (0.5 - 0.5 * math.cos(2 * math.pi * i / n)))) for i in range(n // 2 + 1)]
    cos = [min(32767, rounded(32768 * math.cos(2 * math.pi * j / n))) for j in range(n // 4 + 1)]
    return {"length": n, "window_q15": window, "cos_q15": cos}


def chirp(n):
    return [(37 * i * i + 11 * i) % 2001 - 1000 for i in range(n)]


@pytest.mark.parametrize(
    ("index", "bits", "x"),
    [(0, 10, chirp(64)), (1, 15, [-32768 if i & 8 else 32767 for i in range(64)]), (2, 10, chirp(128))],
)
def test_fft(index, bits, x):
    plan = fft_tables(len(x))
    if len(x) == 64:
        assert plan["window_q15"] == after("window_q15", "FFT") and plan["cos_q15"] == after("cos_q15", "FFT")
    spectrum, found = scalar.Fft(plan).spectrum(x)
    assert found == bits
    rows = tables("FFT")[index]
    assert len(rows) > 7 and all(spectrum[int(k)] == (int(re), int(im)) for k, re, im in rows)


def test_fft_of_minus_one():
    words = re.search(r"All samples -1: `bits` 0, (.*)", section("FFT"))[1]
    spectrum, bits = scalar.Fft(fft_tables(64)).spectrum([-1] * 64)
    found = re.findall(r"X\[(\d+)\] = \((-?\d+), (-?\d+)\)", words)
    assert bits == 0 and len(found) == 4 and all(spectrum[int(k)] == (int(re), int(im)) for k, re, im in found)


BANDS_SECTION = "Filterbank, energy, bands"


def bands_plan():
    filterbank = {name: after(name, BANDS_SECTION) for name in ("edges", "minus_rise_q15")}
    filterbank |= {"value_bits": 14, "offset_q10": [-78848] * 3}
    normalisation = {name: after(name, BANDS_SECTION) for name in ("gain", "bias", "shift")}
    return {
        "kind": "bands",
        "fft": fft_tables(64),
        "filterbank": filterbank,
        "limits": {"floor_q10": -37418, "range_q10": 27213},
        "hops_per_frame": 2,
        "mean_q10": -1024,
        "headroom": 2,
        "normalisation": normalisation | {"low": -127, "high": 127},
    }


def test_bands():
    hop_0, level_0, hop_1, sums = tables(BANDS_SECTION)[0]
    bands = scalar.Bands(bands_plan())
    for x, row in ((chirp(64), hop_0), ([v >> 3 for v in chirp(64)], hop_1)):
        energies = bands.filterbank.bands(*bands.fft.spectrum(x))
        energies.append(scalar.total(energies, 2))
        assert [list(energy) for energy in energies] == [integers(cell) for cell in row[1:]]
        if row is hop_0:
            assert [bands.levels.floored(energy, -78848) for energy in energies] == [int(cell) for cell in level_0[1:]]
    assert bands.hop(chirp(64)) is None
    seen = []
    bands.normalisation.features = lambda values: seen.extend([values, bands.sums]) or values
    bands.hop([v >> 3 for v in chirp(64)])
    assert seen[0] == [-7939, -6868, -5826, -4013, 1001]
    assert [list(energy) for energy in seen[1]] == [integers(cell) for cell in sums[1:]]
    assert scalar.Bands(bands_plan()).normalisation.features(seen[0]) == [-11, -1, 9, 10, -13]


def test_add():
    for operands, result in tables(BANDS_SECTION)[1]:
        a, a_exponent, b, b_exponent = integers(operands)
        assert list(scalar.add(scalar.Energy(a, a_exponent), scalar.Energy(b, b_exponent))) == integers(result)


def test_affine():
    head = integers(re.search(r"\| value \|(.*)", section("Affine"))[1])
    (_, *results) = tables("Affine")[0][0]
    assert [scalar.affine_int8(value, 3, -242, 4, -127, 127) for value in head] == [int(cell) for cell in results]


def test_context():
    names = ("mean", "deviation", "max", "min")
    context = scalar.Context({"kind": "stack", "frames": 4, "stride": 1})
    columns = [(3, -5, 10, -1), (-128, 0, 127, 1)]
    expected = integers(re.search(r"```text\n(.*?)```", section("Context"), re.S)[1])
    assert [context.statistic(name, v) for name in names for v in columns] == expected


def test_autoencoder():
    plan = {
        "weights": [[3, -2, 5], [-128, 127, 1]],
        "bias": [100, -37],
        "multiplier": [1518500250, 1073741824],
        "shift": [-3, -8],
        "input_zero_point": -3,
        "weight_zero_point": 0,
        "output_zero_point": 10,
        "act_low": -128,
        "act_high": 127,
    }
    for x, _, y in tables("Autoencoder")[0]:
        assert scalar.layer(plan, integers(x)) == integers(y)


def test_score():
    for zero_points, gains, shift, _, expected in tables("Score")[0]:
        names = ("input_zero_point", "output_zero_point", "input_gain", "output_gain", "shift")
        plan = dict(zip(names, integers(f"{zero_points} {gains} {shift}"), strict=True)) | {"weights": [1, 2, 3]}
        assert scalar.score(plan, [10, -20, 127], [9, -25, 100]) == int(expected)


def test_baseline():
    (head,), (rows, plans) = re.findall(r"^`start`(.*)", section("Baseline"), re.M), tables("Baseline")
    start, rise_q16, fall_q16, limit_q16 = (
        int(re.search(rf"`{name}` (\d+)", "`start`" + head)[1])
        for name in ("start", "rise_q16", "fall_q16", "limit_q16")
    )
    plan = {"start": start, "rise_q16": rise_q16, "fall_q16": fall_q16, "limit_q16": limit_q16, "hold": 2}
    plan["reference_score"] = 1
    mine, theirs = scalar.Baseline(plan), Baseline(BaselinePlan(**plan))
    assert len(rows) == 14
    for row in rows:
        raw, s, alarm, frozen, level_q16, level = map(int, row)
        assert mine.above(raw) == theirs.above(raw) == s
        mine.follow(raw, bool(alarm))
        theirs.follow(raw, alarm=bool(alarm))
        assert (mine.frozen, mine.level_q16, mine.level) == (frozen, level_q16, level)
        assert (theirs._frozen, theirs.level_q16) == (frozen, level_q16)
    for *numbers, rise_q16, fall_q16, limit_q16, hold in plans:
        start, baseline_s, hold_s, tick_s = map(float, numbers)
        expected = BaselinePlan(int(start), *map(int, (rise_q16, fall_q16, limit_q16, hold)), reference_score=7)
        made = baseline_plan(int(start), baseline_s=baseline_s, hold_s=hold_s, tick_s=tick_s, reference_score=7)
        assert made == expected
        rates = [rounded(65536 * (1 - math.exp(-factor * tick_s / baseline_s))) for factor in (1, 4)]
        assert [clip(rate, 1, 65536) for rate in rates] == [int(rise_q16), int(fall_q16)]
        assert clip(rounded(65536 * start * tick_s / baseline_s), 1, 2**48) == int(limit_q16)


def test_alert_and_event():
    timing = {"m": 2, "n": 3, "on_delay": 1, "off_delay": 1, "cooldown": 3}
    timing |= {"clear_ratio_q16": 52429, "high_ratio_q16": 262144}
    alert = scalar.Alert(timing, scalar.levels_of(1000, 52429, 262144), bytes.fromhex("cdab"))
    assert (alert.levels["clear_score"], alert.levels["high_score"]) == (800, 4000)
    rows, levels = tables("Alert and event")
    assert len(rows) == 19
    for hop, s, hits, in_row, calm, cooldown, state, event in rows:
        events = [found.hex() for found in alert.tick(int(hop), int(s))]
        counters = (format(alert.hits, "03b"), *map(str, (alert.in_row, alert.calm, alert.cooldown)))
        assert counters == (hits, in_row, calm, cooldown), hop
        assert ["NORMAL", "PENDING", "UNACK_ALARM"][alert.state] == state
        assert events == ([event] if event else [])
    for raise_score, ratios, clear, high in levels:
        found = scalar.levels_of(int(raise_score), *integers(ratios))
        assert (found["clear_score"], found["high_score"]) == (int(clear), int(high))
    dump = re.search(r"```text\n((?:[0-9a-f]{2}\s){16})```", section("Alert and event"))[1]
    assert scalar.event(2, True, 0x0102, 0x03040506, 1_000_000, bytes.fromhex("cdab")) == bytes.fromhex(dump)


def test_alarm_health_supervisor():
    """The page's steps; limits that it does not name are of conditions that are off."""
    timing = {"m": 1, "n": 1, "on_delay": 0, "off_delay": 0, "cooldown": 0}
    timing |= {"clear_ratio_q16": 52429, "high_ratio_q16": 262144}
    alarm = {"latch": 1, "cancel": 2, "escalate_ratio_q16": 131072, "escalate_after": 5, "escalate_every": 2}
    alarm |= {"repeat": 0, "test": 1, "heartbeat": 8}
    supervisor = scalar.Supervisor(
        alarm, clipping(), timing, scalar.levels_of(1000, 52429, 262144), 1, 1, 2**31, bytes.fromhex("cdab")
    )
    hop = 100
    for step, annunciation, events in tables("Alarm, health, supervisor")[0]:
        name, *numbers = step.replace(",", "").split(" ")
        if name == "hop":
            value, s = map(int, numbers)
            found = supervisor.hop([[value]], hop)
            found += [] if supervisor.voids else supervisor.tick(s, hop)
            hop += 1
        else:
            argument = int(numbers[0]) if numbers else 0
            found = supervisor.due(hop) if name == "start" else supervisor.operate(name, argument, 0, hop)
        assert [event.hex() for event in found] == re.findall(r"[0-9a-f]{32}", events)
        assert supervisor.annunciation == int(annunciation)


def clipping():
    limits = ("stuck", "flat_range", "floor_range", "step", "dead_axis", "dead_axis_range", "rest_q16", "gravity_low")
    limits += (
        "gravity_high",
        "still_range",
        "posture",
        "mean_shift",
        "lost_share_q16",
        "missing_ms",
        "warm_up",
        "settle",
    )
    limits += ("rate_tolerance_q16", "samples_per_ms_q20", "not_worn_voids")
    only_clipped = [0, 0, 0, 1, *[0] * 11]
    blocks = {"block": 1, "raise_blocks": only_clipped, "clear_blocks": only_clipped}
    return dict.fromkeys(limits, 0) | blocks | {"clip_low": -32768, "clip_high": 32767, "clip_share_q16": 32768}


def test_reasons():
    groups, codes, gain = (
        integers(re.search(rf"`{name}`((?:\s-?\d+,?)+)", section("Reasons"))[1]) for name in ("groups", "codes", "gain")
    )
    plan = {"groups": groups, "codes": codes, "gain": gain}
    flat = {"weights": [1] * 4, "input_zero_point": 0, "output_zero_point": 0, "input_gain": 1, "output_gain": 1}
    rows, gains = tables("Reasons")
    assert len(rows) == 3
    for x, y, _, _, expected, said in rows:
        found = scalar.reasons(plan, flat | {"shift": 0}, integers(x), integers(y))
        assert list(found) == integers(expected) and ", ".join(words(tuple(found))) == said
    for normal, weights, expected in gains:
        assert reason_gains([float(level) for level in normal.split(", ")], integers(weights)).tolist() == integers(
            expected
        )


def test_codes_of_the_page():
    text = (ROOT / "docs/spec.md").read_text().partition("\n## Reasons\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\d, to]+) \| ([A-Z_0-9, to]+) \|", text, re.M)
    found = {}
    for codes, names in rows:
        first, *rest = integers(codes)
        if " to " in codes:
            rest = range(first + 1, rest[0] + 1)
            names = ", ".join(f"PART_{k + 1}" for k in range(len(rest) + 1))
        found |= dict(zip(names.split(", "), (first, *rest), strict=True))
    assert found == {group.name: int(group) for group in Group}
    directions = re.findall(r"^\| ([A-Z]+) \| (\d) \|", text, re.M)
    assert {name: int(code) for name, code in directions} == {d.name: int(d) for d in Direction}


def test_plan_file(tmp_path):
    small, whole = re.findall(r"```text\n(\{.*\})\n```", section("Plan file"))
    array = {"data": "AQD+/w==", "dtype": "<i2", "shape": [2]}
    assert scalar.canonical({"c": '\u00e9\u20ac\n"/', "b": [1, 2], "a": array}) == small
    assert scalar.decoded(array) == [1, -2]
    assert hashlib.sha256(b'{"a":1}\n').hexdigest() in section("Plan file")

    data = whole.encode() + b"\n"
    ids, rows = tables("Plan file")
    assert len(data) == 1598
    assert [scalar.plan_id(scalar.read(data)), scalar.score_id(scalar.read(data))] == [row[1] for row in ids]
    (tmp_path / "plan.json").write_bytes(data)
    x = np.array([integers(row[0]) for row in rows], np.int16)
    with anomsdk.Pipeline(anomsdk.read_plan(tmp_path / "plan.json")) as pipeline:
        theirs = pipeline.process(x)
    mine = scalar.Pipeline(data).process(x.tolist())
    for (_, inputs, outputs, s, event), a, b in zip(rows, mine, theirs, strict=True):
        assert (a.inputs, a.outputs, a.score) == (integers(inputs), integers(outputs), int(s))
        assert [e.hex() for e in a.events] == [bytes(e).hex() for e in b.events] == ([event] if event else [])
    (digest,) = re.findall(r"Its golden digest, over 200 ticks, is `(\w+)`", section("Plan file"))
    assert scalar.golden_digest(data) == digest
    assert golden_digest(anomsdk.read_plan(tmp_path / "plan.json"), "reference")[0] == digest


def test_golden_digest_of_sound(plans):
    """Fewer ticks than 200, and a stream of single values."""
    assert scalar.golden_digest(plans["bands"].canonical_bytes) == golden_digest(plans["bands"], "reference")[0]


# Plans and streams


def same(plan, steps):
    """Run both through blocks (arrays), gaps (numbers) and resets (None); what they gave."""
    mine = scalar.Pipeline(plan.canonical_bytes)
    found = []
    with ExitStack() as opened:
        engines = [opened.enter_context(anomsdk.Pipeline(plan, name, tap=True)) for name in ("reference", "native")]
        for step in steps:
            if not isinstance(step, np.ndarray):
                for pipeline in (mine, *engines):
                    pipeline.reset() if step is None else pipeline.gap(step)
                continue
            rows = step.reshape(-1, plan.columns) if plan.sensor.kind != "audio" else step
            a = mine.process(rows.tolist())
            for theirs in engines:
                b = theirs.process(step)
                assert follower(theirs) == (mine.baseline.level_q16, mine.baseline.frozen)
                assert [r.inputs for r in a] == theirs.tapped.tolist()
                assert [r.outputs for r in a] == anomsdk.reconstruct(plan, theirs.tapped, theirs.engine).tolist()
                assert [r[:3] for r in a] == [(r.hop, r.score, [bytes(e) for e in r.events]) for r in b]
            found += a
    return found


def follower(pipeline):
    """Level and frozen ticks of a pipeline's baseline."""
    if pipeline.engine == "reference":
        baseline = pipeline._engine._baseline
        return baseline.level_q16, baseline._frozen
    baseline = pipeline._engine._pipeline.baseline
    return baseline.level_q16, baseline.frozen


def altered(plan, folder, change):
    """The plan after a change of the object in its file."""
    tree = json.loads(plan.canonical_bytes)
    change(tree)
    del tree["sha256"]
    tree["sha256"] = scalar.digest(tree, "sha256")
    path = folder / "altered.json"
    path.write_bytes(scalar.canonical(tree).encode() + b"\n")
    return anomsdk.read_plan(path)


def encoded(values, like):
    """An array of the file, of the type and shape of another one."""
    size = scalar.SIZES[like["dtype"]]
    data = b"".join(int(v).to_bytes(size, "little", signed="i" in like["dtype"]) for v in values)
    return like | {"data": base64.b64encode(data).decode()}


def stream(shape, n, seed, columns=1):
    i = np.arange(n)
    x = {
        "noise": lambda: noise(n, seed=seed, columns=columns),
        "square": lambda: np.where((i + seed) // (1 + seed % 40) % 2, 32767, -32768),
        "most negative": lambda: np.full(n, -32768),
        "silence": lambda: np.zeros(n),
        "impulses": lambda: np.where((i + seed) % 397 == 0, -32768, 0),
    }[shape]()
    return np.repeat(x[:, None], columns, axis=1).astype(np.int16) if x.ndim < 2 and columns > 1 else x.astype(np.int16)


SHAPES = ["noise", "square", "most negative", "silence", "impulses"]


@st.composite
def spec_texts(draw):
    kind = draw(st.sampled_from(["bands", "logmel", "motion", "external"]))
    frames, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    names = draw(st.lists(st.sampled_from(list(STATISTICS)), unique=True))
    names = f"statistics = {json.dumps(names)}" if names else ""
    context = f'kind = "{"summary" if names else "stack"}"\nframes = {frames}\nstride = {stride}\n{names}'
    sensor = kind if kind in ("motion", "external") else "audio"
    head = f'format = 1\nname = "any"\n[sensor]\nkind = "{sensor}"\n'
    if kind == "external":
        features = f"rate_hz = 10\n[features]\nn_features = {draw(st.integers(1, 9))}"
    elif kind == "motion":
        features = draw(motion_features())
    else:
        n = draw(st.sampled_from([64, 128, 256, 512, 1024]))
        hop = draw(st.sampled_from([n, n // 2, n // 4, n // 2 + 3, n - 1]))
        features = f"rate_hz = 16000\n[features]\nfft_length = {n}\nhop_length = {hop}\nallow_speech_features = true\n"
    if kind == "bands":
        low = draw(st.integers(2, n // 8))  # bins
        most = min(24, int(math.log(n / 2 / low) / math.log1p(1 / low)))
        features += f"fmin_hz = {low * 16000 / n}\nfmax_hz = 8000\nn_bands = {draw(st.integers(1, most))}\n"
        features += f"band_ms = {draw(st.integers(1, 3)) * hop / 16}"
    if kind == "logmel":
        scale, norm = draw(st.sampled_from(["slaney", "htk"])), draw(st.sampled_from(["slaney", "none"]))
        low, high = draw(st.sampled_from([0, 90, 500])), draw(st.sampled_from([4000, 7000, 8000]))
        features += f'fmin_hz = {low}\nfmax_hz = {high}\nmel_scale = "{scale}"\nmel_norm = "{norm}"\n'
        features += f"n_mels = {draw(st.integers(1, min(24, n // 16)))}"
    return f'{head}{features}\nkind = "{kind}"\n[context]\n{context}\n[alert]\nraise_score = 1000\n'


@st.composite
def motion_features(draw):
    """Sensor and features of motion: 100 samples a second, so that 10 ms are one."""
    axes = draw(st.sampled_from([3, 6]))
    window = draw(st.integers(4, 60) | st.sampled_from([100, 255, 256]))
    hop, gravity = draw(st.integers((window + 3) // 4, window)), draw(st.integers(2, window - 1))
    names = draw(
        st.lists(st.sampled_from([name for name, each in motion.FEATURES.items() if each.axes <= axes]), unique=True)
    )
    lines = [f"rate_hz = 100\naxes = {axes}\ncounts_per_g = {draw(st.sampled_from([256, 4096, 16384]))}"]
    lines += ["counts_per_dps = 16"] * (axes == 6)
    lines += [f"[features]\nwindow_s = {window / 100}\nhop_s = {hop / 100}\ngravity_s = {gravity / 100}"]
    lines += [f"floor_mg = {draw(st.sampled_from([0, 4, 1000]))}\nfloor_dps = {draw(st.sampled_from([0, 1, 1000]))}"]
    lines += [f"select = {json.dumps(names)}"] * bool(names)
    edges = draw(st.lists(st.integers(1, window // 2), min_size=2, max_size=6, unique=True))
    lines += [f"band_edges_hz = {[edge * 100 / window for edge in sorted(edges)]}"] * draw(st.integers(0, 1))
    return "\n".join(lines)


@st.composite
def steps_of(draw, plan):
    """Streams of every shape in blocks of any length, with gaps and resets between them."""
    steps = []
    tick, first = min(plan.samples_per_tick, 2000), min(plan.samples_to_first_tick, 5000)
    for _ in range(draw(st.integers(1, 3))):
        n = first + draw(st.integers(0, 4)) * tick + draw(st.integers(0, tick))
        x = stream(draw(st.sampled_from(SHAPES)), n, draw(st.integers(0, 99)), plan.columns)
        steps += np.split(x, sorted(draw(st.lists(st.integers(0, n), max_size=4))))
        gap = st.integers(0, 3 * tick) | st.sampled_from([1, tick, 2**31 - 1])
        steps += draw(st.lists(gap | st.none(), max_size=2))
    return steps


def timings():
    few = st.integers(0, 3)
    n = st.shared(st.integers(1, 16), key="n")
    parts = {"n": n, "m": n.flatmap(lambda n: st.integers(1, min(n, 4))), "on_delay": few, "off_delay": few}
    parts |= {"cooldown": few, "clear_ratio_q16": st.integers(1, 65536)}
    return st.fixed_dictionaries(parts | {"high_ratio_q16": st.just(0) | st.integers(65537, 300000)})


def baselines():
    """Off, one that a planner could choose, or anything within the limits."""
    off = dict.fromkeys(("start", "rise_q16", "fall_q16", "limit_q16", "hold"), 0)
    start = st.sampled_from([0, 1, 1000, 200_000, 2**32 - 1]) | st.integers(0, 2**32 - 1)
    rate = st.sampled_from([1, 100, 5000, 60_000, 65_535, 65_536])
    limit_q16 = st.sampled_from([1, 65_535, 5000 << 16, 2**48]) | st.integers(1, 2**48)
    hold = st.sampled_from([0, 1, 2, 3, 8, 2**31 - 1])
    on = dict(zip(off, (start, rate, rate, limit_q16, hold), strict=True)) | {
        "reference_score": st.integers(1, 2**32 - 1)
    }
    on["reference_score"] |= st.sampled_from([1, 999, 1000, 100_000, 2**32 - 1])
    on = st.fixed_dictionaries(on)
    return st.just(off) | on | on


def with_alarms(plan, folder, timing, raise_score, baseline=None):
    def change(tree):
        tree["baseline"] = baseline or tree["baseline"]
        tree["timing"] = timing
        tree["levels"] = scalar.levels_of(raise_score, timing["clear_ratio_q16"], timing["high_ratio_q16"])

    return altered(plan, folder, change)


@given(
    data=st.data(),
    text=spec_texts(),
    seed=st.integers(0, 99),
    timing=timings(),
    quantile=st.floats(0, 1),
    baseline=baselines(),
)
@MANY
def test_any_plan_and_stream(tmp_path_factory, data, text, seed, timing, quantile, baseline):
    folder = tmp_path_factory.mktemp("plan")
    try:
        plan = anomsdk.plan(make_folder(folder, text, seed=seed))
    except anomsdk.InputError:
        assume(False)
    steps = data.draw(steps_of(plan))
    scores = [s for x in steps if isinstance(x, np.ndarray) for s in anomsdk.score(plan, x).tolist()]
    plan = with_alarms(plan, folder, timing, max(1, int(np.quantile([*scores, 0], quantile))), baseline)
    same(plan, steps)


@pytest.mark.parametrize("kind", SPECS)
def test_whole_streams(plans, kind):
    plan = plans[kind]
    n = {"motion": 700, "external": 200, "days": 200}.get(kind, 10_000)
    for shape in SHAPES:
        x = without_missing(plan, stream(shape, n, 3, plan.columns))
        results = same(plan, [x])
        assert [r.inputs for r in results] == anomsdk.features(plan, x).tolist()
        assert len(results) == scalar.ticks_in(n, scalar.Pipeline(plan.canonical_bytes).plan) > 5


@pytest.mark.parametrize("kind", SPECS)
def test_ids(plans, kind):
    tree = scalar.read(plans[kind].canonical_bytes)
    assert (tree["sha256"], scalar.plan_id(tree), scalar.score_id(tree)) == (
        scalar.digest(tree, "sha256"),
        plans[kind].id,
        plans[kind].score_id,
    )


@pytest.mark.parametrize("gap", [1, 9, 10, 300, 2**31 - 1])
def test_alarms(plans, tmp_path, gap):
    """Every kind of event comes, before and after a gap, and the sequence goes on."""
    timing = {"m": 2, "n": 3, "on_delay": 1, "off_delay": 1, "cooldown": 4}
    timing |= {"clear_ratio_q16": 52429, "high_ratio_q16": 80000}
    x = noise(600, seed=5, columns=plans["external"].columns)
    scores = anomsdk.score(plans["external"], x)
    plan = with_alarms(plans["external"], tmp_path, timing, int(np.quantile(scores, 0.8)))
    results = same(plan, [x[:333], gap, x[333:], 0, gap, x])
    events = [event for result in results for event in result.events]
    assert {event[1] for event in events} == {0x00, 0x02, 0x42}
    assert [event[2] for event in events] == list(range(len(events)))


SMALL_BANDS = re.sub(
    r"fft_length = .*?band_ms = 64",
    """fft_length = 64
hop_length = 40
n_bands = 3
fmin_hz = 500
fmax_hz = 4000
band_ms = 7.5""",
    SPECS["bands"],
    flags=re.S,
)


@pytest.fixture(scope="module")
def small_plans(plans, tmp_path_factory):
    """Two that are cheap to run: one frame a row, one frame every three hops."""
    return [plans["external"], anomsdk.plan(make_folder(tmp_path_factory.mktemp("small"), SMALL_BANDS))]


@given(index=st.integers(0, 1), seed=st.integers(0, 9999))
@MANY
def test_alarms_and_gaps(small_plans, tmp_path_factory, index, seed):
    """Many alarms, with delays and cooldowns so long that gaps fall into them."""
    rng = np.random.default_rng(seed)
    timing = {"on_delay": int(rng.integers(0, 2)), "off_delay": int(rng.integers(0, 2))}
    timing["cooldown"] = int(rng.choice([0, 4, 8]))
    timing["n"] = int(rng.integers(1, 9))
    timing["m"] = int(rng.integers(1, 1 + min(2, timing["n"])))
    timing |= {"clear_ratio_q16": 65536, "high_ratio_q16": int(rng.choice([0, 90000, 400000]))}
    context = {"stride": int(rng.integers(1, 3)), "frames": int(rng.integers(1, 3))} if index else {}
    folder = tmp_path_factory.mktemp("plan")
    baseline = {"start": int(10 ** rng.uniform(3, 6)), "limit_q16": int(10 ** rng.uniform(7, 11))}
    baseline |= {name: int(2 ** rng.uniform(8, 16)) for name in ("rise_q16", "fall_q16")}
    baseline |= {"hold": int(rng.choice([0, 1, 4, 50])), "reference_score": int(10 ** rng.uniform(2, 7))}
    baseline = baseline if rng.random() < 0.7 else {}

    def change(tree):
        tree["context"].update(context)
        tree["baseline"].update(baseline)

    plan = altered(small_plans[index], folder, change)
    n = (200, 5000)[index]
    x = rng.normal(0, 3000, (n, plan.columns)).astype(np.int16)  # scores go up and down about the level
    x = x if plan.columns > 1 else x[:, 0]
    raise_score = int(np.quantile(anomsdk.score(plan, x), rng.uniform(0.4, 0.7)))
    plan = with_alarms(plan, folder, timing, max(1, raise_score))
    steps = []
    for block in np.split(x, np.sort(rng.integers(0, n, 7))):
        steps += [block, int(rng.integers(0, 4 * plan.samples_per_tick))]
    same(plan, [*steps, x])


SCORES = st.sampled_from([0, 1, 999, 1000, 1001, 4000, 10**6, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1)
RUNS = st.lists(st.tuples(SCORES | st.integers(0, 3000), st.integers(1, 12)), min_size=1, max_size=12)


@given(runs=RUNS, timing=timings(), raise_score=SCORES, baseline=baselines(), gap=st.integers(0, 40))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_scores_through_baseline_and_alert(plans, tmp_path_factory, runs, timing, raise_score, baseline, gap):
    """Raw scores that no small model gives, and the level after each tick: numpy and C."""
    plan = with_alarms(plans["external"], tmp_path_factory.mktemp("plan"), timing, max(1, raise_score), baseline)
    mine, theirs, in_c = scalar.Pipeline(plan.canonical_bytes), Chain(plan, None), EndInC(plan)
    raws = [raw for raw, n in runs for _ in range(n)]
    for hop, raw in enumerate(raws):
        if hop == gap:
            mine.gap(gap)
            theirs.gap(gap)
            in_c.gap(gap)  # a hop is a tick
        s = mine.baseline.above(raw)
        events = mine.alert.tick(hop, s)
        if mine.reference:
            mine.reference.tick(hop, s)
            mine.baseline.follow(raw, mine.reference.state == scalar.UNACK_ALARM)
        nothing = np.zeros((1, plan.n_inputs), np.int64)  # inputs, and outputs without an error: no reasons
        tick = Ticks(np.array([hop]), nothing, nothing, np.array([raw], np.int64))
        (result,) = theirs.results(tick)
        assert (result.hop, result.score, [bytes(e) for e in result.events]) == (hop, s, events)
        assert (theirs._baseline.level_q16, theirs._baseline._frozen) == (mine.baseline.level_q16, mine.baseline.frozen)
        assert in_c.tick(hop, raw) == (s, events)
        assert (in_c.baseline.level_q16, in_c.baseline.frozen) == (mine.baseline.level_q16, mine.baseline.frozen)


class EndInC:
    """Baseline, its reference rung and the alert of the C port, as its pipeline joins them."""

    def __init__(self, plan):
        module = load_native()
        self.ffi, self.lib, self.c_plan = module.ffi, module.lib, CPlan(plan, module)
        p = self.c_plan.pointer
        self.baseline, self.alert = self.ffi.new("anom_baseline *"), self.ffi.new("anom_alert *")
        self.lib.anom_baseline_init(self.baseline, self.ffi.addressof(p, "baseline"))
        timing, levels = self.ffi.addressof(p, "timing"), self.ffi.addressof(p, "levels")
        self.lib.anom_alert_init(self.alert, timing, levels, plan.tag)
        self.rung = self.ffi.new("anom_rung *")
        self.follows = p.baseline.reference != self.ffi.NULL
        if self.follows:
            self.lib.anom_rung_init(self.rung, timing, p.baseline.reference, 0)

    def gap(self, lost_ticks):
        self.lib.anom_alert_gap(self.alert, lost_ticks)
        if self.follows:
            self.lib.anom_rung_gap(self.rung, lost_ticks)

    def tick(self, hop, raw):
        s, event = self.lib.anom_baseline_above(self.baseline, raw), self.ffi.new("anom_event *")
        n = self.lib.anom_alert_step(self.alert, s, hop, event)
        if self.follows:
            self.lib.anom_rung_step(self.rung, s)
            self.lib.anom_baseline_follow(self.baseline, raw, self.rung.in_alarm)
        return s, [bytes(event.bytes)] * n


@given(raws=st.lists(SCORES, max_size=60), baseline=baselines())
def test_a_baseline_without_alarms(raws, baseline):
    mine, theirs = scalar.Baseline(baseline), Baseline(BaselinePlan(**baseline))
    expected = []
    for raw in raws:
        expected.append(mine.above(raw))
        mine.follow(raw, False)
    assert theirs.run(np.array(raws, np.int64)).tolist() == expected
    assert theirs.level_q16 == mine.level_q16


def test_the_sequence_wraps(tmp_path):
    """An event a tick: the example plan of the page, which has no delays."""
    path = tmp_path / "plan.json"
    path.write_text(re.findall(r"```text\n(\{.*\}\n)```", section("Plan file"))[-1])
    plan = anomsdk.read_plan(path)
    x = np.tile(np.array([[1100, -450], [0, 0]], np.int16), (2**15 + 2, 1))
    with anomsdk.Pipeline(plan) as pipeline:
        results = pipeline.process(x)
    alert = scalar.Pipeline(path.read_bytes()).alert
    events = [alert.tick(r.hop, r.score, lambda: bytes([0xB1, 0, 0])) for r in results]
    assert events == [[bytes(e) for e in r.events] for r in results]
    assert [int.from_bytes(event[2:4], "little") for (event,) in events[65534:65538]] == [65534, 65535, 0, 1]


# Numbers that no planner would choose


@given(data=st.data(), seed=st.integers(0, 99))
@MANY
def test_any_layers_and_score(plans, tmp_path_factory, data, seed):
    """Zero points, multipliers, shifts, ranges, gains and groups anywhere within the limits; an alarm at once."""
    rng = np.random.default_rng(seed)
    int8 = st.integers(-128, 127)

    def change(tree):
        zero_points = [data.draw(int8) for _ in range(len(tree["layers"]) + 1)]
        for index, layer in enumerate(tree["layers"]):
            layer["input_zero_point"], layer["output_zero_point"] = zero_points[index : index + 2]
            layer["weight_zero_point"] = data.draw(int8)
            layer["act_low"], layer["act_high"] = sorted((data.draw(int8), data.draw(int8)))
            n = layer["weights"]["shape"][0]
            layer["bias"] = encoded(rng.integers(-(2 ** data.draw(st.integers(1, 25))), 2**25, n), layer["bias"])
            multiplier = rng.choice([0, 2**30, 2**31 - 1, 1518500250], len(scalar.decoded(layer["multiplier"])))
            shift = rng.integers(*data.draw(st.sampled_from([(-31, 4), (-12, 0), (-2, 4)])), len(multiplier))
            layer["multiplier"] = encoded(multiplier, layer["multiplier"])
            layer["shift"] = encoded(shift, layer["shift"])
        score = tree["score"]
        for name, zero_point in (("input", zero_points[0]), ("output", zero_points[-1])):
            score[f"{name}_zero_point"] = tree["model"][name]["zero_point"] = zero_point
        score["shift"] = data.draw(st.integers(0, 16))
        for name in ("input_gain", "output_gain"):
            score[name] = data.draw(st.integers(1, min(65536, 8 << score["shift"])))
        n_in = score["weights"]["shape"][0]
        score["weights"] = encoded(rng.integers(0, 12, n_in), score["weights"])
        reasons, n_groups = tree["reasons"], tree["reasons"]["codes"]["shape"][0]
        reasons["groups"] = encoded(16 * rng.integers(0, 16, n_in) + rng.integers(0, n_groups, n_in), reasons["groups"])
        reasons["codes"] = encoded(1 + rng.permutation(63)[:n_groups], reasons["codes"])
        reasons["gain"] = encoded(2 ** rng.integers(0, data.draw(st.integers(1, 31)), n_groups), reasons["gain"])
        timing = tree["timing"]
        tree["levels"] = scalar.levels_of(1, timing["clear_ratio_q16"], timing["high_ratio_q16"])

    plan = altered(plans["external"], tmp_path_factory.mktemp("plan"), change)
    same(plan, [noise(40, seed=seed, columns=plan.columns)])


@pytest.mark.parametrize("kind", ["logmel", "bands"])
@pytest.mark.parametrize("n", [64, 128, 256, 512, 1024, 2048, 4096])
def test_levels_to_the_last_bit(tmp_path, n, kind):
    """A map of one step a q10, centred on each level: what an int8 feature hides of the spectrum is seen.

    A flat window makes the largest intermediates, and leaves rounding only in most bins of a square. A coarse
    filterbank, of few bits and of shares of 0 and 1, rounds much; a floor amid its levels cuts some of them off.
    """
    rng = np.random.default_rng(n)
    lengths = f"fft_length = {n}\nhop_length = {n}"
    text = (
        SPECS[kind].replace("fft_length = 512\nhop_length = 256", lengths).replace("band_ms = 64", f"band_ms = {n / 8}")
    )
    text = text.replace("n_mels = 40", f"n_mels = {min(40, n // 16)}").replace(
        "n_bands = 16", f"n_bands = {n // 64 + 2}"
    )
    text = text.replace("fmin_hz = 100\n", f"fmin_hz = {64000 / n + 400}\n")
    text = re.sub(r'kind = "(stack|summary)"\nframes = .\nstride = .', 'kind = "stack"\nframes = 1\nstride = 1', text)
    plan = anomsdk.plan(make_folder(tmp_path, re.sub(r"statistics = .*", "", text)))

    def changed(coarse, floor_q10=-(2**17), centres=None):
        def change(tree):
            extractor = tree["extractor"]
            extractor["limits"] = {"floor_q10": floor_q10, "range_q10": 2**20}
            filterbank, normalisation = extractor["filterbank"], extractor["normalisation"]
            if coarse:
                filterbank["value_bits"] = 8
                filterbank["minus_rise_q15"] = encoded(shares, filterbank["minus_rise_q15"])
            else:
                extractor["fft"]["window_q15"] = encoded([32767] * (n // 2 + 1), extractor["fft"]["window_q15"])
            biases = [1 - 2 * centre for centre in centres or [0] * plan.n_inputs]
            for name, values in (("gain", [2] * len(biases)), ("shift", [1] * len(biases)), ("bias", biases)):
                normalisation[name] = encoded(values, normalisation[name])

        return altered(plan, tmp_path, change)

    def values(plan, x):
        """What the map to int8 takes."""
        extractor, seen = scalar.Pipeline(plan.canonical_bytes).extractor, []
        extractor.normalisation.features = seen.extend
        for start in range(0, len(x), n):
            extractor.hop(x[start : start + n].tolist())
        return seen

    n_shares = len(scalar.Pipeline(plan.canonical_bytes).plan["extractor"]["filterbank"]["minus_rise_q15"])
    few = [("noise", seed) for seed in range(max(1, 1024 // n))]
    for shape, seed in [*few, ("noise", -1), ("square", 5), ("most negative", 0), ("impulses", 5)]:
        coarse = (shape, seed) in few
        shares = rng.choice([-32768, -32767, -16384, -3, 0], n_shares)
        x = stream(shape, n * (1 if kind == "logmel" else 2), abs(seed))
        levels = values(changed(coarse), x)
        floor_q10 = min(0, sorted(levels)[len(levels) // 2]) if seed == 1 else -(2**17)
        centres = values(changed(coarse, floor_q10), x)
        features = anomsdk.features(changed(coarse, floor_q10, centres), x)
        assert features.shape == (1, plan.n_inputs) and not features.any(), (shape, seed)


# Plans with an alarm or a health section


def used(pipeline, step, given, records):
    """Results of one use of a pipeline of the package, as the scalar model has them."""
    found = use(pipeline, step, given, records) or []
    if step in ("save", "relevel"):
        return found
    if step == "restore":
        taken, found = not found[0], found[1]
        return taken, [(r.hop, r.score, [bytes(event) for event in r.events], r.judged, r.void) for r in found]
    return [(r.hop, r.score, [bytes(event) for event in r.events], r.judged, r.void) for r in found]


def used_in_scalars(pipeline, step, given, records):
    if step in ("save", "relevel"):
        return pipeline.state()
    if step == "restore":
        return pipeline.restore(changed(records, *given)), used_in_scalars(pipeline, "process", ([],), records)
    if step == "process":
        found = pipeline.process(np.array(given[0], np.int16).tolist())
    elif step == "gap":
        found = pipeline.gap(*given)
    elif step == "reset":
        found = pipeline.reset() or []
    else:
        found = pipeline.operate(step, int(given[0]) if given else 0)
    return [(r.hop, r.score, r.events, r.judged, r.void) for r in found]


@pytest.mark.parametrize(
    ("kind", "hops", "seeds"),
    [("external", 60, range(50)), ("motion", 30, range(50, 70)), ("bands", 15, range(70, 76))],
)
def test_any_use_of_a_supervised_plan(native, plans, following, kind, hops, seeds):
    """Samples with faults, gaps, inputs and resets: results, events, signals and the health byte."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        plan = supervised((plans, following)[seed % 2][kind], rng)
        steps = any_steps(plan, hops, rng)
        scalars, records = scalar.pipeline_of(plan.canonical_bytes), []
        with anomsdk.Pipeline(plan, "reference") as pipeline:
            for step, given in steps:
                block = (given[0][:, 0],) if step == "process" and plan.columns == 1 and kind not in OF_ROWS else given
                by_package = used(pipeline, step, given, records)
                assert used_in_scalars(scalars, step, block, records) == by_package
                signals = scalars.supervisor.annunciation, scalars.supervisor.byte
                assert signals == (pipeline.annunciation, pipeline.health)


@pytest.mark.parametrize(("kind", "seed"), [("external", 1), ("external", 5), ("motion", 2)])
def test_golden_digest_of_a_supervised_plan(native, plans, kind, seed):
    plan = supervised(plans[kind], np.random.default_rng(seed))
    assert scalar.plan_id(scalar.read(plan.canonical_bytes)) == plan.id
    assert scalar.score_id(scalar.read(plan.canonical_bytes)) == plan.score_id
    assert scalar.golden_digest(plan.canonical_bytes) == golden_digest(plan, "reference")[0]
