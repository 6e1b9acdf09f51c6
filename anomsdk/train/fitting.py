"""`fit` and `fit_from`: train a detector on normal recordings, and write its folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.plan import Plan
from anomsdk.errors import all_or_none
from anomsdk.planner.front_end import sensor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.speech import check_speech
from anomsdk.runtime.memory import wiping
from anomsdk.sources.clips import noticed, open_clips
from anomsdk.sources.stream_format import ReadOptions, StreamFormat
from anomsdk.train.data.corpus import LABELS, clips_of
from anomsdk.train.folder import claimed
from anomsdk.train.options import Options, Progress, Report
from anomsdk.train.training_run import Given, TrainingRun

Samples = NDArray[np.int16]


@wiping()
def fit(
    spec: PipelineSpec,
    recordings: Iterable[Samples],
    *,
    groups: Sequence[object] | None = None,
    calibration: Iterable[Samples] | None = None,
    anomalous: Iterable[Samples] | None = None,
    out: str | Path,
    seed: int = 0,
    options: Options | None = None,
    report: Report = lambda line: None,
    progress: Progress = lambda done, total: None,
    doing: Report = lambda words: None,
) -> Plan:
    """Train a detector on normal recordings and write its folder.

    Parameters
    ----------
    spec : what to build. ``model.max_macs``, ``max_ram`` and ``max_flash`` bound the model; ``model.file`` is written
        as model.tflite; a ``score.baseline_s`` of "chosen" is replaced by the time constant with the best AUC
    recordings : int16 (n,) or (n, columns) each, at the rate of the spec; normal behaviour only
    groups : one label for each recording (subject, animal, day); recordings with the same label are never split between
        training and held out. By default each recording is a group of its own
    calibration : other normal recordings, for the alarm level; by default a quarter of the groups is held out for it
    anomalous : anomalous recordings to choose the model on; by default generated probes in held-out normal recordings
    out : folder to write: spec.toml, model.tflite, calibration.json, plan.json
    seed : seed of everything random; used where ``options`` is None
    options : other options; None: the defaults of `Options`
    report : called with lines on what was done
    progress : called with the steps done and expected, several times a second
    doing : called with words for the current step

    Returns
    -------
    Plan, as read back from the folder

    Raises
    ------
    InputError : too few recordings, recordings of the wrong type, budgets that no model keeps, or an option out of
        range

    Examples
    --------
    >>> import anomsdk, numpy as np, tempfile
    >>> spec = anomsdk.PipelineSpec.from_dict({
    ...     "format": 1, "name": "meter", "sensor": {"kind": "external", "rate_hz": 10},
    ...     "features": {"kind": "external", "n_features": 3}, "context": {"kind": "stack", "frames": 2},
    ...     "model": {"max_macs": 40}})
    >>> rng = np.random.default_rng(0)
    >>> days = [rng.normal(0, 100, (600, 3)).astype(np.int16) for _ in range(4)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plan = anomsdk.train.fit(spec, days, out=f"{folder}/meter")
    >>> plan.name, plan.n_inputs
    ('meter', 6)
    """
    check_speech(spec)  # before recordings are made or read
    options = Options(seed=seed) if options is None else options
    normal = Given(list(clips_of(spec, recordings, groups, "recording")))
    require(groups is None or len(groups) == len(normal.clips), LABELS)
    held = None if calibration is None else Given(list(clips_of(spec, calibration, None, "calibration recording")))
    odd = None if anomalous is None else Given(list(clips_of(spec, anomalous, None, "anomalous recording")))
    fitting = TrainingRun(spec, Path(out), options, report, progress, doing)
    with claimed(Path(out)):
        return fitting.run(normal, held, odd, spec_text=None)


@wiping()
def fit_from(
    spec_path: str | Path,
    normal: str | Path,
    out: str | Path,
    *,
    calibration: str | Path | None = None,
    anomalous: str | Path | None = None,
    group: str | None = None,
    reading: ReadOptions | None = None,
    skip_bad: bool = False,
    seed: int = 0,
    options: Options | None = None,
    report: Report = lambda line: None,
    progress: Progress = lambda done, total: None,
    doing: Report = lambda words: None,
) -> Plan:
    """Train as `fit` does, on recordings in files.

    A run that was stopped continues where it was when it is called again with the same arguments.

    Parameters
    ----------
    spec_path : path of a spec.toml
    normal, calibration, anomalous : folders or files, as `anomsdk.sources.clips.open_clips` takes them
    group, reading : key of the groups, and what files do not say of themselves, as `anomsdk.sources.clips.open_clips`
    skip_bad : leave out files that cannot be read; by default they are an error
    out, seed, options, report, progress, doing : as `fit`
    """
    spec = PipelineSpec.from_file(spec_path)
    options = Options(seed=seed) if options is None else options
    stream_format = StreamFormat.of(sensor_plan(spec), spec.columns)

    def given(path: str | Path | None) -> Given | None:
        if path is None:
            return None
        found = open_clips(path, stream_format, reading=reading, group=group, skip_bad=skip_bad)
        for line in noticed(found.clips):
            report(line)
        return Given(found.clips, found.bad)

    fitting = TrainingRun(spec, Path(out), options, report, progress, doing, skip_bad=skip_bad, resumable=True)
    with claimed(Path(out)):
        opened, held, odd = all_or_none(*(partial(given, path) for path in (normal, calibration, anomalous)))
        text = Path(spec_path).read_text(encoding="utf-8")
        return fitting.run(opened, held, odd, spec_text=text)
