"""Proof that the engines agree on a plan: every integer is compared with ``==``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.streams import Piece, Press, applied, random_inputs, random_streams
from anomsdk.core.fixed import Ints
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, UnusableInputsError, all_or_none, printable
from anomsdk.runtime.golden import MAX_VALUES, Block, golden_digest, golden_stream
from anomsdk.runtime.memory import wipe_leftovers, wiped_after_use, wiping
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.runtime.streams import reconstruct
from anomsdk.sources.stream_format import ReadOptions
from anomsdk.utils.text import counted, table


@dataclass(frozen=True)
class Comparison:
    """Comparison of one engine with the reference engine on one stream; a row of the report.

    Parameters
    ----------
    what : name of the stream or of the inputs
    against : engine that is compared with the reference engine
    unit : unit of the counts: results, features, outputs or digests
    compared, different : number of values compared, and number of values that are not equal
    judged : a difference is a failure
    """

    what: str
    against: str
    unit: str
    compared: int
    different: int
    judged: bool = True


@dataclass(frozen=True)
class Report:
    """Result of `verify`.

    Parameters
    ----------
    plan_id : id of the plan
    comparisons : all comparisons, in the order in which they were made
    missing : (engine, reason why it could not take part)
    digest : sha256 of the run over the golden stream, 64 hex digits, see `anomsdk.runtime.golden.golden_digest`
    golden_ticks, golden_events : ticks and events that the digest covers
    """

    plan_id: str
    comparisons: tuple[Comparison, ...]
    missing: tuple[tuple[str, str], ...]
    digest: str
    golden_ticks: int
    golden_events: int

    @property
    def differences(self) -> int:
        """Number of differences that are failures."""
        return sum(c.different for c in self.comparisons if c.judged)


@wiping()
def verify(
    plan: Plan,
    files: Sequence[str | Path] = (),
    *,
    reading: ReadOptions | None = None,
    hops: int = 2000,
    seed: int = 0,
    cross_check: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Run every engine over the same streams and count what differs.

    Parameters
    ----------
    plan : Plan, read from the folder that holds its model
    files, reading : further recordings to run, see `anomsdk.sources.open_recordings`
    hops : length of each random stream in hops, 1 or more, at most 2**24 values; 4 ticks if these are longer
    seed : seed of the random streams and of the lengths of their blocks, 0 or more
    cross_check : also count differences to ai-edge-litert, which rounds in another way; they are no failure
    progress : called after each block with the share that is done and the whole, in units of its own

    Returns
    -------
    Report

    Raises
    ------
    InputError : a file cannot be read, or the model beside the plan is missing or does not belong to it
    """
    from anomsdk.runtime.engines.native import passes_selftest
    from anomsdk.sources.files import open_recordings
    from anomsdk.sources.recording import Recording
    from anomsdk.sources.stream_format import StreamFormat

    most = MAX_VALUES // (plan.framer.hop * plan.columns)
    if not 1 <= hops <= most or seed < 0:
        raise InputError(
            f"verify: `hops={hops}`, `seed={seed}`; give 1 to {most} hops for this plan, and a seed from 0"
        )
    stream_format = StreamFormat.of(plan.sensor, plan.columns)

    def opened(file: str | Path) -> list[Recording]:
        try:
            return open_recordings(file, stream_format, reading=reading)
        except InputError as error:
            raise error if isinstance(error, UnusableInputsError) else UnusableInputsError([str(error)]) from None

    recordings = [recording for each in all_or_none(*(partial(opened, file) for file in files)) for recording in each]
    reasons = _why_missing(plan)
    missing = [(engine, reason) for engine, reason in reasons.items() if reason]
    others = [engine for engine, reason in reasons.items() if not reason]
    comparisons: list[Comparison] = []
    rng = np.random.default_rng([seed, 1])
    streams: list[tuple[str, Iterable[Piece]]] = [("golden stream", [golden_stream(plan)])]
    streams += random_streams(plan, hops, seed).items()
    streams += [(recording.name, wiped_after_use(recording.blocks())) for recording in recordings]
    lengths = [None] * (len(streams) - len(recordings)) + [recording.length for recording in recordings]
    whole = 1000 * (len(streams) + 1)
    for done, ((name, pieces), length) in enumerate(zip(streams, lengths, strict=True)):
        progress(1000 * done, whole)

        def heard(samples: int, done: int = done, length: int | None = length) -> None:
            progress(1000 * done + (min(999, 1000 * samples // length) if length else 0), whole)

        comparisons += _compare_streams(plan, name, pieces, others or ["reference"], rng, heard)
    progress(1000 * len(streams), whole)
    inputs = random_inputs(plan, seed)
    for other in others:
        comparisons += _compare_outputs(plan, inputs, other)
    if cross_check:
        try:
            comparisons.append(_cross_check(plan, inputs["random inputs"]))
        except InputError as error:
            missing.append(("litert", str(error)))
    digest, ticks, events = golden_digest(plan, "reference")
    if "native" in others:
        passed = passes_selftest(plan, digest)
        comparisons.append(Comparison("boot self-test in C", "native", "digests", 1, int(not passed)))
    return Report(plan.id, tuple(comparisons), tuple(missing), digest, ticks, events)


def as_text(report: Report) -> str:
    """Lay a report out as text, as `anomsdk verify` prints it."""
    engines = list(dict.fromkeys(c.against for c in report.comparisons))
    counted_in: dict[tuple[str, str, int, int], dict[str, str]] = {}
    rows_of: Counter[tuple[str, str, str]] = Counter()  # recordings of different folders may have one name
    for c in report.comparisons:
        different = f"{c.different:,}" if c.judged else f"({c.different:,})"
        nth = rows_of[c.what, c.unit, c.against]
        counted_in.setdefault((c.what, c.unit, c.compared, nth), {})[c.against] = different
        rows_of[c.what, c.unit, c.against] += 1
    rows = [("reference against", "", "compared", *engines)]
    for (what, unit, compared, _), different_in in counted_in.items():
        cells = [different_in.get(engine, "") for engine in engines]
        rows.append((printable(what), unit, f"{compared:,}", *cells))
    lines = [table(rows, right=tuple(range(2, 3 + len(engines)))), ""]
    lines.append("Numbers below an engine are differences to the reference.")
    if not all(c.judged for c in report.comparisons):
        lines.append("In brackets: another rounding, counted only.")
    lines += [printable(f"missing: {engine}: {why}") for engine, why in report.missing]
    covered = f"{counted(report.golden_ticks, 'tick')}, {counted(report.golden_events, 'event')}"
    return "\n".join([*lines, f"plan   {report.plan_id}", f"golden {report.digest} ({covered})"])


def _why_missing(plan: Plan) -> dict[str, str | None]:
    """Map each engine but the reference to the reason why it cannot take part here; None: it can."""
    from anomsdk.runtime import native_module
    from anomsdk.runtime.engines import tflite

    return {"tflite": tflite.why_missing(), "native": native_module.why_missing(plan.extractor.kind)}


class _Tally:
    """Counts of the differences between one engine and the reference engine on one stream."""

    def __init__(self, plan: Plan, engine: str) -> None:
        self.engine = engine
        self._pipeline = Pipeline(plan, engine, tap=True)
        self._longest = 16 * plan.samples_per_tick
        self._results = self._results_differ = self._features = self._features_differ = 0

    def apply(self, what: int | Press, expected: tuple[list[Result], int, int]) -> None:
        """Lose samples or press a button, and count the differences to the reference."""
        self._count(expected, applied(self._pipeline, what))

    def compare(self, block: Block, expected: list[Result], inputs: NDArray[np.int8], rng: np.random.Generator) -> None:
        """Run a block in parts of random length and count the differences to the reference."""
        got, tapped = [], [inputs[:0]]
        for cut in _cuts(block, self._longest, rng):
            got += self._pipeline.process(cut)
            tapped.append(self._pipeline.tapped)
        self._count((expected, 0, 0), (got, 0, 0))
        a, b = inputs, np.concatenate(tapped)
        self._features += max(a.size, b.size)
        self._features_differ += int((a != b).sum()) if a.shape == b.shape else max(a.size, b.size)

    def _count(self, wanted: tuple[list[Result], int, int], found: tuple[list[Result], int, int]) -> None:
        expected, got = wanted[0], found[0]
        self._results += max(len(expected), len(got))
        self._results_differ += sum(a != b for a, b in zip(expected, got, strict=False)) + abs(len(expected) - len(got))
        self._results_differ += wanted[1:] != found[1:]

    def close(self, what: str) -> Iterator[Comparison]:
        """Wipe the pipeline and yield the counts."""
        self._pipeline.close()
        yield Comparison(what, self.engine, "results", self._results, self._results_differ)
        yield Comparison(what, self.engine, "features", self._features, self._features_differ)


def _compare_streams(
    plan: Plan,
    what: str,
    pieces: Iterable[Piece],
    others: Sequence[str],
    rng: np.random.Generator,
    heard: Callable[[int], None],
) -> Iterator[Comparison]:
    """Run the reference over whole blocks, and the other engines over the same samples in parts of random length."""
    tallies, samples = [_Tally(plan, other) for other in others], 0
    with Pipeline(plan, "reference", tap=True) as reference:
        for piece in pieces:
            if isinstance(piece, (int, Press)):
                sent = applied(reference, piece)
                for tally in tallies:
                    tally.apply(piece, sent)
                continue
            expected = reference.process(piece)
            for tally in tallies:
                tally.compare(piece, expected, reference.tapped, rng)
            samples += len(piece)
            heard(samples)
    for tally in tallies:
        yield from tally.close(what)
    wipe_leftovers()


def _cuts(block: Block, longest: int, rng: np.random.Generator) -> Iterator[Block]:
    """Cut a block into parts of 0 to ``longest`` samples, their logarithms evenly distributed."""
    start = 0
    while start < len(block):
        length = int(2.0 ** rng.uniform(0, np.log2(longest + 1))) - 1
        yield block[start : start + length]
        start += length


def _compare_outputs(plan: Plan, inputs: dict[str, NDArray[np.int8]], other: str) -> Iterator[Comparison]:
    for name, rows in inputs.items():
        a, b = reconstruct(plan, rows, "reference"), reconstruct(plan, rows, other)
        yield Comparison(name, other, "outputs", a.size, int((a != b).sum()))


def _cross_check(plan: Plan, rows: NDArray[np.int8]) -> Comparison:
    from anomsdk.runtime.engines.tflite import InterpreterModel, model_bytes, open_cross_check

    model = InterpreterModel(open_cross_check(model_bytes(plan)), plan.model)
    wide: Ints = rows.astype(np.int64)
    different = int((model.run(wide) != reconstruct(plan, rows, "reference")).sum())
    size = len(rows) * plan.layers[-1].n_out
    return Comparison("random inputs", "litert", "outputs", size, different, judged=False)
