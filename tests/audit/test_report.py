"""Report of an audit: verdicts, the statement, the page, and that an altered report is told from a whole one."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import anomsdk
from anomsdk.audit import auditor, signature
from anomsdk.audit.auditor import audit
from anomsdk.audit.check import Check, Finding, Verdict
from anomsdk.audit.checks import chosen_checks
from anomsdk.audit.claims import Claim, judge, read_claims
from anomsdk.audit.report import as_text, canonical, statement
from anomsdk.audit.report_folder import check_report, write_report
from anomsdk.runtime.engines.tflite import model_bytes

PLAN = anomsdk.reference_model("audio_scene")
SHOWN = Finding(Verdict.SHOWN, "0 of 1,000 samples", {"run": 7}, {"plan": PLAN.id}, {"address": "0x7f00"})


def check(name, finding=SHOWN, **more):
    def run(subject):
        if isinstance(finding, Exception):
            raise finding
        return finding

    return Check(name, f"Title of {name}.", "It looks.", ("It cannot see <b>swap</b>.",), run, **more)


def claim(name, *checks, by=()):
    return Claim(name, f"Sentence of {name}.", ("README.md",), checks, by, ())


@pytest.fixture
def given(monkeypatch):
    """Function that puts checks and claims in the place of the real ones."""

    def put(checks, claims=()):
        monkeypatch.setattr(auditor, "all_checks", lambda: tuple(checks))
        monkeypatch.setattr(auditor, "read_claims", lambda: tuple(claims))

    return put


# --- verdicts


def test_a_claim_is_shown_by_all_of_its_checks_and_fails_by_one(given):
    checks = [check("a.one"), check("a.two", Finding(Verdict.FAILED, "8 samples")), check("a.three")]
    checks.append(check("b.four", anomsdk.InputError("no permission; run it as the owner")))
    given(
        checks, [claim("x", "a.one", "a.three"), claim("y", "a.one", "a.two", "b.four"), claim("z", "a.one", "b.four")]
    )
    found = {judged.claim.id: judged for judged in audit(PLAN).claims}
    assert (found["x"].verdict, found["x"].why) == (Verdict.SHOWN, "")
    assert found["y"].verdict is Verdict.FAILED and found["y"].why == "a.two: 8 samples"
    assert found["z"].verdict is Verdict.NOT_SHOWN
    assert found["z"].why == "b.four: no permission; run it as the owner"


def test_what_was_not_run_shows_nothing(given):
    given(
        [check("a.one", quick=True), check("a.two"), check("f.elf", needs="elf")],
        [claim("x", "a.one", "a.two"), claim("e", "f.elf")],
    )
    report = audit(PLAN, quick=True)
    assert [outcome.check.id for outcome in report.outcomes] == ["a.one"]
    assert [judged.verdict for judged in report.claims] == [Verdict.NOT_SHOWN] * 2
    assert [judged.why for judged in report.claims] == ["a.two: left out by `quick`", "f.elf: left out by `quick`"]
    assert audit(PLAN).left_out == {"f.elf": "no build was given: `elf`"}


@pytest.mark.parametrize(
    "about, plan, why",
    [
        ("", "audio_scene", ""),
        ("motion", "human_motion", ""),
        ("motion", "audio_scene", "the plan that was audited is not of motion"),
        ("signal", "human_motion", ""),
        ("signal", "cattle_days", "the plan that was audited is of days, which keeps rows for 24 hours"),
        ("days", "cattle_days", ""),
        ("days", "cattle_collar", "the plan that was audited is not of days"),
        ("health", "audio_scene", "the plan that was audited has no health section"),
        ("ladder", "audio_scene", "the plan that was audited has no ladder section"),
        ("sections", "audio_scene", "the plan that was audited has no alarm, health or ladder section"),
        ("reference model human_motion", "human_motion", ""),
        ("reference model human_motion", "cattle_collar", "it is said of the reference model human_motion"),
    ],
)
def test_a_claim_about_another_plan_is_not_shown(about, plan, why):
    (judged,) = judge([replace(claim("x", "a.one"), about=about)], {"a.one": SHOWN}, {}, anomsdk.reference_model(plan))
    assert (judged.verdict, judged.why) == (Verdict.NOT_SHOWN if why else Verdict.SHOWN, why)


def test_checks_with_one_reason_are_named_together():
    (judged,) = judge([claim("x", "a.one", "a.two")], {}, dict.fromkeys(("a.one", "a.two"), "no time"), PLAN)
    assert judged.why == "a.one, a.two: no time"


@pytest.mark.parametrize(
    "error, why",
    [
        (
            PermissionError(13, "Permission denied", "/proc/77/mem"),
            r"does not let the check look \(Permission denied\)",
        ),
        (FileNotFoundError(2, "No such file or directory", "/proc/77"), r"\(No such file or directory\)"),
        (subprocess.CalledProcessError(1, ["cc", "/tmp/x77"]), r"\(CalledProcessError\)"),
        (ImportError("libx.so.77"), r"\(ImportError\)"),
        (anomsdk.InputError("process 77: it has ended"), "^the process that was looked at: it has ended$"),
    ],
)
def test_what_a_machine_does_not_allow_is_not_shown_and_said_alike_on_every_run(given, error, why):
    """Never a traceback; numbers of processes and names of temporary files are in the part of the host."""
    given([check("a.one", error)], [claim("x", "a.one")])
    (outcome,) = audit(PLAN).outcomes
    assert outcome.finding.verdict is Verdict.NOT_SHOWN and re.search(why, outcome.finding.result)
    assert "77" not in outcome.finding.result and outcome.finding.host["said"] == str(error)


def test_temporary_names_are_in_no_reason(given):
    def run(subject):
        raise anomsdk.InputError(f"{subject.plan_file}: damaged; {subject.folder / 'x'} and {subject.elf}: missing")

    given([replace(check("a.one"), run=run)])
    assert audit(PLAN).outcomes[0].finding.result == "plan.json: damaged; a.one/x and None: missing"


def test_the_model_stands_beside_the_plan_that_is_looked_at(given):
    """Engine tflite reads it there."""

    def run(subject):
        engine = anomsdk.read_plan(subject.plan_file)
        return replace(SHOWN, evidence={"bytes": len(model_bytes(engine))})

    given([replace(check("a.one"), run=run)])
    (outcome,) = audit(PLAN).outcomes
    assert outcome.finding.evidence["bytes"] == len(model_bytes(PLAN)) > 1000


def test_a_wheel_has_the_hash_of_its_checkout(tmp_path):
    package = Path(auditor.__file__).parents[1]
    for path in (package / "audit").glob("*.py"):
        (tmp_path / "a" / "audit").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "a" / "audit")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for name in ("reference_models/x", "firmware_port/src"):
        (tmp_path / "b" / name).mkdir(parents=True)
        (tmp_path / "b" / name / "recipe.py").write_text("1")
    assert auditor.package_hash(tmp_path / "a") == auditor.package_hash(tmp_path / "b")
    (tmp_path / "b" / "audit" / "check.py").write_text("1")
    assert auditor.package_hash(tmp_path / "a") != auditor.package_hash(tmp_path / "b")


def test_a_claim_without_a_check_is_never_shown():
    """Also where a test of the repository shows it: who reads the report has not run that test."""
    for by in ((), ("tests/a.py::test_b",)):
        (judged,) = judge([claim("x", by=by)], {}, {}, PLAN)
        assert judged.verdict is Verdict.NOT_SHOWN and all(test in judged.why for test in by)


def test_checks_are_chosen_by_id_and_by_area():
    checks = [check("canary.a"), check("canary.b"), check("seal.a")]
    assert chosen_checks(checks, ()) == tuple(checks)
    assert [each.id for each in chosen_checks(checks, ["seal", "canary.b"])] == ["canary.b", "seal.a"]
    with pytest.raises(anomsdk.InputError, match=r"no check 'canary\.c'; choose from canary.a, "):
        chosen_checks(checks, ["canary.c"])
    with pytest.raises(anomsdk.InputError, match="no check"):
        chosen_checks(checks, ["can"])


# --- the statement and the page


def test_the_statement_is_the_same_bytes_whatever_the_host(given, tmp_path):
    given([check("a.one")], [claim("x", "a.one")])
    first = canonical(statement(audit(PLAN)))
    given([check("a.one", replace(SHOWN, host={"address": "0x1234"}))], [claim("x", "a.one")])
    assert canonical(statement(audit(PLAN))) == first
    given([check("a.one", replace(SHOWN, evidence={"run": 8}))], [claim("x", "a.one")])
    assert canonical(statement(audit(PLAN))) != first


def test_the_order_of_names_does_not_matter():
    assert canonical({"b": 1, "a": {"d": 2, "c": 3}}) == canonical({"a": {"c": 3, "d": 2}, "b": 1})


def test_the_statement_has_the_form_of_in_toto(given):
    """https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md"""
    given([check("a.one")], [claim("x", "a.one")])
    tree = statement(audit(PLAN))
    assert list(tree) == ["_type", "subject", "predicateType", "predicate"]
    assert tree["_type"] == "https://in-toto.io/Statement/v1"
    digests = {each["name"]: each["digest"]["sha256"] for each in tree["subject"]}
    assert digests["audio_scene/plan.json"] == hashlib.sha256(PLAN.canonical_bytes).hexdigest()
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values()) and "anomsdk" in digests


def test_the_page_loads_nothing_and_escapes_what_it_shows(given, tmp_path):
    given([check("a.one", replace(SHOWN, result="<script>x</script>"))], [claim("x", "a.one")])
    write_report(audit(PLAN), tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page and "&lt;b&gt;swap" in page
    assert not re.findall(r"https?://|src=|@import|url\(", page) and "default-src 'none'" in page
    for word in (
        "Title of a.one.",
        "It looks.",
        "0x7f00",
        PLAN.id,
        "anomsdk audit PLAN --only a.one",
        "evidence/a.one.json",
    ):
        assert (word in page) == (word != "0x7f00"), word


def test_the_text_names_a_claim_that_failed(given):
    given([check("a.one", Finding(Verdict.FAILED, "8 samples"))], [claim("x", "a.one")])
    text = as_text(audit(PLAN))
    assert text.startswith("failed          a.one\n    8 samples\n") and "x failed: Sentence of x." in text
    assert "shown           0\nfailed          1\nnot shown here  0\n" in text


def test_the_text_says_why_once_for_checks_in_a_row(given):
    why = anomsdk.InputError("no compiler; install one")
    given([check("a.one", why), check("a.two", why), check("f.elf", needs="elf")])
    text = as_text(audit(PLAN))
    assert text.startswith("not shown here  a.one\nnot shown here  a.two\n    because no compiler; install one\n\n"), (
        text
    )
    assert "1 check not run: no build was given: `elf`\n" in text


# --- the folder, altered


@pytest.fixture
def folder(given, tmp_path):
    given([check("a.one"), check("b.two")], [claim("x", "a.one")])
    write_report(audit(PLAN), tmp_path / "report", signature.read_private_key(key(tmp_path)))
    return tmp_path / "report"


def key(folder, algorithm="ed25519", *options):
    private, public = folder / f"{algorithm}.pem", folder / f"{algorithm}.pub.pem"
    if not private.exists():
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", algorithm, *options, "-out", private], check=True, capture_output=True
        )
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return private


def public_key(folder, algorithm="ed25519"):
    return key(folder, algorithm).with_suffix(".pub.pem")


def test_a_whole_report_is_told_with_its_signer(folder):
    found = check_report(folder, public_key(folder.parent))
    assert found.finding == "1 claim shown, 0 not shown here." and not found.failed
    assert found.signed_by == signature.key_id(signature.read_public_key(public_key(folder.parent)))
    assert check_report(folder).signed_by is None
    assert (
        subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=False).returncode
        == 0
    )


@pytest.mark.parametrize(
    "name", ["report.json", "report.html", "host.json", "report.dsse.json", "evidence/a.one.json", "SHA256SUMS"]
)
@pytest.mark.parametrize("at", [0, 0.5, -1])
def test_one_byte_that_was_altered_is_found(folder, name, at):
    data = bytearray((folder / name).read_bytes())
    data[at if at < 1 and at != 0.5 else len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(anomsdk.InputError, match=r"altered|missing|belong"):
        check_report(folder)


def with_sums(folder):
    """Write the list of hashes anew, as somebody does who forges a report."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n" for path in files
    )
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.mark.parametrize(
    "name, match",
    [
        ("report.json", r"(report.html|a.one.json): was altered|signature is of another"),
        ("report.html", r"report.html: was altered"),
        ("evidence/a.one.json", r"evidence/a.one.json: was altered"),
        ("report.dsse.json", "signature is (damaged|of another)|not signed with this key"),
    ],
)
def test_a_forged_report_is_found_by_its_signature(folder, name, match):
    text = (folder / name).read_text()
    changed = text.replace("shown", "sh0wn") if name == "report.html" else text.replace("7", "8", 1)
    changed = changed.replace('"result": "0 of 1,000', '"result": "1 of 1,000')
    (folder / name).write_text(changed)
    with_sums(folder)
    with pytest.raises(anomsdk.InputError, match=match):
        check_report(folder, public_key(folder.parent))


