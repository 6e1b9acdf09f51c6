"""One stage, one stem, both languages: core/<stem>.py and anom_<stem>.c hold each other."""

import shutil

import pytest

from tests.support.make import ROOT
from tests.support.mirror import differences

CORE, PORT = ROOT / "anomsdk" / "core", ROOT / "firmware_port"

BROKEN = {
    "another first line": ("c:framer.h", "overlapping windows", "windows", "first line of framer"),
    "another docstring": ("py:energy", "31 bits of precision", "32 bits of precision", "first line of energy"),
    "fields in another order": (
        "c:autoencoder.h",
        "    int16_t weight_zero_point;\n    int16_t output_zero_point;",
        "    int16_t output_zero_point;\n    int16_t weight_zero_point;",
        "fields of LayerPlan and anom_layer_plan",
    ),
    "a field less": ("c:baseline.h", "int32_t hold;", "", "fields of BaselinePlan"),
    "a field more": ("py:score", "    shift: int\n", "    shift: int\n    extra: int\n", "fields of ScorePlan"),
    "a field more in C": ("c:fft.h", "int32_t length;", "int32_t n_twiddles;\n    int32_t length;", "fields of FftPlan"),
    "a wider element": ("c:filterbank.h", "const int16_t *minus", "const int32_t *minus", "FilterbankPlan.minus_rise_q15"),
    "a value for a table": ("c:context.h", "const uint8_t *statistics", "uint8_t statistics", "SummaryPlan.statistics"),
    "a struct without a class": ("py:levels", "class LimitsPlan", "class Limits", "anom_limits_plan has no class"),
    "functions in another order": (
        "c:energy.h",
        "anom_energy anom_energy_add(anom_energy a, anom_energy b);",
        "int32_t anom_energy_log2(anom_energy energy);\nanom_energy anom_energy_add(anom_energy a, anom_energy b);",
        "order of energy",
    ),
    "definitions in another order": ("c:alert.c", "void anom_alert_reset(", "void anom_alert_set(", "anom_alert_set"),
    "a function less": ("py:baseline", "def above(", "def over(", "anom_baseline_above has no twin"),
    "a helper of another name": ("c:fft.c", "*radix4(", "*radix_4(", "fft._radix4 has no static twin"),
    "helpers in another order": ("c:fft.c", "static void split(", "static void rotate(", "order of the helpers of fft"),
    "an argument of another name": ("c:alert.h", "uint32_t score, uint32_t hop", "uint32_t value, uint32_t hop", "anom_alert_step"),
    "arguments in another order": ("py:filterbank", "spectrum: Ints, bits: Ints", "bits: Ints, spectrum: Ints", "anom_filterbank_run"),
    "an argument more": ("c:baseline.h", "int32_t alarm)", "int32_t alarm, int32_t ticks)", "anom_baseline_follow"),
    "what goes in after what comes out": (
        "c:score.h", "const int8_t *outputs", "int8_t *outputs, const int8_t *more", "anom_score_run",
    ),
    "a public function in no header": ("c:levels.h", "void anom_levels_limited", "void anom_levels_cut", "is in no header"),
    "extractors in another order": ("c:bands.c", "bands_levels, bands_restart,", "bands_restart, bands_levels,", "anom_bands"),
    "another limit": ("py:framer", "MAX_WINDOW = 4096", "MAX_WINDOW = 8192", "anom_framer_plan.window"),
    "a limit that C does not know": ("py:score", "\n\n@dataclass", "\nMAX_ERROR = 9\n\n@dataclass", "score.MAX_ERROR"),
    "another entry of the table": ("c:fixed.c", "10549", "10548", "LOG2_TABLE_Q15"),
    "another state": ("c:event.h", "#define ANOM_STATE_PENDING 1", "#define ANOM_STATE_PENDING 3", "State"),
    "another change": ("c:rung.h", "#define ANOM_CHANGE_CLEARED 1", "#define ANOM_CHANGE_CLEARED 4", "Change"),
    "another byte": ("c:event.c", "put(bytes + 8,", "put(bytes + 9,", "bytes of an event"),
    "another statistic": ("py:context", '"max": Statistic(2', '"max": Statistic(4', "STATISTICS"),
    "another golden stream": ("c:selftest.c", "#define SEED 0x6D2B79F5", "#define SEED 0x6D2B79F6", "golden stream"),
    "an undocumented error": ("c:anomsdk.h", "#define ANOM_ERROR_ALIGNMENT (-2) /*", "#define ANOM_ERROR_ALIGNMENT (-2)\n/*", "documented errors"),
    "an error that nothing returns": ("c:pipeline.c", "return ANOM_ERROR_ALIGNMENT", "return -2", "nothing returns it"),
    "another format": ("c:plan.h", "ANOM_PLAN_FORMAT 8", "ANOM_PLAN_FORMAT 9", "format of the structs"),
    "a stem of Python": ("py:novel", "", '"""Novel."""\n', "novel.py has no anom_novel.h"),
    "a stem of C": ("c:novel.h", "", "/* Novel. */\n", "anom_novel has no novel.py"),
    "an excuse that nothing needs": ("c:framer.h", "anom_framer_window(", "anom_framer_frame(", "nothing to excuse"),
}  # fmt: skip


def test_python_and_c_hold_each_other():
    assert differences(CORE, PORT) == []


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_mirror_is_noticed(case, tmp_path):
    where, old, new, says = BROKEN[case]
    for name in ("_version.py", "cport/structs.py", "runtime/golden.py"):
        (tmp_path / "anomsdk" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CORE.parent / name, tmp_path / "anomsdk" / name)
    core = shutil.copytree(CORE, tmp_path / "anomsdk" / "core", ignore=shutil.ignore_patterns("__pycache__"))
    port = shutil.copytree(PORT, tmp_path / "firmware_port")
    language, _, name = where.partition(":")
    folder = port / "include" if name == "anomsdk.h" else port / "src"
    path = core / f"{name}.py" if language == "py" else folder / (name if name == "anomsdk.h" else f"anom_{name}")
    text = path.read_text() if old else ""
    assert old in text
    path.write_text(text.replace(old, new) if old else new)
    assert any(says in line for line in differences(core, port)), differences(core, port)
