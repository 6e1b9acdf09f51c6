"""The integers themselves: digests over features, outputs, scores and events of a fixed stream.

Both engines share everything but the model stage, so comparing them does not notice a change elsewhere; this
does. A digest that changes is a change of the arithmetic: of docs/spec.md, and of CHANGELOG's bit-exactness line.
"""

import pytest

import anomsdk
from anomsdk.golden import golden_digest

DIGESTS = {
    "bands": "6432605ff0c900bfb8e35ed94dad852aacb690536f205fee1aa9c32e580a1499",
    "logmel": "5d1066c6089530f7acd7270aff428afdcbe3106ab974b356fc98ad1344b179f9",
    "external": "99a85185a5e8110d35dfaa8556619f66fba0997ba2077aaf87cc353587c14387",
}
FOLLOWING = {
    "bands": "d62954d64e5c6b1ec584ab0db53b47e51d912908d0f36ceb3c35b5e1f76796f3",
    "logmel": "615a624e4782ceca7f76e57101b5e1f6eacb435278c999a0a35e46c376184b68",
    "external": "87b2e1c1f7c988ab9d2af189e683a2c1b579c39cec4b01e7d1d76b91701c9a8c",
}
AUDIO_SCENE = "867ff392ae473c9d87e7e9e3dc3427f6d914758534c2bc5b5cb5ccdf88812375"


@pytest.mark.parametrize("kind", DIGESTS)
def test_plans_of_the_tests(plans, kind):
    assert golden_digest(plans[kind], "reference")[0] == DIGESTS[kind]


@pytest.mark.parametrize("kind", FOLLOWING)
def test_plans_with_a_baseline(following, kind):
    digest, ticks, events = golden_digest(following[kind], "reference")
    assert digest == FOLLOWING[kind]
    assert ticks == 200 and events > 4


def test_audio_scene():
    assert golden_digest(anomsdk.reference_model("audio_scene"), "reference")[0] == AUDIO_SCENE
