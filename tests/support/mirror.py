"""Compares core/<stem>.py with anom_<stem>.h and .c of the C port, by their text.

What differs must stand in one of the tables, with a reason. An entry that nothing needs is a difference, too.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

from anomsdk.core.plan import EXTRACTORS
from tests.support import c_text

PYTHON_ONLY_STEMS = {"checks": "the planner proves, C trusts a proven plan"}
C_ONLY_STEMS = {
    "assumptions": "numpy has none",
    "wipe": "a numpy array is filled",
    "copy": "numpy copies",
    "x86": "numpy has its own",
    "sha256": "hashlib",
    "selftest": "golden.py, which runs whole streams",
    "kernels": "numpy has its own",
}
NO_C_SOURCE = {"plan": "a struct, and nothing that runs"}

BATCH = "numpy takes a batch of windows at once, in scratch of its own"
PLANNING = "plans are made and proven in Python"
TABLES = "tables of C hold them in the order in which they are read"
FILES = "plans are files in Python, constants in C"

OPERATE = "a case of anom_alarm_operate: one function of C takes less code than five"
WORD = "four words of 32 bits, which C puts together where the event is made"
MEMORY_OF_RECORD = "the memory of C is that of a record"
RECORD = "rows of the table of anom_record.c, by which C copies a record"
PYTHON_ONLY = {
    "alarm.acknowledge": OPERATE,
    "alarm.silence": OPERATE,
    "alarm.cancel": OPERATE,
    "alarm.serve": OPERATE,
    "alarm.test": OPERATE,
    "alarm.save": RECORD,
    "alarm.restore": RECORD,
    "alert.save": RECORD,
    "alert.restore": RECORD,
    "baseline.save": RECORD,
    "baseline.restore": RECORD,
    "downlink.bytes": "a device only reads downlinks",
    "downlink.from_bytes": "anom_pipeline_downlink of C",
    "downlink.level_for": "anom_pipeline_downlink of C",
    "downlink._unpacked": "anom_pipeline_downlink of C",
    "duty.due_q31": PLANNING,
    "health.save": RECORD,
    "health.restore": RECORD,
    "pipeline.record_for": "is_for of anom_record.c",
    "pipeline.state": "anom_pipeline_save, which can fail in C",
    "pipeline.restore": "anom_pipeline_restore of anom_record.c",
    "pipeline._say_readiness": "anom_supervisor_is_ready of C, which asks the extractor",
    "pipeline._pass": "part of anom_pipeline_lose, and anom_duty_pause",
    "pipeline._reference_of": "anom_pipeline_reference of C, which records need as well",
    "record.bytes": "anom_pipeline_save of C",
    "record.from_bytes": "is_for of C, then a table",
    "rung.save": RECORD,
    "rung.restore": RECORD,
    "supervisor.refuse": "anom_pipeline_restore of C",
    "supervisor.save": RECORD,
    "supervisor.restore": RECORD,
    "alarm._raise": "raise_alarm of C, where raise is a function of the library",
    "health._is_on": PLANNING,
    "health._set": "report of C",
    "health._decide_axes": "part of decide of C",
    "health._decide_at_rest": "part of decide of C",
    "health._checked": "a loop of C",
    "health._powers": "numpy takes all values at once",
    "pipeline.due": "part of the poll of a supervisor: C gives one result at a time",
    "pipeline.operate": "a function for each operation, and part of the poll of a supervisor",
    "pipeline._follow": "part of run of C",
    "pipeline._lose": "anom_pipeline_lose of C, which supervisors call as well",
    "pipeline._supervised": "the poll of a supervisor",
    "pipeline._supervised_tick": "anom_supervisor_judge of C",
    "pipeline._without_tick": "the poll of a supervisor",
    "pipeline._supervisor": PLANNING,
    "supervisor._next": "due of C gives one event at a time",
    "supervisor._event": "write_event of C",
    "rung.levels": PLANNING,
    "autoencoder.check_layers": PLANNING,
    "autoencoder._Layer.run": "run_layer of C",
    "bands.level_range": PLANNING,
    "baseline.run": "benchmarks score whole streams",
    "context.statistics_of": "statistic_of of C gives one of them",
    "context._deviation": "a branch of statistic_of of C",
    "context._check_frames": PLANNING,
    "event.compacted": "anom_event_compact of C writes the bytes of what it gives",
    "event.from_bytes": "a device only writes events",
    "event._expanded": "a device only writes events",
    "extractor.levels": "a member of anom_extractor_type, as in each extractor",
    "extractor.wipe_scratch": BATCH,
    "bands.wipe_scratch": BATCH,
    "bands._places": BATCH,
    "logmel.wipe_scratch": BATCH,
    "motion.level_range": PLANNING,
    "motion.Feature": PLANNING,
    "motion._Window": "C gathers once what several features are made of",
    "fft.wipe": BATCH,
    "fft._load": "part of the first stage in C",
    "fft._radix2": "part of load_radix2 of C",
    "fft._radix4_stages": "a loop of C",
    "fft._circle": TABLES,
    "fft._stage_twiddles": TABLES,
    "filterbank.largest_sum": PLANNING,
    "filterbank.wipe": BATCH,
    "filterbank._carve": BATCH,
    "framer._discard": "part of push: C has it for the pipeline",
    "pipeline.extractor_for": "the plan of C names its extractor",
    "pipeline.run": "the engines in Python differ in it",
    "pipeline.ticks": BATCH,
    "pipeline.results": BATCH,
    "pipeline._result": "part of poll_observed",
    "pipeline._explained": "explain of C, which has the event in hand",
    "reasons.band_groups": PLANNING,
    "reasons.part_groups": PLANNING,
    "reasons.marks": PLANNING,
    "reasons._directions": PLANNING,
    "reasons.words": "a device only writes events",
    "reasons._word": "a device only writes events",
    "reasons._of_largest": "a member of anom_score_type, which only programs with groups hold",
    "diary.init": "anom_diary_reset of C, in memory that is the caller's",
    "diary.decoded": "a device only writes rows",
    "diary._row": "part of settle of C",
    "diary._clear": "anom_wipe of C",
    "figures._component": "part of add_up of C",
    "profile._part": "part of move of C",
    "extractor.wipe_watched": "part of anom_diary_hop of C, in whose scratch they lie",
    "pipeline._ticks_of": BATCH,
    "pipeline.rows": "anom_pipeline_poll_row of C, row by row",
    "pipeline._diary": "memory is the caller's",
    "plan._check_diary": FILES,
    "days.largest_levels": PLANNING,
    "days.state_bytes": "learnt_bytes of C; state_bytes of an extractor of C are those of its memory",
    "days.takes_state": "a helper of C",
    "days._wide": MEMORY_OF_RECORD,
    "days._parts": MEMORY_OF_RECORD,
    "score._check_groups": PLANNING,
    "score.sums": "part of size_of of C",
    "score.sizes": "size_of of C gives that of one group",
    "score.largest_score": PLANNING,
    "score.largest_error": PLANNING,
    "export.bytes": "anom_pipeline_export of C",
    "export.from_bytes": "a device only writes exports",
    "export.since": "part of anom_pipeline_export of C",
    "export.export_bytes": "ANOM_EXPORT_BYTES of C",
    "ladder.walk": "part of anom_ladder_choose of C",
    "ladder.init": "anom_ladder_reset of C: nothing is bound",
    "ladder.level_of": "the plan of C has levels by tag",
    "ladder.ladder_bytes": "anom_ladder_bytes of C",
    "ladder.takes": "a helper of C",
    "ladder.pack_counts": MEMORY_OF_RECORD,
    "ladder.unpack_counts": MEMORY_OF_RECORD,
    "ladder._missing": "part of anom_ladder_choose of C",
    "ladder._end_day": "part of anom_ladder_step of C",
    "ladder._break": "broke of C, where break is a word of the language",
    "ladder._bits": "C has the bits",
    "ladder._second": "C has one number for both",
    "alarm.relevel": "anom_rung_relevel of C, by the ladder",
    "supervisor._choose": "ladder_operate of anom_ladder.c, which a program without a ladder does not hold",
    "supervisor._relevel": "relevel of anom_ladder.c, which a program without a ladder does not hold",
    "plan._check_ladder": FILES,
    "plan._check_days": FILES,
    "plan.ticks_in": FILES,
    "plan.canonical_tree": FILES,
    "plan.canonical_json": FILES,
    "plan._hash_without": FILES,
    "plan._check_provenance": FILES,
    "plan._freeze": FILES,
}
"""Functions and methods without a twin. `check` of every plan is one of them, and so are properties."""

ONE_BY_ONE = "C streams sample by sample"
PROPERTY = "a property of Python"
INPUT = "an operation of Chain.operate, for which C has a function each"
C_ONLY = {
    "anom_alarm_latched": PROPERTY,
    "anom_alarm_annunciation": PROPERTY,
    "anom_alarm_operate": "a method each in Python",
    "anom_alert_judge": "a plan of C names who judges its ticks",
    "anom_pipeline_diary": "memory is the caller's",
    "anom_pipeline_poll_row": "rows of Python, which gives all of them",
    "anom_pipeline_encode_row": "encode of diary.py",
    "anom_duty_pause": "part of _pass of a pipeline in Python",
    "anom_event_bytes_2": WORD,
    "anom_event_compact": "the bytes of compacted of Python, which gives an event",
    "anom_framer_ahead": PROPERTY,
    "anom_framer_close": "inputs wait in C, and are applied at once in Python",
    "anom_framer_open": "inputs wait in C, and are applied at once in Python",
    "anom_health_byte": PROPERTY,
    "anom_health_voids": PROPERTY,
    "anom_health_voids_by_fault": PROPERTY,
    "anom_health_is_faulty": PROPERTY,
    "anom_pipeline_supervisor": "memory is the caller's",
    "anom_supervisor_is_ready": "Python tells a supervisor",
    "anom_profile_is_mature": PROPERTY,
    "anom_profile_mean_total": PROPERTY,
    "anom_pipeline_run": ONE_BY_ONE,
    "anom_pipeline_lose": "a private method of Python",
    "anom_pipeline_ticks": "a line of _pass in Python",
    "anom_pipeline_reference": "Python makes it once",
    "anom_pipeline_save": "state of Python",
    "anom_pipeline_restore": "a method of Python that returns False where C returns a code",
    "anom_pipeline_acknowledge": INPUT,
    "anom_pipeline_silence": INPUT,
    "anom_pipeline_cancel": INPUT,
    "anom_pipeline_out_of_service": INPUT,
    "anom_pipeline_test": INPUT,
    "anom_pipeline_supply": INPUT,
    "anom_pipeline_self_test": INPUT,
    "anom_pipeline_missing": INPUT,
    "anom_pipeline_clock": INPUT,
    "anom_pipeline_annunciation": PROPERTY,
    "anom_pipeline_health": PROPERTY,
    "anom_supervisor_voids": PROPERTY,
    "anom_supervisor_voids_by_fault": PROPERTY,
    "anom_supervisor_health": PROPERTY,
    "anom_supervisor_annunciation": PROPERTY,
    "anom_supervisor_judge": "a plan of C names who judges its ticks",
    "anom_supervisor_has_number": "inputs wait in C, and are applied at once in Python",
    "anom_supervisor_plan_of": "the plan is found by the alarm's",
    "anom_supervisor_ladder": "memory is the caller's",
    "anom_supervisor_level": PROPERTY,
    "anom_supervisor_poll": ONE_BY_ONE,
    "anom_supervisor_lose": "gaps wait in C, and are applied at once in Python",
    "anom_supervisor_event": "_event of Python, which C needs for the news of a ladder",
    "anom_ladder_counts_of": "memory is the caller's",
    "anom_ladder_bytes": "memory is the caller's",
    "anom_ladder_step_rungs": "part of step of Python",
    "anom_ladder_settle": "the counts of a day follow in the next ticks of C",
    "anom_ladder_judge": "a plan of C names who judges its ticks",
    "anom_pipeline_calibrate": INPUT,
    "anom_pipeline_set_level": INPUT,
    "anom_pipeline_level": PROPERTY,
    "anom_pipeline_record_bytes": "len of Python",
    "anom_record_crc": "zlib of Python",
    "anom_autoencoder_scratch_bytes": "memory is the caller's",
    "anom_framer_window": ONE_BY_ONE,
    "anom_framer_discard": "part of push in Python",
    "anom_levels_run": "logmel of Python calls both",
    "anom_saturating_add": "min of Python, whose integers do not wrap",
    "anom_mulw": "numpy multiplies in 64 bits",
    "anom_pipeline_bytes": "memory is the caller's",
    "anom_pipeline_push": ONE_BY_ONE,
    "anom_pipeline_poll": ONE_BY_ONE,
    "anom_pipeline_poll_observed": ONE_BY_ONE,
    "anom_pipeline_poll_tapped": ONE_BY_ONE,
    "anom_pipeline_scratch": "for the self-test",
}

NOT_BOUND = "nothing is bound in C: the memory of a ladder is that of its record"
OTHER_ARGUMENTS = {
    "anom_alarm_init": (
        ("plan", "timing", "level", "hops_per_tick"),
        ("alarm", "plan", "timing", "level"),
        "the plan of C has the hops of a tick",
    ),
    "anom_health_init": (("plan", "columns"), ("health", "plan"), "the plan of C has the columns"),
    "anom_supervisor_init": (
        (
            *("alarm", "health", "timing", "level", "columns", "hops_per_tick", "due_q31", "plan_tag"),
            *("ladder", "promises"),
        ),
        ("supervisor", "plan", "timing", "level", "plan_tag"),
        "one plan of C has all sections",
    ),
    "anom_supervisor_reset": ((), ("supervisor", "plan"), "in C a supervisor begins by it"),
    "anom_supervisor_hop": (
        ("samples", "hop"),
        ("supervisor", "samples", "n"),
        "the events that are due are taken one by one",
    ),
    "anom_diary_resume": (("hop",), ("pipeline",), "C reads the hop of the framer"),
    "anom_diary_hop": (("void", "levels"), ("pipeline", "window"), "C makes the frame of the window in it"),
    "anom_ladder_reset": ((), ("ladder", "plan"), NOT_BOUND),
    "anom_ladder_step": (("score",), ("ladder", "plan", "timing", "score"), NOT_BOUND),
    "anom_ladder_gap": ((), ("ladder", "plan"), NOT_BOUND),
    "anom_ladder_pause": (("ticks",), ("ladder", "plan", "ticks"), NOT_BOUND),
    "anom_ladder_stop": ((), ("ladder", "plan"), NOT_BOUND),
    "anom_ladder_choose": (("promise",), ("ladder", "plan", "promise", "days"), NOT_BOUND),
    "anom_ladder_calibrate": (("promise",), ("ladder", "plan", "promise"), NOT_BOUND),
    "anom_ladder_set_level": (("tag",), ("ladder", "plan", "tag"), NOT_BOUND),
    "anom_ladder_save": (("record",), ("ladder", "plan", "part"), NOT_BOUND),
    "anom_ladder_restore": (("record",), ("ladder", "plan", "timing", "part", "level_tag", "releveled"), NOT_BOUND),
    "anom_pipeline_downlink": (("data",), ("pipeline", "bytes", "n"), "C is told the length"),
    "anom_pipeline_export": (
        ("device", "boot", "since"),
        ("pipeline", "device", "boot", "since", "counts", "size"),
        "memory is the caller's",
    ),
    "anom_affine_run": (("values",), ("plan", "i", "value"), "numpy takes all entries at once"),
    "anom_framer_init": (
        ("plan", "columns", "batch"),
        ("framer", "plan", "columns", "samples"),
        "C cuts one window at a time, in memory that is the caller's",
    ),
    "anom_extractor_init": (
        ("normalisation",),
        ("extractor", "plan", "state", "scratch"),
        "a class of Python keeps its own plan",
    ),
    "anom_figures_of_day": (
        ("values", "levels", "latest", "cos_q14"),
        ("day", "latest", "found"),
        "C looks at one column of a table in place",
    ),
    "anom_reasons_run": (
        ("inputs", "outputs"),
        ("plan", "score", "inputs", "outputs", "n", "reasons"),
        "a class of Python keeps its own plans",
    ),
    "anom_pipeline_init": (
        ("plan", "model"),
        ("pipeline", "memory", "size", "plan"),
        "C has one model stage, and memory that is the caller's",
    ),
}
"""Function -> arguments in Python, arguments in C, reason."""

OTHER_STRUCTS = {
    "StackPlan": ("anom_context_plan", "a summary without statistics"),
    "SummaryPlan": ("anom_context_plan", "one struct for both"),
    "Plan": ("anom_plan", "all of it"),
    "ExtractorPlan": (None, "a protocol; C has a struct that points to the section"),
    "MotionSensorPlan": (None, "sources and displays use it"),
    "DiarySensorPlan": (None, "sources and displays use it"),
    "SensorPlan": (None, "sources and displays use it"),
    "ModelPlan": (None, "engine tflite opens it"),
    "EdgePlan": (None, "engine tflite opens it"),
}
C_ONLY_STRUCTS = {
    "anom_supervisor_plan": "the sections alarm and health of Python, which a program without them does not hold",
    "anom_extractor_plan": "a class of Python knows these",
    "anom_autoencoder_plan": "a tuple of Python",
}
LENGTH = "Python knows it from the shape of an array"
C_ONLY_FIELDS = {
    "anom_alarm_plan.hops_per_tick": "Python computes it from extractor and context",
    "anom_alarm_plan.due_q31": "Plan.due_q31 of Python",
    "anom_diary_plan.n_columns": LENGTH,
    "anom_diary_plan.vedba_at": "Plan.diary_levels of Python",
    "anom_diary_plan.jerk_at": "Plan.diary_levels of Python",
    "anom_diary_plan.floor": "MotionPlan.floor of Python",
    "anom_diary_plan.type": "a program holds only what its plans name",
    "anom_duty_plan.pause": "a program holds only what its plans name",
    "anom_duty_plan.shortest_pause": "Python computes it from the duty",
    "anom_duty_plan.longest_pause": "Python computes it from the duty",
    "anom_plan.score_tag": "taken from the rest",
    "anom_plan.record_bytes": LENGTH,
    "anom_ladder_plan.levels": "levels are planned from raise_scores",
    "anom_ladder_plan.promises": "Plan.promises of Python",
    "anom_ladder_plan.type": "a program holds only what its plans name",
    "anom_ladder_plan.n_rungs": LENGTH,
    "anom_ladder_plan.n_promises": LENGTH,
    "anom_ladder_plan.offset": "memory is the caller's",
    "anom_health_plan.type": "a program holds only what its plans name",
    "anom_health_plan.columns": LENGTH,
    "anom_plan.judge": "a program holds only what its plans name",
    "anom_plan.supervisor": "alarm and health of Python",
    "anom_plan.supervisor_bytes": "memory is the caller's",
    "anom_context_plan.n_statistics": LENGTH,
    "anom_context_plan.statistics": "not in a stack",
    "anom_context_plan.normalisation": "not in a stack",
    "anom_days_plan.n_judged": LENGTH,
    "anom_days_plan.n_features": LENGTH,
    "anom_score_plan.n_groups": LENGTH,
    "anom_score_plan.type": "a program holds only what its plans name",
    "anom_plan.learnt_bytes": LENGTH,
    "anom_external_plan.n_features": LENGTH,
    "anom_motion_plan.n_features": LENGTH,
    "anom_motion_plan.transform": "a program holds only what its plans name",
    "anom_spectrum_plan.length": LENGTH,
    "anom_spectrum_plan.n_bands": LENGTH,
    "anom_fft_plan.window_pairs_q15": TABLES,
    "anom_fft_plan.twiddles_q15": TABLES,
    "anom_filterbank_plan.n_bands": LENGTH,
    "anom_baseline_plan.reference": "levels are planned from reference_score",
    "anom_layer_plan.n_in": LENGTH,
    "anom_layer_plan.n_out": LENGTH,
    "anom_layer_plan.n_multipliers": LENGTH,
    "anom_layer_plan.input_reach": "for kernels",
    "anom_layer_plan.weight_reach": "for kernels",
    "anom_reasons_plan.n_groups": LENGTH,
    "anom_plan.format": "a guard",
    "anom_plan.plan_size": "a guard",
    "anom_plan.autoencoder": "layers of Python",
    "anom_plan.id": "taken from the rest",
}
OTHER_TYPES = {
    "AlarmPlan.heartbeat_rest_q16": ("int32_t", "0 for None"),
    "TimingPlan.clear_after": ("int32_t", "0 for None"),
    "Plan.duty": ("anom_duty_plan", "NULL for None"),
    "Plan.diary": ("anom_diary_plan", "NULL for None"),
    "DiaryPlan.columns": ("uint8_t", "a code each"),
    "LayerPlan.weights": ("anom_weights", "in blocks of four by four"),
    "ScorePlan.groups": ("anom_score_group", "NULL for None"),
    "MotionPlan.features": ("uint32_t", "a bit each"),
}
PYTHON_ONLY_FIELDS = {
    "DutyPlan.on": "C has the pauses that follow from it",
    "DutyPlan.every": "C has the pauses that follow from it",
    "Event.layout": WORD,
    "Event.latched": WORD,
    "Event.silenced": WORD,
    "Event.out_of_service": WORD,
    "Event.marked": WORD,
    "Event.level_tag": WORD,
    "Event.compact": "anom_event_compact makes bytes of bytes",
    "Plan.alarm": "supervisor of C",
    "Plan.health": "supervisor of C",
    "Plan.ladder": "supervisor of C",
    "Plan.promises": "ladder of the supervisor of C",
    "LadderPlan.raise_scores": "C has the levels that follow from it",
    "FftPlan.window_q15": TABLES,
    "FftPlan.cos_q15": TABLES,
    "BaselinePlan.reference_score": "C has the levels that follow from it",
    "TimingPlan.clear_ratio_q16": "levels are planned from it",
    "TimingPlan.high_ratio_q16": "levels are planned from it",
    "LayerPlan.input_zero_point": "in the bias of C",
    "Plan.name": FILES,
    "Plan.sensor": "sources and displays use it",
    "Plan.layers": "autoencoder of C",
    "Plan.model": "engine tflite opens it",
    "Plan.provenance": FILES,
    "Plan.folder": FILES,
}

LIMITS = {
    "alarm.MAX_HOPS": "anom_alarm_plan.heartbeat",
    "ladder.MAX_RUNGS": "anom_ladder_plan.n_rungs",
    "ladder.MAX_PROMISES": "anom_ladder_plan.n_promises",
    "ladder.MAX_GAP_DAYS": "anom_ladder_plan.episode_gap",
    "diary.MAX_COLUMNS": "anom_diary_plan.n_columns",
    "health.MAX_RUN": "anom_health_plan.stuck",
    "health.MAX_BLOCK_SAMPLES": "anom_health_plan.block",
    "rung.MAX_N": "anom_timing_plan.n",
    "rung.MAX_TICKS": "anom_timing_plan.cooldown",
    "autoencoder.MAX_WIDTH": "anom_layer_plan.n_in",
    "autoencoder.MAX_LAYERS": "anom_autoencoder_plan.n_layers",
    "bands.MAX_HOPS_PER_FRAME": "anom_bands_plan.hops_per_frame",
    "baseline.MAX_LIMIT_Q16": "anom_baseline_plan.limit_q16",
    "baseline.MAX_TICKS": "anom_baseline_plan.hold",
    "context.MAX_FRAMES": "anom_context_plan.frames",
    "days.MAX_COLUMNS": "anom_days_plan.columns",
    "days.MAX_JUDGED": "anom_days_plan.n_judged",
    "score.MAX_GROUPS": "anom_score_plan.n_groups",
    "external.MAX_FEATURES": "anom_external_plan.n_features",
    "filterbank.MAX_BANDS": "anom_filterbank_plan.n_bands",
    "framer.MAX_WINDOW": "anom_framer_plan.window",
    "reasons.MAX_GROUPS": "anom_reasons_plan.n_groups",
    "reasons.MAX_CODE": "anom_reasons_plan.codes",
    "reasons.MAX_GAIN": "anom_reasons_plan.gain",
    "spectrum.MAX_BANDS": "anom_spectrum_plan.n_bands",
    "spectrum.MAX_LENGTH": "anom_spectrum_plan.length",
}
"""Limit of Python -> field of C whose comment says it; 2**31 - 1 is the type's own."""
LIMITS_OF_PYTHON = {
    "alarm.MAX_SILENCE": "checked where a silence is told",
    "downlink.MAX_TAG": "the type's own",
    "export.MAX_BOOT": "the type's own",
    "export.MAX_DEVICE": "the type's own",
    "ladder.MAX_COUNT": "the type's own",
    "ladder.MAX_DELAY": PLANNING,
    "supervisor.MAX_ARGUMENT": "checked where an input is told",
    "duty.MAX_EVERY": PLANNING,
    "autoencoder.MAX_MACS": "a matter of time",
    "plan.MAX_COUNTS_PER_UNIT": "sources and displays use it",
    "plan.MAX_GAP": "checked where a gap is told",
    "plan.MAX_PROVENANCE": FILES,
    "plan.MAX_TEXT": FILES,
}

