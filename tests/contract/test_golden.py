"""The integers themselves: digests over features, outputs, scores and events of a fixed stream.

Comparing engines does not notice a change that all of them share; this does. A digest that changes is a change of the arithmetic: of docs/spec.md, and of CHANGELOG's bit-exactness line.
"""

import pytest

import anomsdk
from anomsdk.runtime.engines.native import passes_selftest
from anomsdk.runtime.golden import golden_digest
from tests import scalar

DIGESTS = {
    "bands": "7dddb6817bf64cf492515cae27c39b4ba062f81fe3fd0f087f71f55e96a09d22",
    "logmel": "4229a3d80e48f6b73472f2de7d9b639680c4761cdce8b8f06f5d34129185650c",
    "motion": "7541564eb905e29589d802e55bb6cacb17a9e2877c5dc69eb7d39bb63f7b62f2",
    "external": "0aca8a8097ae819dc748e87214c234a9426403e9ba22fa3366b9e85c946c7c2e",
}
FOLLOWING = {
    "bands": "0abbfc610c500194a969ad886003b5f12ef6abfe689c3a4973d8f604d7040300",
    "logmel": "838ca505854e1f428599270133071a4675da488f3cc32a52a515017cf64c8e40",
    "motion": "f536485eade9d8ed0a7aafd1235edcf795c8853e0d6f36883099e482430e78a2",
    "external": "bf3a70527bcfaeaba6b4b571383ebc089fcabc078be18f2687b5585dd0a6a69f",
}
CATTLE_DAYS = "69e7565cb7cd58cb946e3a81987354f2a7dc44fb446b82a336ba9f8a48e2c59f"
PERSON_DAYS = "d7bca2e73249bd9da2877d5ccfee1eb0d6f13c334de818cc5ade5925b50e3674"
AUDIO_SCENE = "6a99b0a53943dfa6b3651fd0931c11220bc790c9354d05ae194373bac48e7c7c"


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


@pytest.mark.parametrize(("name", "digest"), [("cattle_days", CATTLE_DAYS), ("person_days", PERSON_DAYS)])
def test_days(name, digest, native):
    plan = anomsdk.reference_model(name)
    found, ticks, _ = golden_digest(plan, "reference")
    assert (found, ticks >= 16) == (digest, True)
    assert golden_digest(plan, "native")[0] == digest
    assert scalar.golden_digest(plan.canonical_bytes) == digest
    assert passes_selftest(plan, digest)


@pytest.mark.parametrize("kind", [*DIGESTS, "audio_scene"])
def test_the_boot_self_test_computes_the_digest_and_notices_another(plans, kind, native):
    plan = anomsdk.reference_model(kind) if kind == "audio_scene" else plans[kind]
    digest = golden_digest(plan, "reference")[0]
    assert golden_digest(plan, "native")[0] == digest
    assert passes_selftest(plan, digest)
    for at in (0, 31, 63):
        assert not passes_selftest(plan, digest[:at] + format(int(digest[at], 16) ^ 1, "x") + digest[at + 1 :])