@pytest.mark.parametrize(
    "change, match",
    [
        (lambda folder: (folder / "host.json").unlink(), "host.json is missing"),
        (lambda folder: (folder / "more.txt").write_text("x"), "more.txt: does not belong"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), "cannot be read"),
        (lambda folder: shutil.rmtree(folder), "cannot be read"),
        (lambda folder: ((folder / "report.json").write_text("[]"), with_sums(folder)), "no report of anomsdk"),
        (lambda folder: ((folder / "report.json").write_text("{"), with_sums(folder)), "is no JSON"),
        (lambda folder: ((folder / "report.json").write_text("[" * 99_999), with_sums(folder)), "is no JSON"),
    ],
)
def test_what_is_no_report_is_one_line(folder, change, match):
    change(folder)
    with pytest.raises(anomsdk.InputError, match=match) as error:
        check_report(folder)
    assert "\n" not in str(error.value)


def test_another_version_is_refused(folder):
    tree = json.loads((folder / "report.json").read_text())
    tree["predicate"]["version"] = 2
    (folder / "report.json").write_bytes(canonical(tree))
    with_sums(folder)
    with pytest.raises(anomsdk.InputError, match="another version"):
        check_report(folder)


def test_keys_of_the_wrong_kind_are_one_line(folder):
    keys = folder.parent
    key(keys, "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    (keys / "text.pem").write_text("hello")
    for reader, names in (
        (signature.read_private_key, ("RSA.pem", "ed25519.pub.pem", "text.pem")),
        (signature.read_public_key, ("RSA.pub.pem", "ed25519.pem", "text.pem")),
    ):
        for name in names:
            with pytest.raises(anomsdk.InputError, match=r"is no Ed25519 (private|public) key"):
                reader(keys / name)
    key(keys, "ed448")
    other = keys / "other"
    other.mkdir()
    with pytest.raises(anomsdk.InputError, match="not signed with this key"):
        check_report(folder, public_key(other))
    (folder / "report.dsse.json").unlink()
    with_sums(folder)
    with pytest.raises(anomsdk.InputError, match="is not signed"):
        check_report(folder, public_key(keys))


def test_a_signature_covers_type_and_length():
    """The example of the specification of DSSE, with our payload type."""
    assert signature._authenticated(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


# --- the command


def test_the_command_writes_a_report_and_checks_it(given, cli, tmp_path):
    given([check("a.one", quick=True)], [claim("x", "a.one")])
    out = tmp_path / "report"
    done = cli("audit", "audio_scene", "--quick", "--out", out, "--sign", key(tmp_path))
    assert done.status == 0 and "a.one" in done.out and str(out / "report.html") in done.out
    done = cli("audit", "--check", out, "--key", public_key(tmp_path))
    assert done.status == 0 and done.out.startswith("The report is as it was written. Signed with the key ")
    (out / "host.json").write_text("{}")
    done = cli("audit", "--check", out)
    assert (done.status, done.err.count("\n")) == (2, 1) and "host.json: was altered" in done.err


def test_a_failed_claim_is_status_1_and_its_report_is_written(given, cli, tmp_path):
    given([check("a.one", Finding(Verdict.FAILED, "8 samples"))], [claim("x", "a.one")])
    done = cli("audit", "audio_scene", "--out", tmp_path / "report")
    assert done.status == 1 and done.err == "error: audit: 1 check failed: a.one: 8 samples\n"
    done = cli("audit", "--check", tmp_path / "report")
    assert done.status == 1 and done.err == "error: audit: the report says that a check failed\n"


@pytest.mark.parametrize(
    "words, says",
    [
        ([], "nothing to look at; give a plan, or --elf"),
        (["audio_scene", "--plan", "human_motion"], "--plan: is given twice"),
        (["audio_scene", "--only", "nothing.here"], "there is no check 'nothing.here'"),
        (["audio_scene", "--sign", "key.pem"], "--sign: signs a report that is written; give --out"),
        (["audio_scene", "--key", "key.pem"], "--key: is for the report of --check"),
        (["audio_scene", "--map", "x.map"], "--map: is about a dump; give --ram"),
        (["audio_scene", "--base", "0"], "--base: is about a dump; give --ram"),
        (["--ram", "dump.bin"], "--ram: a dump is searched for what a plan keeps; give --plan"),
        (["--check", "x", "--out", "y"], "--out: does not go with --check"),
        (["--elf", "no.elf"], "no.elf: cannot be read: no such file"),
        (["--write-signal", "x.npy"], "--write-signal: depends on the plan"),
        (["audio_scene", "--write-signal", "x.wav"], "x.wav: the test signal is written as .npy"),
        (["audio_scene", "--ram", "d", "--base", "0x1g"], "--base: '0x1g' is no address"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(given, cli, words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given([check("a.one")])
    done = cli("audit", *words)
    assert (done.status, done.err.count("\n")) == (2, 1) and says in done.err, done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("rate_hz", "columns", "says"),
    [(8000, 1, "8000 Hz resampled to 16000 Hz"), (16_000, 2, "2 channels mixed down")],
)
def test_a_signal_that_would_be_changed_is_not_what_a_device_has_heard(cli, tmp_path, rate_hz, columns, says):
    """A search for other samples finds nothing, which would look like a dump that is clean."""
    samples = np.random.default_rng(0).integers(-9000, 9000, (9000, columns)).astype(np.int16)
    soundfile.write(tmp_path / "heard.wav", samples, rate_hz)
    done = cli("audit", "audio_scene", "--ram", tmp_path / "ram.bin", "--signal", tmp_path / "heard.wav")
    assert done.status == 2 and f"{says}: a device has heard other samples; give int16" in done.err


def test_a_place_with_something_else_in_it_is_left_alone(given, cli, tmp_path):
    given([check("a.one")])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    (tmp_path / "file").write_text("keep")
    for name in ("mine", "file"):
        done = cli("audit", "audio_scene", "--out", tmp_path / name)
        assert done.status == 2 and "choose another folder" in done.err
    assert (tmp_path / "mine" / "notes.txt").read_text() == (tmp_path / "file").read_text() == "keep"


def test_the_register_comes_with_the_package():
    claims = read_claims()
    assert len({each.id for each in claims}) == len(claims) > 10