GOLDEN_OF_PYTHON = {"MAX_VALUES"}  # a device has all the time it needs


@dataclass
class Mirror:
    """What differs, and which entries of the tables were needed to say no more."""

    core: Path
    port: Path
    differences: list[str] = field(default_factory=list)
    needed: set[str] = field(default_factory=set)

    def excused(self, table: dict, key: str) -> bool:
        """Whether a table has the key; it is then needed."""
        if key in table:
            self.needed.add(key)
        return key in table

    def differs(self, message: str) -> None:
        self.differences.append(message)

    def equal(self, what: str, python: object, c: object) -> None:
        if python != c:
            self.differs(f"{what}: {python} in Python, {c} in C")

    def c(self, stem: str, ending: str) -> str:
        path = self.port / "src" / f"anom_{stem}.{ending}"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def public(self) -> str:
        return (self.port / "include" / "anomsdk.h").read_text(encoding="utf-8")

    def tree(self, stem: str) -> ast.Module:
        return _parsed((self.core / f"{stem}.py").read_text(encoding="utf-8"))


_parsed = cache(ast.parse)


def differences(core: Path, port: Path) -> list[str]:
    """Every way in which core/ and firmware_port/ do not hold each other, one line each."""
    mirror = Mirror(core, port)
    shared = _stems(mirror)
    for stem in shared:
        _first_lines(mirror, stem)
        _functions(mirror, stem)
        _helpers(mirror, stem)
        _limits(mirror, stem)
    _plan_structs(mirror, shared)
    _constants(mirror)
    _golden(mirror)
    tables = (PYTHON_ONLY, C_ONLY, OTHER_ARGUMENTS, OTHER_STRUCTS, C_ONLY_STRUCTS, C_ONLY_FIELDS, PYTHON_ONLY_FIELDS)
    tables += (LIMITS, LIMITS_OF_PYTHON, PYTHON_ONLY_STEMS, C_ONLY_STEMS, NO_C_SOURCE, OTHER_TYPES)
    for key in [key for table in tables for key in table if key not in mirror.needed]:
        mirror.differs(f"{key}: excused, but there is nothing to excuse")
    return mirror.differences


