"""Folder of a report: what an audit writes, and the check that nothing in it was altered.

report.json is the statement, report.html the page, host.json what belongs to the machine, evidence/ the raw evidence.
SHA256SUMS lists all of them. report.dsse.json is the statement again, signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomsdk._version import __version__
from anomsdk.audit.check import Verdict
from anomsdk.audit.report import (
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    VERSION,
    Report,
    canonical,
    evidence_files,
    host_part,
    statement,
)
from anomsdk.audit.report_html import as_html
from anomsdk.audit.report_html import finding as finding_of
from anomsdk.audit.signature import key_id, read_public_key, require_cryptography, signed, verified
from anomsdk.errors import InputError, printable
from anomsdk.utils.files import read_limited, replace_folder

_SUMS = "SHA256SUMS"
_STATEMENT, _PAGE, _HOST, _ENVELOPE = "report.json", "report.html", "host.json", "report.dsse.json"
_LARGEST = 1 << 26
_AGAIN = "get the report again from who wrote it, or run the audit yourself"


@dataclass(frozen=True)
class Checked:
    """Outcome of the check of a report.

    Parameters
    ----------
    finding : what the audit came to, in one sentence
    failed : a claim or a check failed in the audit
    signed_by : id of the key whose signature was checked; None: no key was given
    notes : what was not checked, a sentence each
    """

    finding: str
    failed: bool
    signed_by: str | None
    notes: tuple[str, ...]


def check_place(folder: Path) -> None:
    """Refuse a place that holds anything but an earlier report.

    Raises
    ------
    InputError : the place is a file, or a folder with other contents
    """
    try:
        foreign = folder.exists() and not (folder / _SUMS).is_file() and (not folder.is_dir() or any(folder.iterdir()))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a usable path"
        raise InputError(f"{printable(folder)}: {reason}; choose another folder for the report") from None
    if foreign:
        raise InputError(f"{printable(folder)}: holds something else than a report; choose another folder")


def write_report(report: Report, folder: Path, key: Any = None) -> None:
    """Write a report; an earlier one in the same place is replaced as a whole.

    Parameters
    ----------
    report : Report
    folder : new folder, or one of an earlier report
    key : Ed25519 private key that signs the statement; None: no signature

    Raises
    ------
    InputError : the folder holds something else, or cannot be written
    """
    check_place(folder)
    tree, host = _as_read(statement(report)), _as_read(host_part(report))
    files = {
        _STATEMENT: canonical(tree),
        _PAGE: as_html(tree, host).encode(),
        _HOST: canonical(host),
        **evidence_files(report),
    }
    if key is not None:
        files[_ENVELOPE] = signed(files[_STATEMENT], key)
    sums = _sums({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    replace_folder(folder, {**files, _SUMS: sums})


def check_report(folder: Path, key_file: Path | None = None) -> Checked:
    """Check that a report was not altered, and who signed it.

    Parameters
    ----------
    folder : folder of the report
    key_file : Ed25519 public key in PEM; None: the signature is not checked

    Raises
    ------
    InputError : a file is missing, was added or altered, the report is of another version, or the signature is not of
        this key
    """
    files = _read(folder)
    tree, host = _parsed(folder, files[_STATEMENT]), _parsed(folder, files[_HOST])
    notes = ["host.json is not covered by a signature"]
    try:
        version, predicate = tree["predicate"]["version"], tree["predicate"]
        known = (tree["_type"], tree["predicateType"], version) == (STATEMENT_TYPE, PREDICATE_TYPE, VERSION)
        if not known:
            raise InputError(
                f"{printable(folder)}: a report of another version; read it with the anomsdk that wrote it"
            )
        for check in predicate["checks"]:
            evidence = check["evidence"]
            if evidence and hashlib.sha256(files.get(evidence["file"], b"")).hexdigest() != evidence["sha256"]:
                raise _altered(folder, evidence["file"])
        if predicate["configuration"]["anomsdk"] != __version__:
            notes.append("report.html was written by another version of anomsdk and was not compared with report.json")
        elif as_html(tree, host).encode() != files[_PAGE]:
            raise _altered(folder, _PAGE)
        counts = predicate["verdicts"]
        failed = any(counts[what][Verdict.FAILED.value] for what in ("claims", "checks"))
        finding = finding_of(predicate)
    except (KeyError, TypeError, AttributeError, IndexError):
        raise InputError(f"{printable(folder)}: report.json is no report of anomsdk; {_AGAIN}") from None
    if key_file is None:
        notes.append(
            "the signature was not checked: no key was given" if _ENVELOPE in files else "the report is not signed"
        )
        return Checked(finding, failed, None, tuple(notes))
    require_cryptography()
    key = read_public_key(key_file)
    if _ENVELOPE not in files:
        raise InputError(f"{printable(folder)}: the report is not signed; leave out `key`, or ask for a signed one")
    verified(files[_ENVELOPE], files[_STATEMENT], key)
    return Checked(finding, failed, key_id(key), tuple(notes))


def _read(folder: Path) -> dict[str, bytes]:
    """Read all files of a report, and compare each with the list of their hashes."""
    advice = "give the folder of a report"
    sums = read_limited(folder / _SUMS, _LARGEST, advice=advice)
    listed = {}
    for line in sums.decode(errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    if _sums(listed) != sums:
        raise _altered(folder, _SUMS)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()} - {_SUMS}
    for name in sorted(there - set(listed)):
        raise InputError(f"{printable(folder / name)}: does not belong to this report; {_AGAIN}")
    files = {}
    for name, digest in listed.items():
        if name not in there:
            raise InputError(f"{printable(folder)}: {printable(name)} is missing; {_AGAIN}")
        files[name] = read_limited(folder / name, _LARGEST, advice=_AGAIN)
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise _altered(folder, name)
    for name in (_STATEMENT, _PAGE, _HOST):
        if name not in files:
            raise InputError(f"{printable(folder)}: {name} is missing; {_AGAIN}")
    return files


def _sums(digests: Mapping[str, str]) -> bytes:
    """Write the list of hashes, as ``sha256sum -c`` reads it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def _parsed(folder: Path, data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise InputError(f"{printable(folder)}: report.json or host.json is no JSON; {_AGAIN}") from None


def _as_read(tree: Any) -> Any:
    """Return a tree as a reader of its JSON gets it."""
    return json.loads(canonical(tree))


def _altered(folder: Path, name: str) -> InputError:
    return InputError(f"{printable(folder / name)}: was altered after the report was written; {_AGAIN}")
