"""Report of an audit as one page of HTML that loads nothing and needs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from anomsdk.audit.check import Verdict
from anomsdk.utils.page import page_head
from anomsdk.utils.text import counted

_STYLE = """h3 {{ font-size: 1rem; margin: 1.2rem 0 .2rem; }}
table {{ border-collapse: collapse; font-size: .9rem; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }}
code {{ font-size: .85rem; }} .small {{ color: #555; font-size: .9rem; }} .finding {{ font-size: 1.15rem; }}
dl {{ margin: .2rem 0; display: grid; grid-template-columns: 7rem 1fr; }} dt {{ color: #555; }} dd {{ margin: 0; }}
.v {{ white-space: nowrap; font-weight: bold; }} .shown {{ color: #146c43; }} .failed {{ color: #b02a37; }}
.not {{ color: #664d03; }}
@media screen and (max-width: 44rem) {{ dl {{ grid-template-columns: 1fr; }} dt {{ margin-top: .3rem; }} }}
@media print {{ @page {{ margin: 15mm; }} body {{ max-width: none; padding: 0; font-size: 10pt; }}
  tr, dl {{ break-inside: avoid; }} }}
"""
_PAGE = (
    page_head(_STYLE)
    + """<p>{extent}
Each verdict holds for what was looked at here, in the configuration below. "Not shown here" means that
nothing is known from this report. Each check and each claim says what it does not show. The same audit of the same
things comes to the same verdicts; every check can be repeated with the command beside it.</p>
<h2>What was looked at</h2>
<table><thead><tr><th>name</th><th>SHA-256</th></tr></thead><tbody>{subjects}</tbody></table>
<h2>Claims</h2>
<p class="small">Sentences of the README, the documentation and the headers, with the files in which they stand.</p>
{claims}
<h2>Checks</h2>
{checks}
{not_run}
<h2>Configuration</h2>
<dl>{configuration}</dl>
<h2>This machine and this run</h2>
<p class="small">No verdict rests on these: {host}. Counts and addresses of each check are in host.json.</p>
<h2>What a signature is worth</h2>
<p>SHA256SUMS shows that the files of this report belong together, not who wrote them. A signature (report.dsse.json)
shows that the holder of a key wrote these verdicts. If the holder is the party whose product was audited, that is no
more than their word; anybody who has the product can run the audit again and compare report.json, byte for byte.</p>
</body>
</html>
"""
)

_ORDER = (Verdict.FAILED, Verdict.SHOWN, Verdict.NOT_SHOWN)
"""Order in which claims are listed."""
_CLASSES = {Verdict.SHOWN.value: "shown", Verdict.FAILED.value: "failed", Verdict.NOT_SHOWN.value: "not"}


def as_html(statement: Mapping[str, Any], host: Mapping[str, Any]) -> str:
    """Write the page of a report.

    Parameters
    ----------
    statement : tree of report.json
    host : tree of host.json
    """
    predicate = statement["predicate"]
    names = [each["name"] for each in statement["subject"]]
    plans = [name.removesuffix("/plan.json") for name in names if name.endswith("/plan.json")]
    others = [name for name in names if not name.endswith("/plan.json") and not name.startswith("anomsdk")]
    return _PAGE.format(
        title=escape(f"Audit of {', '.join(plans + others) or 'anomsdk'}"),
        finding=escape(finding(predicate)),
        subjects="".join(
            f"<tr><td>{escape(each['name'])}</td><td><code>{escape(each['digest']['sha256'])}</code></td></tr>"
            for each in statement["subject"]
        ),
        extent=escape(_extent(predicate)),
        claims="".join(_claims(predicate["claims"], verdict.value) for verdict in _ORDER),
        checks="".join(map(_check, predicate["checks"])),
        not_run=_not_run(predicate["not_run"]),
        configuration=_rows(predicate["configuration"]),
        host=escape("; ".join(f"{name} {value}" for name, value in host.items() if isinstance(value, str))),
    )


def finding(predicate: Mapping[str, Any]) -> str:
    """Say in one sentence what an audit came to."""
    counts = predicate["verdicts"]["claims"]
    failed, shown, unknown = (counts[v.value] for v in (Verdict.FAILED, Verdict.SHOWN, Verdict.NOT_SHOWN))
    first = f"{counted(failed, 'claim')} failed. " if failed else ""
    return f"{first}{counted(shown, 'claim')} shown, {unknown} not shown here."


def _extent(predicate: Mapping[str, Any]) -> str:
    """Say how many checks were run, and why others were not."""
    ran, reasons = len(predicate["checks"]), Counter(predicate["not_run"].values())
    left_out = "".join(f" {counted(n, 'check')} not run: {why}." for why, n in sorted(reasons.items()))
    return f"{counted(ran, 'check')} run.{left_out}"


def _claims(claims: Sequence[Mapping[str, Any]], verdict: str) -> str:
    """Write the claims of one verdict under a heading; nothing if there are none."""
    rows = [_claim(claim) for claim in claims if claim["verdict"] == verdict]
    if not rows:
        return ""
    heading = f"<h3>{_verdict(verdict)} ({len(rows)})</h3><table><thead><tr><th>claim</th>"
    return f"{heading}<th>because</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _claim(claim: Mapping[str, Any]) -> str:
    limits = _sentences(claim["limits"])
    places = f'<br><span class="small">{escape(", ".join(claim["places"]))}</span>'
    checks = ", ".join(f'<a href="#{escape(check)}">{escape(check)}</a>' for check in claim["checks"])
    because = escape(claim["because"]) or f"shown by {checks}"
    return (
        f"<tr><td>{escape(claim['sentence'])}{places}</td>"
        f"<td>{because}{f'<br>Limits: {limits}' if limits else ''}</td></tr>"
    )


def _check(check: Mapping[str, Any]) -> str:
    evidence = check["evidence"]
    rows = {
        "because" if check["verdict"] == Verdict.NOT_SHOWN.value else "found": escape(check["result"]),
        "how": escape(check["method"]),
        "limits": _sentences(check["limits"]),
        "repeat it": f"<code>{escape(check['command'])}</code>",
        "looked at": escape("; ".join(f"{name} {digest}" for name, digest in sorted(check["looked_at"].items()))),
        "evidence": evidence and f'<a href="{escape(evidence["file"])}">{escape(evidence["file"])}</a>',
    }
    terms = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows.items() if value)
    name = escape(check["id"])
    return f'<h3 id="{name}">{_verdict(check["verdict"])} {name}: {escape(check["title"])}</h3><dl>{terms}</dl>'


def _not_run(reasons: Mapping[str, str]) -> str:
    if not reasons:
        return ""
    items = "".join(f"<li>{escape(check)}: {escape(why)}</li>" for check, why in sorted(reasons.items()))
    return f"<h2>Checks that were not run</h2><ul>{items}</ul>"


def _rows(tree: Mapping[str, Any]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(_words(value))}</dd>" for name, value in tree.items())


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(map(_words, value)) or "none"
    return str(value)


def _sentences(sentences: Iterable[str]) -> str:
    return escape(" ".join(sentences))


def _verdict(verdict: str) -> str:
    return f'<span class="v {_CLASSES[verdict]}">{escape(verdict)}</span>'