def _stems(mirror: Mirror) -> list[str]:
    python = {path.stem for path in mirror.core.glob("*.py")} - {"__init__"}
    sources = {path.stem.removeprefix("anom_") for path in (mirror.port / "src").glob("*.c")}
    headers = {path.stem.removeprefix("anom_") for path in (mirror.port / "src").glob("*.h")}
    headers -= {header for header in headers for stem in sources if header.startswith(f"{stem}_")}  # kernels
    for stem in sorted(python - headers):
        if not mirror.excused(PYTHON_ONLY_STEMS, stem):
            mirror.differs(f"{stem}.py has no anom_{stem}.h")
    for stem in sorted((headers | sources) - python):
        if not mirror.excused(C_ONLY_STEMS, stem):
            mirror.differs(f"anom_{stem} has no {stem}.py")
    shared = sorted(python & headers)
    for stem in shared:
        if stem not in sources and not mirror.excused(NO_C_SOURCE, stem):
            mirror.differs(f"anom_{stem}.h has no anom_{stem}.c")
    return shared


def _first_lines(mirror: Mirror, stem: str) -> None:
    docstring = ast.get_docstring(mirror.tree(stem)) or ""
    line = docstring.partition("\n")[0].replace("``", "")
    for ending in ("h", "c"):
        text = mirror.c(stem, ending)
        if text:
            mirror.equal(f"first line of {stem}", line, c_text.first_comment_line(text))


