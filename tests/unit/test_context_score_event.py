"""Context, score and event: order, phase, bounds, bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomsdk.core.affine import AffinePlan
from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.context import STATISTICS, Context, StackPlan, SummaryPlan, statistics_of
from anomsdk.core.event import Condition, Event, Input, Kind, Promise, Restart, State
from anomsdk.core.score import Score, ScorePlan, error, largest_error, largest_score
from anomsdk.errors import InputError


def identity(n):
    return AffinePlan(np.full(n, 2, np.int32), np.full(n, 1, np.int32), np.full(n, 1, np.uint8), -127, 127)


def push(context, features, cuts):
    found = [context.push(part) for part in np.split(features, cuts)]
    offsets = np.cumsum([0, *map(len, np.split(features, cuts))])[:-1]
    return (
        np.concatenate([inputs for inputs, _ in found]),
        np.concatenate([at + offset for (_, at), offset in zip(found, offsets, strict=True)]),
    )


@pytest.mark.parametrize("stride", [1, 2, 3, 7])
@pytest.mark.parametrize("cuts", [[], [1, 2, 3], [5, 5, 17], list(range(1, 30))])
def test_stack_is_oldest_first_every_stride_frames_once_full(stride, cuts):
    features = np.arange(60).reshape(30, 2)
    inputs, at = push(Context(StackPlan(5, stride), 2), features, cuts)
    assert at.tolist() == list(range(4, 30, stride))
    assert (inputs == [features[t - 4 : t + 1].ravel() for t in at]).all()


def test_summary_goes_statistic_by_statistic():
    features = np.array([[1, -5], [3, 7], [5, 1]])
    plan = SummaryPlan(3, 1, ("max", "mean", "deviation", "min"), identity(8))
    plan.check(2)
    inputs, at = Context(plan, 2).push(features)
    # deviation: F times the summed distance from the mean: 3 * (2 + 0 + 2), 3 * (6 + 6 + 0)
    assert inputs.tolist() == [[5, 7, 9, 3, 12, 36, 1, -5]] and at.tolist() == [2]


def test_statistics_reach_the_stated_ranges_and_no_further():
    rng = np.random.default_rng(0)
    windows = np.concatenate([rng.integers(-128, 128, (500, 4, 3)), rng.choice([-128, 127], (500, 4, 3))])
    for name in ("mean", "deviation", "max", "min"):
        low, high = STATISTICS[name].range(4)
        values = statistics_of(windows, (name,))
        assert low <= values.min() and values.max() <= high


def test_a_push_that_completes_nothing_gives_nothing():
    for plan in (StackPlan(5, 1), SummaryPlan(5, 1, ("mean",), identity(2))):
        inputs, at = Context(plan, 2).push(np.zeros((3, 2), np.int64))
        assert inputs.shape == (0, plan.n_inputs(2)) and len(at) == 0


def test_restart_needs_a_full_context_again():
    context = Context(StackPlan(3, 2), 1)
    context.push(np.arange(4)[:, None])
    context.restart()
    assert context.push(np.arange(5)[:, None])[1].tolist() == [2, 4]


def score(x, y, **change):
    plan = ScorePlan(
        **{
            "weights": np.array([1, 2, 3], np.uint8),
            "input_zero_point": 0,
            "output_zero_point": 0,
            "input_gain": 1,
            "output_gain": 1,
            "shift": 0,
            **change,
        }
    )
    plan.check(3)
    return Score(plan).run(np.array([x]), np.array([y]))[0], plan


def test_score_is_the_weighted_squared_error():
    assert score([1, 2, 3], [2, 0, 3])[0] == 1 + 2 * 4


def test_score_of_another_scale_rounds_to_nearest():
    found, _ = score([10, 0, 0], [0, 7, -7], input_gain=3, output_gain=1, shift=1)
    assert found == 15**2 + 2 * (-3) ** 2 + 3 * 4**2  # -7/2 = -3.5 rounds up to -3, 7/2 to 4


def test_largest_score_is_reached_not_exceeded():
    found, plan = score([127] * 3, [-128] * 3)
    assert found == 6 * 255**2 == largest_score(plan)


@pytest.mark.parametrize(
    ("gains", "zero_points", "shift", "largest"),
    [
        ((1, 1), (0, 0), 0, 255),
        ((1, 1), (0, 0), 1, 129),  # (255 + 1) >> 1, and 1
        ((3, 5), (10, -20), 3, 145),  # E is 3 * 138 + 5 * 147 = 1149: (1149 + 4) >> 3, and 1
        ((3, 5), (10, -20), 2, 288),  # (1149 + 2) >> 2 is odd, and 1
        ((65536, 65536), (-128, 127), 16, 511),
    ],
)
def test_largest_error_is_that_of_the_specification(gains, zero_points, shift, largest):
    plan = ScorePlan(np.ones(1, np.uint8), *zero_points, *gains, shift)
    values = np.arange(-128, 128)
    found = np.abs(error(plan, values[:, None], values[None])).max()
    assert largest_error(plan) == largest and largest - 1 <= found <= largest


def test_score_that_could_leave_32_bits_is_refused():
    plan = ScorePlan(np.full(300, 255, np.uint8), 0, 0, 1, 1, 0)
    with pytest.raises(InputError, match="score: the sum can reach"):
        plan.check(300)


def test_event_is_16_bytes_in_the_stated_order():
    event = Event(Kind.ANOMALY, State.UNACK_ALARM, True, 0x1234, 0xDEADBEEF, 0x0A0B, 0, (0, 0, 0), 0xC0DE)
    assert bytes(event).hex() == "11423412efbeadde0b0a00000000dec0"


def test_affine_that_could_leave_32_bits_is_refused():
    plan = AffinePlan(np.array([2**20], np.int32), np.array([0], np.int32), np.array([8], np.uint8), -127, 127)
    plan.check(1, np.array([-2047]), np.array([2047]), "x")
    with pytest.raises(InputError, match="x: the product of feature 0 can leave 32 bits"):
        plan.check(1, np.array([-2048]), np.array([2047]), "x")


@pytest.mark.parametrize("multiplier", [1, 2**30 - 1, -(2**30)])
def test_a_multiplier_that_is_not_normalised_is_refused(multiplier):
    layer = LayerPlan(
        weights=np.ones((1, 1), np.int8),
        bias=np.zeros(1, np.int32),
        multiplier=np.array([multiplier], np.int32),
        shift=np.array([0], np.int8),
        input_zero_point=0,
        weight_zero_point=0,
        output_zero_point=0,
        act_low=-128,
        act_high=127,
    )
    with pytest.raises(InputError, match="multiplier is not normalised"):
        layer.check(-128, 127, "layer")


NUMBERS = [st.integers(0, 2 ** (8 * n) - 1) for n in (2, 4, 2, 1)]
EVENTS_1 = st.builds(
    lambda state, high, numbers, reasons, tag: Event(Kind.ANOMALY, state, high, *numbers, reasons, tag),
    st.sampled_from([State.NORMAL, State.PENDING, State.UNACK_ALARM]),
    st.booleans(),
    st.tuples(*NUMBERS),
    st.tuples(*[st.integers(0, 255)] * 3),
    st.integers(0, 65535),
)
CODES = {Kind.TECHNICAL: list(Condition), Kind.OPERATOR: list(Input), Kind.RESTART: list(Restart)}
CODES[Kind.LEVEL] = list(Promise)


@st.composite
def events_2(draw):
    """Any event of layout 2."""
    kind = draw(st.sampled_from(Kind))
    first = draw(st.sampled_from(CODES[kind]) if kind in CODES else st.integers(0, 255))
    flags = ("latched", "silenced", "out_of_service", "marked")
    return Event(
        kind,
        draw(st.sampled_from(State)),
        draw(st.booleans()),
        *draw(st.tuples(*NUMBERS)),
        (int(first), draw(st.integers(0, 255))),
        draw(st.integers(0, 65535)),
        layout=2,
        level_tag=draw(st.integers(0, 255)),
        **{name: draw(st.booleans()) for name in flags},
    )


@given(EVENTS_1 | events_2())
def test_an_event_is_read_back(event):
    assert Event.from_bytes(bytes(event)) == event


@given(EVENTS_1 | events_2())
def test_a_compact_form_is_read_back_and_its_own(event):
    compact = event.compacted()
    assert len(bytes(compact)) == 11 and compact.compact
    assert Event.from_bytes(bytes(compact)) == compact.compacted() == compact
    assert (compact.active, compact.condition, compact.input) == (event.active, event.condition, event.input)


def test_layout_2_is_16_bytes_in_the_stated_order():
    event = Event.from_bytes(bytes.fromhex("21fd3412efbeadde0b0a81c14218dec0"))
    assert (event.layout, event.kind, event.state) == (2, Kind.ANOMALY, State.RTN_UNACK)
    assert event.latched and event.silenced and event.out_of_service and event.marked and event.high
    assert (event.sequence, event.hop, event.score_log2_q8) == (0x1234, 0xDEADBEEF, 0x0A0B)
    assert (event.health, event.reasons, event.level_tag, event.plan_tag) == (0x81, (0xC1, 0x42), 0x18, 0xC0DE)


@pytest.mark.parametrize(
    ("flag", "bit"), [("latched", 3), ("silenced", 4), ("out_of_service", 5), ("marked", 6), ("high", 7)]
)
def test_each_flag_of_layout_2_has_its_bit(flag, bit):
    data = bytes([0x21, 2 | 1 << bit, *bytes(14)])
    named = ("latched", "silenced", "out_of_service", "marked", "high")
    assert [name for name in named if getattr(Event.from_bytes(data), name)] == [flag]


@pytest.mark.parametrize("data", ["11420201060504 03ee130000 0000cdab", "21020201060504 03ee13000000 00cdab"])
def test_an_alarm_begins_with_the_same_event_in_both_layouts(data):
    begins = bytes.fromhex(data)
    event, cleared = Event.from_bytes(begins), Event.from_bytes(begins[:1] + bytes(1) + begins[2:])
    assert event.raised and not event.escalated
    assert not cleared.raised


def test_neither_a_prealarm_nor_an_escalation_nor_another_kind_begins_an_alarm():
    for start in ("2103", "2142", "2402", "2602", "2202"):
        event = Event.from_bytes(bytes.fromhex(start) + bytes(9) + b"\1" + bytes(4))
        assert not event.raised
        assert event.escalated == (start == "2142")


@pytest.mark.parametrize("condition", Condition)
def test_a_technical_event_says_its_condition(condition):
    for active in (0, 1):
        event = Event.from_bytes(bytes.fromhex("2200") + bytes(9) + bytes([condition, active]) + bytes(3))
        assert (event.condition, event.active, event.words) == (condition, bool(active), (condition.word,))
        assert event.input is None and event.judged_share == 0


@pytest.mark.parametrize("given_input", Input)
def test_an_operator_event_says_its_input(given_input):
    event = Event.from_bytes(bytes.fromhex("2400") + bytes(9) + bytes([given_input, 0]) + bytes(3))
    assert (event.input, event.words) == (given_input, (given_input.word,))
    assert event.condition is None and not event.active


def test_a_heartbeat_says_its_share():
    for codes, share in (("0000", 0), ("ffff", 1), ("ff7f", 32767 / 65535)):
        event = Event.from_bytes(bytes.fromhex("2300") + bytes(9) + bytes.fromhex(codes) + bytes(3))
        assert event.judged_share == share and event.words == ()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "0 bytes, not 16"),
        (b"\x11" + bytes(16), "17 bytes, not 16"),
        (b"\x31" + bytes(15), "version 3 is neither 1 nor 2"),
        (b"\x01" + bytes(15), "version 0 is neither 1 nor 2"),
        (b"\x12" + bytes(15), "kind 2 is unknown"),
        (b"\x20" + bytes(15), "kind 0 is unknown"),
        (b"\x28" + bytes(15), "kind 8 is unknown"),
        (b"\x27" + bytes(15), "news 0 of a level is unknown"),
        (b"\x27" + bytes(10) + b"\x06" + bytes(4), "news 6 of a level is unknown"),
        (b"\x11\x03" + bytes(14), "state 3 is unknown"),
        (b"\x21\x06" + bytes(14), "state 6 is unknown"),
        (b"\x22" + bytes(15), "technical condition 0 is unknown"),
        (b"\x22" + bytes(10) + b"\x10" + bytes(4), "technical condition 16 is unknown"),
        (b"\x24" + bytes(15), "operator input 0 is unknown"),
        (b"\x24" + bytes(10) + b"\x08" + bytes(4), "operator input 8 is unknown"),
    ],
)
def test_what_is_no_event_is_refused(data, says):
    with pytest.raises(InputError, match=says):
        Event.from_bytes(data)
