"""The integers themselves: digests over features, outputs, scores and events of a fixed stream.

Comparing engines does not notice a change that all of them share; this does. A digest that changes is a change of the arithmetic: of docs/spec.md, and of CHANGELOG's bit-exactness line.
"""

import pytest

import anomsdk
from anomsdk.engines.native import passes_selftest
from anomsdk.golden import golden_digest

DIGESTS = {
    "bands": "be4ae15aac07d10a4d8b23d2358e94b07e91dff2670aace5a1dc0372436d42fd",
    "logmel": "1652974ebca1f80d179fd740424cea072d3545c776ff4e1b0428bb84bb6ca0df",
    "motion": "bccca2c36c479992c4bc3210e651d7661ca061f7012d1e3bde25236630148c8f",
    "external": "423ea9a46e451955cb4f786903271a4eb87bd648bb8ae93aeba9535ec03adffc",
}
FOLLOWING = {
    "bands": "22ce7550412cc0f4edb770ed033133009836e17b6da71502957e6c9417f68067",
    "logmel": "70c975011c378bca1ddd5de537e626e32ba44e1c99588e4bde2394f23ccc9f7b",
    "motion": "fae12138bfe5089a941e71828bfb4d1ccdacd0d9a61acbbc9a809327e3fc4116",
    "external": "d109d990e7d24c50e8d28a91238a2332cdb76ad46d97124307c21e6f8fd7e614",
}
AUDIO_SCENE = "8c617025d017fea14bf3b5f018498bd5f66d4fe283d902a1d447cc1e1d88d1d5"


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