# Functions


@dataclass(frozen=True)
class Twin:
    """A function or method of Python."""

    name: str  # as C would call it
    arguments: tuple[str, ...]
    is_method: bool


def _functions(mirror: Mirror, stem: str) -> None:
    """Public names: the same ones, in one order, with the same arguments."""
    text = mirror.c(stem, "h") + (mirror.public() if stem in ("pipeline", "event") else "")
    prefix = "anom_" if stem == "fixed" else f"anom_{stem}_"
    in_header = {f.name: f for f in c_text.functions(text) if f.name.startswith(prefix)}
    public = {f.name for f in c_text.functions(mirror.public())}
    extern = [f.name for f in c_text.functions(mirror.c(stem, "c")) if not f.is_static]
    defined = [name for name in extern if name.startswith(prefix) or name not in public]
    _declared(mirror, stem, list(in_header), defined)
    if stem in EXTRACTORS:
        _extractor_type(mirror, stem)
        return
    own = mirror.c(stem, "h") + mirror.c(stem, "c")
    has_state = bool(re.search(rf"^(?:typedef )?struct anom_{stem} \{{", own, re.M))
    twins = [
        twin for twin in _twins(mirror, stem) if (twin.name != "init" or has_state) and not twin.name.startswith("_")
    ]
    known = [prefix + twin.name for twin in twins]
    for twin in twins:
        name = prefix + twin.name
        if name not in in_header:
            mirror.differs(f"{stem}.{twin.name} has no {name}")
        else:
            _arguments(mirror, twin, in_header[name])
    for name in in_header:
        if name not in known and not mirror.excused(C_ONLY, name):
            mirror.differs(f"{name} has no twin in {stem}.py")
    mirror.equal(f"order of {stem}", [n for n in known if n in in_header], [n for n in in_header if n in known])


