"""The documentation builds as a site without a warning, and reading it fetches nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from tests.support.make import ROOT
from tests.support.pages import DOCS

pytest.importorskip("mkdocs", reason="the tools of the site are missing; make docs installs them")

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "audio": "src", "video": "src"}
FETCHED |= {"object": "data", "embed": "src"}
ELSEWHERE = re.compile(r"^\s*(https?:)?//", re.I)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        # The one thing it silences is a notice of mkdocs-material about its own future, which is no fault of a page.
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr, done.stdout + done.stderr
    return folder


class _Fetches(HTMLParser):
    """Addresses that a browser gets by itself."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in FETCHED:
            self.found.append(given.get(FETCHED[tag]) or "")
        # A canonical or alternate link is followed by nobody; every other one may be fetched.
        if tag == "link" and given.get("rel") not in ("canonical", "alternate", "next", "prev"):
            self.found.append(given.get("href") or "")
        self.found += re.findall(r"url\(['\"]?([^)'\"]+)", given.get("style") or "")


def fetched(page: str) -> list[str]:
    parser = _Fetches()
    parser.feed(page)
    return parser.found


def test_the_check_sees_what_is_fetched():
    page = '<link rel="preconnect" href="https://a/b"><script src="//c/d"></script><a href="https://e">'
    assert [bool(ELSEWHERE.match(each)) for each in fetched(page)] == [True, True]


def test_nothing_is_fetched_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 10
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert fetched(text), "the scan finds nothing at all"
        assert not [each for each in fetched(text) if ELSEWHERE.match(each)], page.name
        assert not re.search(r"(@import|@font-face)[^;}]*https?:", text), page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name


def test_every_page_is_there(site):
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS).with_suffix(".html")).exists(), page
    assert not list(site.rglob("*.py")), "hooks are no pages"


def test_the_references_were_filled_in(site):
    commands = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    assert "help:" not in commands and "Usage: anomsdk train" in commands and "--normal" in commands
    names = (site / "reference" / "api.html").read_text(encoding="utf-8")
    assert 'id="anomsdk.train.fit"' in names and "normal behaviour only" in names
    assert ":::" not in names and "----------" not in names, "sections of docstrings are rendered"
