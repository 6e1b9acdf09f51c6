"""The integers themselves: digests over features, outputs, scores and events of a fixed stream.

Both engines share everything but the model stage, so comparing them does not notice a change elsewhere; this
does. A digest that changes is a change of the arithmetic: of docs/spec.md, and of CHANGELOG's bit-exactness line.
"""

import pytest

import anomsdk
from anomsdk.golden import golden_digest

DIGESTS = {
    "bands": "8a3f801831496b7cab1ca1c82d0f37a04ae942fbd9e6f303aecec79c25547571",
    "logmel": "5831abbaa45851a8ba58f0796317990da6d0dc17758fb4f49e8ef22313f10e81",
    "external": "34627e22e3f2c33ff7fee94435e91965078776d3e50f9583c31cfcd0215dcaf3",
}
AUDIO_SCENE = "57a0f8d2a8ba8fd6661598df0462a27f40d60a26106b126a2cca78b6183d7325"


@pytest.mark.parametrize("kind", DIGESTS)
def test_plans_of_the_tests(plans, kind):
    assert golden_digest(plans[kind], "reference")[0] == DIGESTS[kind]


def test_audio_scene():
    assert golden_digest(anomsdk.reference_model("audio_scene"), "reference")[0] == AUDIO_SCENE
