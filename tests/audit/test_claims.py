"""The register of claims: each sentence stands where it says, something shows each, and no page claims more."""

from __future__ import annotations

import re

import pytest

from anomsdk.audit.claims import ABOUT
from anomsdk.utils.files import packaged_folder
from tests.support.claims import KEYS, Claim, plain, register, section, stands_in, tomllib, unregistered
from tests.support.make import ROOT
from tests.support.named_tests import is_a_test

CLAIMS = register()
AREAS = {"engines", "canary", "seal", "firmware", "emulator", "retention", "leaving"}
"""Areas of checks: what stands before the dot of an id."""
PAGES = (
    "README.md",
    "docs/index.md",
    "docs/privacy.md",
    "docs/compliance.md",
    "firmware_port/include/anomsdk.h",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "reference_models").glob("*/MODEL_CARD.md")),
)
"""Pages on which each sentence that says what is kept is in the register."""


def test_the_register_has_one_form():
    tree = tomllib.loads((packaged_folder("register") / "claims.toml").read_text("utf-8"))
    assert set(tree) == {"claim"} and len(CLAIMS) > 60
    for entry in tree["claim"]:
        assert set(entry) <= KEYS, entry["id"]
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["id"]), entry["id"]
        assert entry["sentence"].strip() and entry["places"], entry["id"]
        for limit in entry.get("limits", ()):
            assert limit[0].isupper() and limit.endswith("."), f"{entry['id']}: a limit is a sentence"
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)


def test_a_claim_of_a_model_card_is_about_its_plan():
    """An audit of another plan does not show it; nor what is said of a section or a sensor that a plan has not."""
    models = {f"reference model {path.name}" for path in (ROOT / "reference_models").iterdir()}
    assert {claim.about for claim in CLAIMS} <= {"", *ABOUT, *models}
    for claim in CLAIMS:
        if claim.checks and all("MODEL_CARD" in place for place in claim.places):
            assert claim.about == f"reference model {claim.places[0].split('/')[1]}", claim.id
        if "health" in claim.id:
            assert claim.about == "health", claim.id


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_sentence_stands_where_the_register_says(claim):
    assert [place for place in claim.places if not stands_in(claim, place)] == [], claim.sentence


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_check_or_a_test_shows_it(claim):
    assert claim.checks or claim.by, f"nothing shows: {claim.sentence}"
    assert [name for name in claim.by if not is_a_test(name)] == []
    assert [name for name in claim.checks if not re.fullmatch(r"[a-z]+\.[a-z0-9-]+", name)] == []
    assert {name.partition(".")[0] for name in claim.checks} <= AREAS


def test_every_check_that_is_named_exists():
    from anomsdk.audit.checks import all_checks

    known = {check.id for check in all_checks()}
    assert {name: claim.id for claim in CLAIMS for name in claim.checks if name not in known} == {}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_claims_nothing_else(page):
    assert unregistered(page) == []


def test_a_claim_that_is_in_no_register_is_named_with_its_line(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\nOne sentence. It keeps\nno sample of yours.\n\n"
        "| a | the buffer is **wiped** |\n\n- It [never](x.md) leaves the device.\n\n"
        "**Limits.** It keeps more elsewhere.\n\n## What is not claimed\n\nIt keeps all.\n\n"
        "## Other\n\nIt keeps the promise of a ladder.\n\n```c\nkeeps = 1;\n```\n"
    )
    assert unregistered(page) == [
        f"{page}:3: It keeps no sample of yours.",
        f"{page}:6: the buffer is wiped",
        f"{page}:8: It never leaves the device.",
    ]


def test_a_sentence_that_stands_elsewhere_is_noticed(tmp_path):
    """In another section, with another word, or in a file that is not there."""
    page = tmp_path / "page.md"
    page.write_text("# One\n\nIt is *so* `that`\nit [is](there.md).\n\n## Below\n\n- And here.\n\n# Two\n\nThe rest.\n")
    text = page.read_text()
    assert plain(text) == "One It is *so* that it is. Below And here. Two The rest."
    assert "And here." in section(text, "one") and "rest" not in section(text, "one") and not section(text, "three")

    def found(sentence, place):
        return stands_in(Claim("x", sentence, ()), place)

    assert found("so* that it is.", str(page)) and found("And here.", f"{page}#below")
    assert not found("And here.", f"{page}#two") and not found("And there.", str(page))
    assert not found("And here.", str(tmp_path / "none.md"))


def test_reference_models_hold_no_recording():
    """Each of their files is text or a model, and together they are small."""
    files = [path for path in packaged_folder("reference_models").rglob("*") if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    suffixes = {".toml", ".tflite", ".json", ".md", ".csv", ".py"}
    assert len(files) >= 15 and {path.suffix for path in files} <= suffixes
    assert sum(path.stat().st_size for path in files) < 1_000_000
