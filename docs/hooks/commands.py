"""For mkdocs: `<!-- help: NAME -->` on a page becomes what `anomsdk NAME --help` prints."""

from __future__ import annotations

import re
from typing import Any

PLACE = re.compile(r"<!-- help: ?([a-z-]*) -->")


def help_of(name: str) -> str:
    """The help of a command, 80 columns wide; of all of them without a name."""
    from typer.testing import CliRunner

    from anomsdk.cli.app import app

    words = [name] if name else []
    done = CliRunner().invoke(app, [*words, "--help"], prog_name="anomsdk", terminal_width=80)
    if done.exit_code:
        raise SystemExit(f"docs: anomsdk {name} --help: {done.output}")
    return "\n".join(line.rstrip() for line in done.output.rstrip().splitlines())


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Hook of mkdocs: a page's Markdown before it is rendered."""
    return PLACE.sub(lambda found: f"```text\n{help_of(found[1])}\n```", markdown)
