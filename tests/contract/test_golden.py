"""The integers themselves: digests over features, outputs, scores and events of a fixed stream.

Comparing engines does not notice a change that all of them share; this does. A digest that changes is a change of the arithmetic: of docs/spec.md, and of CHANGELOG's bit-exactness line.
"""

import pytest

import anomsdk
from anomsdk.engines.native import passes_selftest
from anomsdk.golden import golden_digest

DIGESTS = {
    "bands": "098517c47b66efa5c9af87705ff314b4eaf793071851186e3440e3d33b868722",
    "logmel": "4aee96d03502940bb86b6819a6aacb348f32c9e6b010dc79f18bff9d58fecdb0",
    "external": "bc95282a9c27fe96960ae28a22065526dfdc56a0a8ba362ebdc2398d04a069a8",
}
FOLLOWING = {
    "bands": "13b54e60a2fc1a85385fdb478ec9e063ab3a5651f7922557916905365a522394",
    "logmel": "ebe55868a2cf6060b90852558dd52aa0e4139962f5e5f905401392243f0d01bb",
    "external": "d05c7dc61155c78acae4ea791067c04dadb2ec92b633d0df04a53ecc25964155",
}
AUDIO_SCENE = "38fb48f22c0ba8eb2f3a2866b417c73d65f07cd1d2eae76dba1df5a9d9b423f4"


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
