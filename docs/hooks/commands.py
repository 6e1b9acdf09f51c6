"""Hook of mkdocs: replaces `<!-- help: NAME -->` on a page by the output of `anomsdk NAME --help`."""

from __future__ import annotations

import re
from typing import Any

PLACE = re.compile(r"<!-- help: ?([a-z-]*) -->")


def help_of(name: str) -> str:
    """Help of a command, or of the whole program without a name, 80 columns wide."""
    from typer.testing import CliRunner

    from anomsdk.cli.app import app

    words = [name] if name else []
    done = CliRunner().invoke(app, [*words, "--help"], prog_name="anomsdk", terminal_width=80)
    if done.exit_code:
        raise SystemExit(f"docs: anomsdk {name} --help: {done.output}")
    return "\n".join(line.rstrip() for line in done.output.rstrip().splitlines())


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the help of commands. mkdocs calls this with the Markdown of a page before it is rendered."""
    return PLACE.sub(lambda found: f"```text\n{help_of(found[1])}\n```", markdown)
