"""What `make system` installs."""

import re

from tests.support.board import BOARDS
from tests.support.make import ROOT


def test_it_is_what_the_boards_need():
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (packages,) = re.findall(r"^SYSTEM := (.*)$", text, re.M)
    assert set(packages.split()) == {package for board in BOARDS.values() for package in board.packages}