def _declared(mirror: Mirror, stem: str, in_header: list[str], defined: list[str]) -> None:
    """What the source defines is declared, in the same order."""
    for name in defined:
        if name not in in_header:
            mirror.differs(f"{name} of anom_{stem}.c is in no header")
    if stem != "pipeline":  # which has two headers
        mirror.equal(f"order of {stem}: header, source", [n for n in in_header if n in defined], defined)


def _extractor_type(mirror: Mirror, stem: str) -> None:
    """The members of anom_extractor_type, behind the stem, are the methods of the class.

    The last one wipes the stack, which numpy does not use: extractors share its functions.
    """
    pointers = c_text.function_pointers(mirror.c("extractor", "h"), "anom_extractor_type")
    mirror.equal("last member of anom_extractor_type", "wipe_stack", pointers[-1])
    members = [f"{stem}_{m}" for m in pointers[:-1]]
    in_table = c_text.initialiser(mirror.c(stem, "c"), f"anom_{stem}")
    mirror.equal(f"anom_{stem}", members, in_table[:-1])
    wipe = f"anom_wipe_stack_{stem}" if stem in ("motion", "days") else "anom_wipe_stack"
    mirror.equal(f"wipe of anom_{stem}", wipe, in_table[-1])
    if f"anom_{stem}_learning" in mirror.c(stem, "c"):
        learning = [f"{stem}_{m}" for m in c_text.function_pointers(mirror.c("extractor", "h"), "anom_learning_type")]
        mirror.equal(
            f"anom_{stem}_learning", learning, c_text.initialiser(mirror.c(stem, "c"), f"anom_{stem}_learning")
        )
        members += learning
    methods = [twin for twin in _twins(mirror, stem) if twin.name != "init" and not twin.name.startswith("_")]
    names = [f"{stem}_{method.name}" for method in methods]
    mirror.equal(f"methods of {stem}", sorted(names), sorted(member for member in members if member in names))
    in_c = {f.name: f for f in c_text.functions(mirror.c(stem, "c"))}
    for name, method in zip(names, methods, strict=True):
        if name in in_c:
            _arguments(mirror, method, in_c[name])


