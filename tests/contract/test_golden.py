"""The integers themselves: digests over features, outputs, scores and events of a fixed stream.

Comparing engines does not notice a change that all of them share; this does. A digest that changes is a change of the arithmetic: of docs/spec.md, and of CHANGELOG's bit-exactness line.
"""

import pytest

import anomsdk
from anomsdk.runtime.engines.native import passes_selftest
from anomsdk.runtime.golden import golden_digest

DIGESTS = {
    "bands": "7dddb6817bf64cf492515cae27c39b4ba062f81fe3fd0f087f71f55e96a09d22",
    "logmel": "4229a3d80e48f6b73472f2de7d9b639680c4761cdce8b8f06f5d34129185650c",
    "motion": "7541564eb905e29589d802e55bb6cacb17a9e2877c5dc69eb7d39bb63f7b62f2",
    "external": "0aca8a8097ae819dc748e87214c234a9426403e9ba22fa3366b9e85c946c7c2e",
}
FOLLOWING = {
    "bands": "ef17979c00ac419c2980e10173ad1daa32f57e886a73b1f12fc605a39a620b92",
    "logmel": "5a88dfc51a4774de0526b73690f690ea798fe6b06ac6f31d7d7f10fee90b8dc7",
    "motion": "db78ae7f35bc5ceb51999b3675538b1878460b715ae0695cfed0d6bca7a6225c",
    "external": "4636336eec6434ef0449dfd83042a59e194ca7d4af085c74cb94d4cb9f1f38f2",
}
AUDIO_SCENE = "2d215fa4836668ff62c77d744c6c8e09846fdce521f3039867cafbc06dcaebcd"


@pytest.mark.parametrize("kind", DIGESTS)
def test_plans_of_the_tests(plans, kind):
    assert golden_digest(plans[kind], "reference")[0] == DIGESTS[kind]


@pytest.mark.parametrize("kind", FOLLOWING)
def test_plans_with_a_baseline(following, kind):
    digest, ticks, events = golden_digest(following[kind], "reference")
    assert digest == FOLLOWING[kind]
    assert ticks >= 60 and events > 4


def test_audio_scene():
    assert golden_digest(anomsdk.reference_model("audio_scene"), "reference")[0] == AUDIO_SCENE


@pytest.mark.parametrize("kind", [*DIGESTS, "audio_scene"])
def test_the_boot_self_test_computes_the_digest_and_notices_another(plans, kind, native):
    plan = anomsdk.reference_model(kind) if kind == "audio_scene" else plans[kind]
    digest = golden_digest(plan, "reference")[0]
    assert golden_digest(plan, "native")[0] == digest
    assert passes_selftest(plan, digest)
    for at in (0, 31, 63):
        assert not passes_selftest(plan, digest[:at] + format(int(digest[at], 16) ^ 1, "x") + digest[at + 1 :])
