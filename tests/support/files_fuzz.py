"""Damaged files into every reader and every command: each is read, or refused in one line. `make fuzz-files` runs it.

A child process takes a stretch of the cases under a limit of memory, with a watchdog that ends it where a case takes
too long; the parent starts the next one behind the case that killed it. A case depends on the seed and its number only:
``python -m tests.support.files_fuzz --case N`` runs one again, and leaves its input in a folder.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support import files_mutants as mutants
from tests.support.command_line import anomsdk_command
from tests.support.make import ROOT
from tests.support.peak import peak_kib

SECONDS = 20
MEMORY = 2 << 30
BATCH = 4000
LONGEST_LINE = 600
"""Characters of an error, the path of its file apart."""


@dataclass(frozen=True)
class Case:
    """What is done with one damaged file."""

    kind: str
    use: str
    run: Callable[[], str]


def number_of(text: str) -> int:
    return int(text.replace("_", ""))


class Work:
    """The folder of one process: plans that stay, and a place that is empty before and after each case."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = folder / "place"
        self.temporary = folder / "temporary"
        for each in (self.place, self.temporary):
            each.mkdir(parents=True, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.temporary)
        self.known = mutants.Known(folder / "known")
        self.runner = _Runner()

    def case(self, seed: int, number: int) -> Case:
        rng = np.random.default_rng([seed, number])
        kind, use = mutants.choose(rng)
        return Case(kind, use, lambda: mutants.USES[kind, use](self, rng))

    def clear(self) -> None:
        for each in (self.place, self.temporary):
            for entry in os.scandir(each):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    Path(entry.path).unlink()

    def leftovers(self) -> list[str]:
        """Files that are neither what was given (``in...``) nor what was asked for (``out...``)."""
        found = [str(path.relative_to(self.folder)) for path in self.temporary.rglob("*")]
        found += [entry.name for entry in os.scandir(self.place) if not entry.name.startswith(("in", "out"))]
        return found