def _twins(mirror: Mirror, stem: str) -> list[Twin]:
    """Functions and methods that C should have, those of several classes once."""
    found: dict[str, Twin] = {}
    for node in mirror.tree(stem).body:
        if isinstance(node, ast.ClassDef) and mirror.excused(PYTHON_ONLY, f"{stem}.{node.name}"):
            continue
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if not isinstance(function, ast.FunctionDef) or function.name == "check":
                continue
            decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
            if decorators & {"property", "cached_property"}:
                continue
            in_hidden = isinstance(node, ast.ClassDef) and node.name.startswith("_")
            name = f"{node.name}.{function.name}" if in_hidden else function.name
            name = {"__init__": "init", "__bytes__": "bytes"}.get(name, name)
            if "__" in name or mirror.excused(PYTHON_ONLY, f"{stem}.{name}"):
                continue
            arguments = tuple(a.arg for a in function.args.args if a.arg not in ("self", "cls"))
            found.setdefault(name, Twin(name, arguments, isinstance(node, ast.ClassDef)))
    return list(found.values())


def _arguments(mirror: Mirror, twin: Twin, function: c_text.Function) -> None:
    """The state or plan, then Python's arguments in their order, then what comes out."""
    names = tuple(argument.name for argument in function.arguments)
    if mirror.excused(OTHER_ARGUMENTS, function.name):
        mirror.equal(function.name, OTHER_ARGUMENTS[function.name][:2], (twin.arguments, names))
        return
    expected = [_singular(name) for name in _energies(twin.arguments)]
    rest = list(function.arguments)
    if twin.is_method:
        subject = rest.pop(0)
        if not subject.is_pointer or not subject.type.startswith("anom_"):
            mirror.differs(f"{function.name}: its first argument is {subject.type} {subject.name}")
    for argument in rest:
        if expected and _singular(argument.name) == expected[0]:
            expected.pop(0)
        elif argument.name == "n":
            continue  # the length of what came before it
        elif expected or not argument.is_pointer or argument.is_const:
            mirror.differs(f"{function.name}: takes {', '.join(names)}; Python {', '.join(twin.arguments)}")
            return
    if expected:
        mirror.differs(f"{function.name}: takes {', '.join(names)}; Python {', '.join(twin.arguments)}")


def _energies(names: tuple[str, ...]) -> list[str]:
    """C has one struct where Python has mantissa and exponent."""
    text = " ".join(names)
    text = re.sub(r"\bmantissa_(\w) exponent_\1\b", r"\1", text)
    return re.sub(r"\bmantissa exponent\b", "energy", text).split()


def _singular(name: str) -> str:
    """Python takes many of what C takes one of."""
    return re.sub(r"s$", "", re.sub(r"ies$", "y", name))


def _helpers(mirror: Mirror, stem: str) -> None:
    """A private helper of Python is a static function of C, in the same order."""
    helpers = [twin.name[1:] for twin in _twins(mirror, stem) if twin.name.startswith("_")]
    static = [f.name for f in c_text.functions(mirror.c(stem, "c")) if f.is_static]
    for helper in helpers:
        if helper not in static:
            mirror.differs(f"{stem}._{helper} has no static twin")
    mirror.equal(
        f"order of the helpers of {stem}", [h for h in helpers if h in static], [s for s in static if s in helpers]
    )


# Structs


def _plan_structs(mirror: Mirror, stems: list[str]) -> None:
    """A class XPlan is a struct anom_x_plan: the same fields in the same order, of the same types."""
    structs = {name: fields for stem in stems for name, fields in c_text.structs(mirror.c(stem, "h")).items()}
    seen = {"anom_event_fields"}
    _struct(mirror, "Event", _annotated(mirror, "event", "Event"), "anom_event_fields", structs["anom_event_fields"])
    for stem in stems:
        for node in mirror.tree(stem).body:
            if not isinstance(node, ast.ClassDef) or not node.name.endswith("Plan"):
                continue
            struct: str | None = f"anom_{node.name.removesuffix('Plan').lower()}_plan"
            if mirror.excused(OTHER_STRUCTS, node.name):
                struct = OTHER_STRUCTS[node.name][0]
            if struct is None:
                continue
            if struct not in structs:
                mirror.differs(f"{node.name} has no {struct}")
                continue
            seen.add(struct)
            _struct(mirror, node.name, _annotated(mirror, stem, node.name), struct, structs[struct])
    for struct in sorted(set(structs) - seen):
        if struct.endswith("plan") and not mirror.excused(C_ONLY_STRUCTS, struct):
            mirror.differs(f"{struct} has no class")


