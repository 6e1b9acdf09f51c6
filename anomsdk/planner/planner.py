"""Planner: from the files of a folder to a plan in integers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from anomsdk.core.checks import require
from anomsdk.core.plan import Plan
from anomsdk.core.rung import levels
from anomsdk.errors import InputError
from anomsdk.planner.alarm import alarm_plan
from anomsdk.planner.alert import raise_score, timing_plan
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration, signal_sections
from anomsdk.planner.diary import diary_plan
from anomsdk.planner.front_end import context_plan, duty_plan, extractor_plan, framer_plan, sensor_plan
from anomsdk.planner.health import health_plan
from anomsdk.planner.ladder import ladder_plan, promise_plans
from anomsdk.planner.layers import layer_plan, model_plan
from anomsdk.planner.normalisation import feature_source
from anomsdk.planner.score import as_chosen, reasons_plan, score_plan, spec_baseline
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.speech import check_speech, permission
from anomsdk.plans.speech import PERMISSION
from anomsdk.plans.tflite.model import TfliteModel
from anomsdk.plans.tflite.reader import read_tflite
from anomsdk.stats.budgets import Budget
from anomsdk.utils.files import inside

SPEC_FILE, PLAN_FILE = "spec.toml", "plan.json"


def plan(folder: str | Path) -> Plan:
    """Plan a pipeline from a folder; writes nothing.

    Parameters
    ----------
    folder : holds spec.toml, the model that it names, and calibration.json (unless the model is imported)

    Returns
    -------
    Plan

    Raises
    ------
    InputError : one line that names the file, the field or the stage

    Examples
    --------
    >>> import anomsdk
    >>> from anomsdk.plans.file import reference_models_folder
    >>> anomsdk.plan(reference_models_folder() / "audio_scene").name
    'audio_scene'
    """
    folder = Path(folder)
    require(folder.is_dir(), f"{folder}: no such folder; expected one with {SPEC_FILE} and a model")
    spec = PipelineSpec.from_file(folder / SPEC_FILE)
    calibration_path = folder / CALIBRATION_FILE
    calibration = Calibration.from_file(calibration_path) if calibration_path.exists() else None
    model = read_tflite(inside(folder, spec.model.file, f"{folder / SPEC_FILE}: model.file"))
    return plan_from(spec, model, calibration, folder=folder)


def plan_from(
    spec: PipelineSpec, model: TfliteModel, calibration: Calibration | None, *, folder: Path | None = None
) -> Plan:
    """Plan a pipeline from its parts. See `plan`."""
    check_speech(spec)
    spec = as_chosen(spec, calibration)
    timing = timing_plan(spec)
    baseline = spec_baseline(spec, timing, calibration)
    if calibration is not None:
        _check_calibration(spec, model, calibration)
    extractor = extractor_plan(spec, feature_source(spec, model, calibration))
    context = context_plan(spec, extractor.n_features, calibration.inputs if calibration is not None else None)
    n = context.n_inputs(extractor.n_features)
    require(
        model.n_in == n and model.n_out == n,
        f"{spec.model.file}: takes {model.n_in} and gives {model.n_out} values, but the features and context make {n}; "
        "train again",
    )
    layers = tuple(layer_plan(layer) for layer in model.layers)
    score = score_plan(model, n, calibration, extractor)
    made = Plan(
        name=spec.name,
        sensor=sensor_plan(spec),
        framer=framer_plan(spec),
        extractor=extractor,
        context=context,
        layers=layers,
        score=score,
        baseline=baseline,
        timing=timing,
        levels=levels(raise_score(spec, timing, calibration), timing),
        reasons=reasons_plan(extractor, context, score, None if calibration is None else calibration.group_levels),
        model=model_plan(model),
        provenance=_provenance(spec, calibration),
        alarm=alarm_plan(spec),
        health=health_plan(spec),
        duty=duty_plan(spec),
        folder=folder,
    )
    ladder = ladder_plan(spec, made, calibration)
    if ladder is not None:
        made = replace(made, ladder=ladder, promises=promise_plans(spec, ladder))
    made = replace(made, diary=diary_plan(spec.diary, made))
    made.check()
    return made


def check_sections(spec: PipelineSpec) -> None:
    """Refuse a duty, delays, an alarm or health section that would make no plan, whatever the model.

    Raises
    ------
    InputError : one line that names the field or the stage
    """
    duty_plan(spec)
    timing_plan(spec).check()
    alarm, health = alarm_plan(spec), health_plan(spec)
    if alarm is not None:
        alarm.check()
    if health is not None:
        health.check(spec.hop_length, spec.window_length, spec.columns)


def _provenance(spec: PipelineSpec, calibration: Calibration | None) -> dict[str, str]:
    from anomsdk._version import __version__

    facts = {"anomsdk": __version__, "model_file": spec.model.file}
    if spec.ladder is not None:
        facts["budgets"] = "; ".join(str(Budget.parse(text)) for text in spec.ladder.budgets)
    if spec.notes:
        facts["rounded"] = "; ".join(spec.notes)
    learnt = {} if calibration is None else calibration.provenance
    # Permission, budgets and notes of rounding come from the spec alone; those in calibration.json are dropped.
    learnt = {name: text for name, text in learnt.items() if name not in (PERMISSION, "rounded", "budgets")}
    return {**learnt, **facts, **permission(spec)}


def _check_calibration(spec: PipelineSpec, model: TfliteModel, calibration: Calibration) -> None:
    require(
        calibration.model_sha256 == model.sha256,
        f"{CALIBRATION_FILE}: belongs to another model (sha256 {calibration.model_sha256[:12]}..., "
        f"{spec.model.file} has {model.sha256[:12]}...); restore the model or train again",
    )
    for name, section in signal_sections(spec).items():
        then = calibration.signal.get(name)
        if then != section:
            changed = [k for k in section if not isinstance(then, dict) or then.get(k) != section[k]]
            raise InputError(
                f"{SPEC_FILE}: {name}.{(changed or ['?'])[0]} has changed since {CALIBRATION_FILE} was made; "
                "change it back or train again (the alert section and baseline_hold_s may be edited freely)"
            )