@contextmanager
def address_space() -> Iterator[None]:
    """For what reserves gigabytes that it never touches: the emulator. What it does take is in the peak.

    What stays reserved afterwards is no other case's: the limit moves up by it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = _reserved()
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    try:
        yield
    finally:
        if soft != resource.RLIM_INFINITY:
            soft += max(0, _reserved() - before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _reserved() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


class BrokenError(AssertionError):
    """Neither read nor refused as it should be."""


class _Runner:
    """The command line, in this process."""

    def __call__(self, *given: object, stdin: bytes = b"", out: Path | None = None) -> str:
        arguments = [str(each) for each in given]
        done = anomsdk_command(*arguments, stdin=stdin)
        if done.status not in (0, 1, 2):
            raise BrokenError(f"exit status {done.status}: {done.stderr[-500:]}")
        if done.status == 0:
            return "done"
        errors = [line for line in done.stderr.splitlines() if line.startswith(("error: ", "Error: "))]
        if len(errors) != 1:
            raise BrokenError(f"{len(errors)} lines of error: {done.stderr[-500:]}")
        if "internal:" in errors[0] or (done.status == 1 and "anomsdk --debug" in errors[0]):
            raise BrokenError(errors[0])
        check_line(errors[0], most=LONGEST_LINE + sum(map(len, arguments)))
        if out is not None and out.exists() and done.status == 2:
            raise BrokenError(f"left behind: {out.name}; {errors[0]}")
        return "refused" if done.status == 2 else "check failed"


def check_line(text: str, most: int = LONGEST_LINE) -> None:
    """An error is one short line that any terminal can show."""
    bare = text.replace(os.environ["TMPDIR"].removesuffix("temporary"), "")
    if not text.isprintable() or len(bare) > most:
        raise BrokenError(f"no short printable line, {len(bare)} characters: {bare[:700]!r}")
    if "memory" in text.lower() or "asks for more than there is room for" in text:
        raise BrokenError(f"over the memory: {bare}")


def reading(run: Callable[[], object]) -> str:
    """Call what reads a file: what became of it."""
    from anomsdk.errors import CheckError, InputError

    try:
        run()
    except InputError as error:
        check_line(str(error))
        return "refused"
    except CheckError as error:
        check_line(str(error))
        return "check failed"
    return "done"


# One process


def work_off(folder: Path, seed: int, first: int, last: int, report: Path) -> None:
    """Run cases first to last, and write a line for each that went wrong."""
    faulthandler.enable()
    warnings.simplefilter("error", RuntimeWarning)  # a user sees it; others, of libraries, are for developers
    warnings.simplefilter("error", UserWarning)
    work = Work(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    counts: Counter[tuple[str, str, str]] = Counter()
    slowest = (0.0, 0)
    files = None
    with report.open("a") as out:
        for number in range(first, last):
            out.write(f"at {number}\n")
            out.flush()
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            start = time.monotonic()
            case = work.case(seed, number)
            try:
                outcome = case.run()
                if left := work.leftovers():
                    raise BrokenError(f"left behind: {left}")
            except (Exception, SystemExit) as error:
                outcome = "BROKEN"
                what = "".join(traceback.format_exception(error)[-6:]).strip()
                out.write(json.dumps({"case": number, "kind": case.kind, "use": case.use, "what": what[-2500:]}) + "\n")
            faulthandler.cancel_dump_traceback_later()
            slowest = max(slowest, (time.monotonic() - start, number))
            counts[case.kind, case.use, outcome] += 1
            work.clear()
            if number % 500 == 0:
                gc.collect()
                now = len(list(Path("/proc/self/fd").iterdir()))
                files = now if files is None else files
                if now > files + 8:
                    out.write(
                        json.dumps({"case": number, "kind": "any", "use": "any", "what": f"{now} open files"}) + "\n"
                    )
                    files = now
            if number % 200 == 199 or number == last - 1:
                tally = [[*key, n] for key, n in counts.items()]
                out.write(json.dumps({"counts": tally, "slowest": slowest, "peak": peak_kib() << 10}) + "\n")
                counts.clear()
    shutil.rmtree(folder, ignore_errors=True)


# All of them


@dataclass
class Found:
    """What all processes reported."""

    counts: Counter[tuple[str, str, str]]
    broken: list[dict[str, object]]
    cases: int = 0
    slowest: tuple[float, int] = (0.0, 0)
    peak: int = 0
    seconds: float = 0.0


def run(cases: int, seed: int, *, first: int = 0, batch: int = BATCH, say: Callable[[str], None] = print) -> Found:
    """Run cases in processes, one after the other."""
    found = Found(Counter(), [])
    start = time.monotonic()
    at, end = first, first + cases
    with tempfile.TemporaryDirectory(prefix="files-fuzz-") as place:
        while at < end:
            last = min(end, at + batch)
            command = [sys.executable, "-m", "tests.support.files_fuzz", "--work"]
            at = one_batch(command, Path(place), seed, at, last, found, say)
            found.seconds = time.monotonic() - start
            say(
                f"{at - first:,} of {cases:,} files, {len(found.broken)} broken, slowest {found.slowest[0]:.2f} s, "
                f"peak {found.peak >> 20} MiB, {found.seconds:.0f} s"
            )
    found.cases = at - first
    return found


def one_batch(
    command: list[str], place: Path, seed: int, first: int, last: int, found: Found, say: Callable[[str], None]
) -> int:
    """Run cases in one process, and add what it reports: the number of the first case that is still to be run."""
    report, folder = place / "report", place / f"work-{first}"
    report.unlink(missing_ok=True)
    command = [*command, str(folder), str(first), str(last), str(report)]
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
        "ANOMSDK_FUZZ_SEED": str(seed),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    lines = report.read_text().splitlines() if report.exists() else []
    at = first
    for line in lines:
        if line.startswith("at "):
            at = int(line[3:])
            continue
        tree = json.loads(line)
        if "counts" in tree:
            for kind, use, outcome, n in tree["counts"]:
                found.counts[kind, use, outcome] += n
            found.slowest = max(found.slowest, tuple(tree["slowest"]))
            found.peak = max(found.peak, tree["peak"])
        else:
            found.broken.append(tree)
            say(f"broken: case {tree['case']}, {tree['kind']}, {tree['use']}\n{tree['what']}")
    if done.returncode == 0:
        return last
    what = {"case": at, "kind": "?", "use": "?", "what": f"ended with {done.returncode}: {done.stderr[-2500:]}"}
    if not lines:
        raise RuntimeError(what["what"])
    found.broken.append(what)
    found.counts["?", "?", "BROKEN"] += 1
    say(f"broken: case {at}\n{what['what']}")
    shutil.rmtree(folder, ignore_errors=True)
    return at + 1


def table(found: Found) -> str:
    """Counts a kind and use."""
    outcomes = ("done", "refused", "check failed", "BROKEN")
    lines = [f"{'file':<18} {'into':<14}" + "".join(f"{each:>13}" for each in outcomes)]
    total: Counter[str] = Counter()
    for kind, use in sorted({key[:2] for key in found.counts}):
        numbers = [found.counts[kind, use, outcome] for outcome in outcomes]
        total.update(dict(zip(outcomes, numbers, strict=True)))
        lines.append(f"{kind:<18} {use:<14}" + "".join(f"{n:>13,}" for n in numbers))
    lines.append(f"{'all':<33}" + "".join(f"{total[each]:>13,}" for each in outcomes))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=number_of, default=200_000)
    parser.add_argument("--first", type=number_of, default=0)
    parser.add_argument("--case", type=number_of)
    parser.add_argument("--work", nargs=4)
    arguments = parser.parse_args()
    seed = int(os.environ.get("ANOMSDK_FUZZ_SEED", "1"))
    if arguments.work:
        folder, first, last, report = arguments.work
        work_off(Path(folder), seed, int(first), int(last), Path(report))
        return 0
    if arguments.case is not None:
        work = Work(Path(tempfile.mkdtemp(prefix="files-fuzz-")))
        case = work.case(seed, arguments.case)
        print(f"case {arguments.case}: {case.kind} into {case.use}, in {work.place}", flush=True)
        start = time.monotonic()
        print(case.run(), f"{time.monotonic() - start:.2f} s")
        return 0
    found = run(arguments.cases, seed, first=arguments.first, say=lambda line: print(line, flush=True))
    print(table(found))
    print(
        f"{found.cases:,} files of seed {seed}: {len(found.broken)} broken, slowest {found.slowest[0]:.2f} s "
        f"(case {found.slowest[1]}), peak {found.peak >> 20} MiB, in {found.seconds:.0f} s"
    )
    return int(bool(found.broken))


if __name__ == "__main__":
    sys.exit(main())
