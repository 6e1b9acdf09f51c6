"""The filter bank: what a band is, and what its integers may do."""

import numpy as np
import pytest

from anomsdk.core.filterbank import Filterbank, FilterbankPlan
from anomsdk.errors import InputError


def plan(edges, minus_rise, value_bits=14):
    n = len(edges) // 2 - 1
    return FilterbankPlan(np.array(edges, np.uint16), np.array(minus_rise, np.int16), value_bits, np.zeros(n, np.int32))


def energies(bank, magnitudes, bits=0):
    bank.check(len(magnitudes))
    spectrum = np.zeros((2, len(magnitudes), 1), np.int64)
    spectrum[0, :, 0] = magnitudes
    mantissa, exponent = Filterbank(bank, 1).run(spectrum, np.array([bits]))
    return [float(m) * 2.0 ** int(e) * 2 for m, e in zip(mantissa[:, 0], exponent[:, 0], strict=True)]


TWO_BANDS = plan([1, 2, 3, 4, 5, 6], [-32768 // 2, -32768 // 4, -32768])  # bins 1 | 2 | 3 | 4 | 5


def test_a_shared_bin_is_divided_and_an_own_one_is_not():
    found = [energies(TWO_BANDS, np.eye(7, dtype=int)[k] * 1000) for k in range(7)]
    million = 1000**2
    assert found == [
        [0, 0],
        [million / 2, 0],  # below band 0: half is outside
        [million, 0],
        [million * 3 / 4, million / 4],
        [0, million],
        [0, 0],  # rise 1 into a band that does not exist
        [0, 0],
    ]


def test_rounding_never_makes_an_energy_negative():
    assert energies(TWO_BANDS, [0, 0, 0, 0, 0, 1, 0]) == [0, 0]  # half of 1 is 0, the upper band's share rounds to 1


def test_window_bits_scale_the_energy():
    assert energies(TWO_BANDS, [0, 0, 8, 0, 0, 0, 0], bits=5)[0] == 64 * 2**10


def test_a_quiet_band_beside_a_loud_one_keeps_its_precision():
    loud, quiet = 2**30, 1001
    found = energies(TWO_BANDS, [0, 0, loud, 0, quiet, 0, 0])
    assert found[1] == quiet**2 - 1  # half of it is kept, rounded down
    assert found[0] == pytest.approx(float(loud) ** 2, rel=1e-6)


def test_most_negative_values_stay_in_range():
    bank = plan([0, 0, 7, 7], [], value_bits=14)
    assert energies(bank, [-(2**31)] * 7)[0] == 7 * 2.0**62


@pytest.mark.parametrize(
    ("bank", "words"),
    [
        (plan([0, 0, 8, 8], []), "segment of 8 bins"),
        (plan([0, 0, 3, 2], [-1]), "do not rise"),
        (plan([0, 0, 300, 300], [], 11), "within 129 bins"),
        (plan([3, 3, 3, 3, 4, 4], []), "band holds no bin"),
        (plan([0, 1, 1, 1], [5]), "positive"),
        (plan([0, 1, 1, 1], [-5, -5]), "minus_rise_q15"),
        (plan([0, 1, 1, 1], [-5], 15), "value_bits"),
    ],
)
def test_what_could_leave_32_bits_or_the_spectrum_is_refused(bank, words):
    with pytest.raises(InputError, match=words):
        bank.check(129)
