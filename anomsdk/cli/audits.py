"""Command of auditors: audit, which runs checks of what is kept, looks into builds and dumps, and checks reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anomsdk.cli.options import Json, RunOptions, plan_named, print_report, takes, tell
from anomsdk.errors import CheckError, InputError, printable
from anomsdk.utils.text import counted

if TYPE_CHECKING:
    from anomsdk.core.plan import Plan

_PLAN = "A plan.json, a folder that holds one, or the name of a reference model."


@takes("seed")
def audit(
    subject: Annotated[str | None, typer.Argument(metavar="PLAN", help=_PLAN)] = None,
    plan: Annotated[str | None, typer.Option("--plan", metavar="P", help="The same as PLAN.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the report to the folder DIR: report.html, report.json, and the evidence. An earlier report in "
            "DIR is replaced.",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Run the quick checks only.")] = False,
    only: Annotated[
        str | None,
        typer.Option(metavar="ID,...", help="Run these checks only; an area such as canary stands for all of its own."),
    ] = None,
    elf: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Look into your own build: a firmware.elf, a libanom.a or an object file."),
    ] = None,
    ram: Annotated[
        Path | None,
        typer.Option(metavar="DUMP", help="Search a dump of a device's RAM for the signal it has heard, and stop."),
    ] = None,
    link_map: Annotated[
        Path | None,
        typer.Option("--map", metavar="X.map", help="With --ram: the map of the firmware, as its linker writes it."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="With --ram: address of the dump's first byte. Default: that of the map."),
    ] = None,
    signal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npy",
            help="With --ram: samples that the device has heard. Default: the test signal that --write-signal writes.",
        ),
    ] = None,
    write_signal: Annotated[
        Path | None,
        typer.Option(metavar="OUT.npy", help="Write the test signal of PLAN for a device to hear, and stop."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Check that the report in DIR was not altered, and stop."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="PUB.pem", help="With --check: Ed25519 public key of who signed the report."),
    ] = None,
    sign: Annotated[
        Path | None,
        typer.Option(metavar="KEY.pem", help="With --out: sign the report with an Ed25519 private key."),
    ] = None,
    as_json: Json = False,
    *,
    run: RunOptions,
) -> None:
    """Show what is kept of the signal, and what is not.

    Runs the commands that people run, stops them, and searches their memory; compiles the plan and does the same in an
    emulator. A check that cannot run here shows nothing, and says why. Fails if a claim fails.
    """
    if subject is not None and plan is not None:
        raise InputError("`plan`: is given twice; give PLAN once")
    named = plan if subject is None else subject
    chosen = None if named is None else plan_named(named)
    if check is not None:
        _refuse(check="check", plan=chosen, out=out, elf=elf, ram=ram, sign=sign, write_signal=write_signal)
        _check(check, key)
        return
    if key is not None:
        raise InputError("`key`: is for the report of `check`; give both, or `sign` to sign one")
    if write_signal is not None:
        _refuse(write_signal="write_signal", out=out, elf=elf, ram=ram, sign=sign)
        _write_signal(chosen, write_signal)
        return
    if ram is not None:
        _refuse(ram="ram", out=out, elf=elf, sign=sign)
        _search(chosen, ram, link_map, base, signal, as_json)
        return
    for option, given in (("link_map", link_map), ("base", base), ("signal", signal)):
        if given is not None:
            raise InputError(f"`{option}`: is about a dump; give `ram`, too")
    _audit(chosen, out, sign, elf, quick, only, as_json, run)


def _audit(
    plan: Plan | None,
    out: Path | None,
    sign: Path | None,
    elf: Path | None,
    quick: bool,
    only: str | None,
    as_json: bool,
    run: RunOptions,
) -> None:
    from anomsdk.audit.auditor import audit as examine
    from anomsdk.audit.report import as_text, statement
    from anomsdk.audit.report_folder import check_place, write_report
    from anomsdk.audit.signature import read_private_key, require_cryptography

    private = None
    if out is not None:
        check_place(out)
    if sign is not None:
        if out is None:
            raise InputError("`sign`: signs a report that is written; give `out`, too")
        require_cryptography()
        private = read_private_key(sign)
    with run.working("looking") as progress:

        def tell_progress(title: str, done: int, total: int) -> None:
            progress.doing(title)
            progress.update(done, total)

        found = examine(
            plan,
            elf=elf,
            quick=quick,
            only=only.split(",") if only else (),
            seeds=(run.seed,),
            progress=tell_progress,
        )
    if out is not None:
        write_report(found, out, private)
    print_report(as_json, lambda: statement(found), lambda: as_text(found))
    if out is not None and not as_json:
        tell(f"report: {out / 'report.html'}")
    if found.failed:
        first = found.failed[0]
        raise CheckError(
            f"audit: {counted(len(found.failed), 'check')} failed: {first.check.id}: {first.finding.result}"
        )


def _check(folder: Path, key: Path | None) -> None:
    from anomsdk.audit.report_folder import check_report

    found = check_report(folder, key)
    signer = "" if found.signed_by is None else f" Signed with the key {found.signed_by}."
    tell(f"The report is as it was written.{signer} {found.finding}")
    for line in found.notes:
        tell(f"note: {line}")
    if found.failed:
        raise CheckError("audit: the report says that a check failed")


def _write_signal(plan: Plan | None, path: Path) -> None:
    import io

    import numpy as np

    from anomsdk.audit.firmware.dump import played_canary
    from anomsdk.utils.files import write_atomically

    if plan is None:
        raise InputError("`write_signal`: depends on the plan; give PLAN")
    if path.suffix != ".npy":
        raise InputError(f"{printable(path)}: the test signal is written as .npy; give a name that ends in .npy")
    data = io.BytesIO()
    np.save(data, played_canary(plan))
    write_atomically(path, data.getvalue())


def _search(
    plan: Plan | None,
    dump: Path,
    link_map: Path | None,
    base: str | None,
    signal: Path | None,
    as_json: bool,
) -> None:
    from anomsdk.audit.check import Verdict
    from anomsdk.audit.firmware.dump import search_dump
    from anomsdk.sources import StreamFormat, open_recordings, read_recording

    if plan is None:
        raise InputError("`ram`: a dump is searched for what a plan keeps; give `plan`")
    heard = None
    if signal is not None:
        recordings = open_recordings(signal, StreamFormat.of(plan.sensor, plan.columns))
        if len(recordings) != 1:
            raise InputError(f"{printable(signal)}: holds {len(recordings)} recordings; give a file that holds one")
        if notes := recordings[0].notes:
            raise InputError(
                f"{printable(signal)}: {notes[0]}: a device has heard other samples; give int16 as it gets them"
            )
        heard = read_recording(recordings[0])
    found = search_dump(dump, plan, link_map, None if base is None else _address(base), heard)
    tree = {"verdict": found.verdict.value, "result": found.result, "evidence": found.evidence}
    print_report(as_json, lambda: tree, lambda: f"{found.verdict.value}: {found.result}")
    if found.verdict is Verdict.FAILED:
        raise CheckError(f"audit: {found.result}")


def _address(text: str) -> int:
    try:
        address = int(text, 0)
    except ValueError:
        address = -1
    if not 0 <= address < 1 << 32:
        raise InputError(f"`base`: '{printable(text)}' is no address of 32 bits; give one such as 0x20000000")
    return address


def _refuse(**given: Any) -> None:
    """Refuse options that do not go with the first one."""
    first, *others = given
    for option in others:
        if given[option] is not None:
            raise InputError(f"`{option}`: does not go with `{first}`; leave one of them out")
