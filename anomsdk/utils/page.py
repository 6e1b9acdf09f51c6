"""Head of every page of HTML that a command writes: one look, and a policy under which nothing is loaded."""

from __future__ import annotations

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {policy}">
<title>{{title}}</title>
<style>
:root {{{{ color-scheme: light; }}}}
body {{{{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; color: #222;
  background: #fff; overflow-wrap: anywhere; }}}}
h1 {{{{ font-size: 1.5rem; }}}} h2 {{{{ font-size: 1.15rem; margin-top: 2rem; }}}}
{style}</style>
{more}</head>
<body>
<h1>{{title}}</h1>
<p class="finding">{{finding}}</p>
"""


def page_head(style: str, *, policy: str = "style-src 'unsafe-inline'", more: str = "") -> str:
    """Make the beginning of a page as a template for `str.format`, with the fields ``title`` and ``finding``.

    Parameters
    ----------
    style : rules of CSS of this page, a line each, with doubled braces
    policy : what the page may do beside showing text; it never loads anything
    more : further elements of the head, with doubled braces
    """
    return _HEAD.format(policy=policy, style=style, more=more)