def _annotated(mirror: Mirror, stem: str, name: str) -> dict[str, str]:
    """Fields of a dataclass and their types, as written."""
    found = [n for n in mirror.tree(stem).body if isinstance(n, ast.ClassDef) and n.name == name]
    annotated = [n for n in found[0].body if isinstance(n, ast.AnnAssign)] if found else []
    fields = {ast.unparse(n.target): ast.unparse(n.annotation) for n in annotated}
    return {name: kind for name, kind in fields.items() if not kind.startswith("ClassVar")}


def _struct(mirror: Mirror, cls: str, annotated: dict[str, str], struct: str, fields: list[c_text.Argument]) -> None:
    in_c = {f.name: f for f in fields}
    kept = [n for n in annotated if n in in_c or not mirror.excused(PYTHON_ONLY_FIELDS, f"{cls}.{n}")]
    extra = [n for n in in_c if n not in annotated and not mirror.excused(C_ONLY_FIELDS, f"{struct}.{n}")]
    shared = [n for n in in_c if n in annotated]
    mirror.equal(f"fields of {cls} and {struct}", kept, shared + extra)
    for name in shared:
        if mirror.excused(OTHER_TYPES, f"{cls}.{name}") and OTHER_TYPES[f"{cls}.{name}"][0] == in_c[name].type:
            continue
        if not _same_type(annotated[name], in_c[name]):
            found = in_c[name].type + (" *" if in_c[name].is_pointer else "")
            mirror.differs(f"{cls}.{name}: {annotated[name]} in Python, {found} in C")


def _same_type(python: str, c: c_text.Argument) -> bool:
    array = re.fullmatch(r"NDArray\[np\.(\w+)\]", python)
    if array:
        return c.is_pointer and c.is_const and c.type == f"{array[1]}_t"
    items = re.fullmatch(r"tuple\[(\w+)(?:, (?:int|\.\.\.))*\]", python)
    if items:
        return c.is_pointer and c.type == "uint8_t"
    if python in ("int", "bool", "Kind", "State"):
        return not c.is_pointer and re.fullmatch(r"u?int\d+_t", c.type) is not None
    part = python.removesuffix("Plan").lower()
    return not c.is_pointer and c.type == f"anom_{part}_plan"


# Constants


def _number(mirror: Mirror, stem: str, name: str) -> object:
    """Value of a constant of a module of core."""
    for node in mirror.tree(stem).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            value = node.value
            if isinstance(value, ast.Call):  # np.array([...], ...), struct.Struct("...")
                value = value.args[0]
            return eval(compile(ast.Expression(value), name, "eval"), {"__builtins__": {}})
    return None


def _limits(mirror: Mirror, stem: str) -> None:
    """Each MAX_ of Python stands beside its field."""
    structs = c_text.structs(mirror.c(stem, "h"))
    for node in mirror.tree(stem).body:
        name = ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""
        if not name.startswith("MAX_") or mirror.excused(LIMITS_OF_PYTHON, f"{stem}.{name}"):
            continue
        if not mirror.excused(LIMITS, f"{stem}.{name}"):
            mirror.differs(f"{stem}.{name} is no limit of a field of C")
            continue
        where, value = LIMITS[f"{stem}.{name}"], _number(mirror, stem, name)
        assert isinstance(value, int)
        struct, _, member = where.partition(".")
        found = next((f for f in structs.get(struct, ()) if f.name == member), None)
        said = found is not None and re.search(rf" to (?:{value}|2\*\*{value.bit_length() - 1})\b(?!\*)", found.comment)
        own = found is not None and found.type == "int32_t" and value == 2**31 - 1
        if not said and not own:
            mirror.differs(f"{where}: its comment does not say {name}, which is {value}")


def _constants(mirror: Mirror) -> None:
    event = c_text.constants(mirror.c("event", "h")) | c_text.constants(mirror.public())
    mirror.equal("EVENT_BYTES", _number(mirror, "event", "EVENT_BYTES"), event["ANOM_EVENT_BYTES"])
    mirror.equal("COMPACT_BYTES", _number(mirror, "event", "COMPACT_BYTES"), event["ANOM_EVENT_COMPACT_BYTES"])
    of_downlink = _number(mirror, "downlink", "DOWNLINK_BYTES")
    mirror.equal("DOWNLINK_BYTES", of_downlink, event["ANOM_DOWNLINK_BYTES"])
    mirror.equal("VERSION of an event", _number(mirror, "event", "VERSION"), event["ANOM_EVENT_VERSION"])
    for name in ("Kind", "State"):
        members = {f"ANOM_{name.upper()}_{key}": value for key, value in _enumerated(mirror, "event", name).items()}
        mirror.equal(name, members, {k: v for k, v in event.items() if k.startswith(f"ANOM_{name.upper()}_")})
    changes = {f"ANOM_CHANGE_{key}": value for key, value in _enumerated(mirror, "rung", "Change").items()}
    mirror.equal("Change", changes, c_text.constants(mirror.c("rung", "h")))
    mirror.equal("bytes of an event", *_event_offsets(mirror))
    codes = {f"ANOM_STATISTIC_{name.upper()}": code for name, code in _table(mirror, "context", "STATISTICS").items()}
    in_c = c_text.constants(mirror.c("context", "h"))
    for name in codes:
        if name not in mirror.c("context", "c"):
            mirror.differs(f"STATISTICS: {name} is not in anom_context.c")
    _same_codes(mirror, "STATISTICS", codes, {k: v for k, v in in_c.items() if k.startswith("ANOM_STATISTIC")})
    figures = {f"ANOM_FIGURE_{key}": value for key, value in _enumerated(mirror, "figures", "Figure").items()}
    in_c = c_text.constants(mirror.c("figures", "h"))
    _same_codes(mirror, "Figure", figures, {k: v for k, v in in_c.items() if k.startswith("ANOM_FIGURE_")})
    mirror.equal("number of figures", len(figures), in_c["ANOM_FIGURES"])
    powers = [int(entry) for entry in c_text.initialiser(mirror.c("profile", "c"), "POWER_Q14")]
    mirror.equal("POWER_Q14", _number(mirror, "profile", "POWER_Q14"), powers)
    powers = [32768 + int(entry) for entry in c_text.initialiser(mirror.c("diary", "c"), "POWER_Q15")]
    mirror.equal("POWER_Q15", list(_number(mirror, "diary", "POWER_Q15")), powers)
    table = [int(entry) for entry in c_text.initialiser(mirror.c("fixed", "c"), "ANOM_LOG2_TABLE_Q15")]
    mirror.equal("LOG2_TABLE_Q15", _number(mirror, "fixed", "LOG2_TABLE_Q15"), table)
    features = _table(mirror, "motion", "FEATURES")
    bits = {f"ANOM_MOTION_{name.upper()}": 1 << bit for name, bit in features.items()}
    in_c = c_text.constants(mirror.c("motion", "h"))
    _same_codes(mirror, "FEATURES", bits, {k: v for k, v in in_c.items() if k.startswith("ANOM_MOTION_")})
    rows = mirror.c("motion", "c").partition("FEATURES[] = {")[2].partition("};")[0]
    for name in list(features)[len(re.findall(r"^    \{\w+, \w+\},$", rows, re.M)) :]:
        mirror.differs(f"FEATURES: {name} has no row in anom_motion.c")
    lengths = _number(mirror, "fft", "LENGTHS")
    assert isinstance(lengths, tuple)
    comment = {f.name: f.comment for f in c_text.structs(mirror.c("fft", "h"))["anom_fft_plan"]}["length"]
    if f"{lengths[0]} to {lengths[-1]}, a power of two" not in comment:
        mirror.differs(f"lengths of the FFT: {lengths} in Python, {comment} in C")
    package = mirror.core.parent
    c_format = re.search(r"^C_FORMAT = (\d+)", (package / "cport/structs.py").read_text(encoding="utf-8"), re.M)
    plan_format = c_text.constants(mirror.c("plan", "h"))["ANOM_PLAN_FORMAT"]
    mirror.equal("format of the structs", c_format and int(c_format[1]), plan_format)
    _errors(mirror)


def _enumerated(mirror: Mirror, stem: str, name: str) -> dict[str, int]:
    (cls,) = (n for n in mirror.tree(stem).body if isinstance(n, ast.ClassDef) and n.name == name)
    values = {ast.unparse(n.targets[0]): ast.literal_eval(n.value) for n in cls.body if isinstance(n, ast.Assign)}
    return {key: value[0] if isinstance(value, tuple) else value for key, value in values.items()}


def _same_codes(mirror: Mirror, what: str, python: dict[str, int], c: dict[str, int]) -> None:
    for name in dict.fromkeys([*python, *c]):
        if python.get(name) != c.get(name):
            mirror.differs(f"{what}: {name} is {python.get(name)} in Python, {c.get(name)} in C")


def _table(mirror: Mirror, stem: str, name: str) -> dict[str, int]:
    """Name -> code of an enumeration that is a table: the first argument of each of its rows."""
    (table,) = (
        n.value for n in mirror.tree(stem).body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == name
    )
    assert isinstance(table, ast.Dict)
    codes = {}
    for key, row in zip(table.keys, table.values, strict=True):
        assert key is not None and isinstance(row, ast.Call)
        codes[ast.literal_eval(key)] = ast.literal_eval(row.args[0])
    return codes


def _event_offsets(mirror: Mirror) -> tuple[list[int], list[int]]:
    """Where each field of an event begins."""
    layout = str(_number(mirror, "event", "_LAYOUT"))
    offsets, at = [], 0
    for repeat, code in re.findall(r"(\d*)([BHIs])", layout):
        offsets.append(at)
        at += {"B": 1, "H": 2, "I": 4, "s": 1}[code] * int(repeat or 1)
    in_c = re.findall(r"(?:\bbytes \+ |\bbytes\[)(\d+)", c_text.without_comments(mirror.c("event", "c")))
    return offsets, sorted(map(int, in_c))


def _errors(mirror: Mirror) -> None:
    """Error codes count down from -1, say what they mean, and are returned by something."""
    codes = re.findall(r"^#define (ANOM_ERROR_\w+) \((-\d+)\) +/\* (.+) \*/$", mirror.public(), re.M)
    declared = re.findall(r"^#define (ANOM_ERROR_\w+)", mirror.public(), re.M)
    mirror.equal("documented errors", declared, [name for name, _, _ in codes])
    mirror.equal(
        "error codes", [-i for i, _ in zip(count(1), codes, strict=False)], [int(code) for _, code, _ in codes]
    )
    sources = "".join(path.read_text(encoding="utf-8") for path in (mirror.port / "src").glob("*.c"))
    for name in declared:
        if name not in sources:
            mirror.differs(f"{name}: nothing returns it")


def _golden(mirror: Mirror) -> None:
    """The golden stream of golden.py is that of the self-test."""
    text = (mirror.core.parent / "runtime/golden.py").read_text(encoding="utf-8")
    found = re.findall(r"^([A-Z_]+) = (.+)$", text, re.M)
    python = {name: eval(value, {"__builtins__": {}}) for name, value in found if name not in GOLDEN_OF_PYTHON}
    source = mirror.c("selftest", "c")
    mirror.equal("golden stream", python, c_text.constants(source))
    arguments = next(f for f in c_text.functions(source) if f.name == "value").arguments
    signature = re.search(r"^def _value\((.*?)\)", text, re.M)
    in_python = re.findall(r"(\w+):", signature[1]) if signature else None
    mirror.equal("value of the golden stream", in_python, [a.name for a in arguments])
    package = (mirror.core.parent / "_version.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.*)"', package, re.M)
    mirror.equal("version", version and version[1], c_text.constants(mirror.public())["ANOM_VERSION"])
