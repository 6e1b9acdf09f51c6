"""A second planner, written from the section "Planner" of docs/spec.md: spec, calibration and model to a plan's integers.

It knows the page, the keys and defaults of docs/configuration.md, and nothing of `anomsdk.planner.planner` and `anomsdk.planner.tables`.
Plain Python: slow, and in the order of the page. A model comes as the layers that `anomsdk.plans.tflite.reader` reads.
"""

from __future__ import annotations

import math
import struct
from itertools import pairwise
from typing import Any

from tests.scalar import bit_length, ceil_div, clip

Json = dict[str, Any]
INT32 = 2**31 - 1
D = 1024 / (10 * math.log10(2))

DEFAULTS: dict[str, Json] = {
    "sensor": {"axes": 3, "counts_per_dps": None, "full_scale_g": None},
    "features": {
        **{"fmin_hz": 0, "mel_scale": "slaney", "mel_norm": "slaney", "normalisation": "learnt"},
        **{"gravity_s": 1, "select": None, "orientation_free": False, "band_edges_hz": None},
        **{"floor_mg": 4, "floor_dps": 1, "counts_per_unit": 1},
        **{"judged": None, "mature_days": 7, "profile_hold_days": 3, "missing_h": 6, "off_body_h": 4},
    },
    "context": {"stride": 1, "statistics": ["mean", "deviation", "max"]},
    "score": {"baseline_s": 0, "baseline_hold_s": 60},
    "alert": {
        **{"raise_score": "calibrated", "clear_ratio": 0.8, "high_ratio": 4, "m": 3, "n": 5},
        **{"on_delay_s": 0, "off_delay_s": 10, "cooldown_s": 60},
    },
}
"""Of docs/configuration.md; model.file and the budgets of training make no integer."""
STATISTICS = {
    "mean": lambda f: (-128 * f, 127 * f, f, False),
    "deviation": lambda f: (0, 255 * f * f, f * f, True),
    "max": lambda f: (-128, 127, 1, False),
    "min": lambda f: (-128, 127, 1, False),
}
"""Of F frames: smallest and largest value, steps of an int8 step, and whether much of it is unsteady."""
NO_VALUE = ("none", "all", "default")
"""Words for a key that is left out; of mel_norm a value."""

ROTATION = ["rotation_mean", "rotation_deviation", "rotation_max", "rotation_axis_deviation"]
MOTION = [
    *("magnitude_mean", "magnitude_deviation", "magnitude_min", "magnitude_max", "magnitude_range", "sma"),
    *("mean_crossings", "band_energies", "dominant_frequency", "odba", "vedba_mean", "vedba_max", "posture_change"),
    *("axis_mean", "axis_deviation", "axis_range", "jerk_mean", "jerk_max", *ROTATION),
]
BY_AXIS = ("axis_mean", "axis_deviation", "axis_range", "rotation_axis_deviation")
CODES = {
    **dict.fromkeys(MOTION[:5], 16),
    **dict.fromkeys(("sma", "odba", "vedba_mean", "vedba_max"), 17),
    **dict.fromkeys(("jerk_mean", "jerk_max"), 18),
    **dict.fromkeys(("axis_mean", "posture_change"), 19),
    **dict.fromkeys(("mean_crossings", "dominant_frequency"), 20),
    **dict.fromkeys(ROTATION, 24),
}
NAMES = {
    **{1: "low_bands", 2: "mid_bands", 3: "high_bands", 4: "loudness", 5: "impulses", 16: "magnitude"},
    **{17: "dynamic_acceleration", 18: "jerk", 19: "posture", 20: "rhythm", 21: "slow_motion", 22: "mid_motion"},
    **{23: "fast_motion", 24: "rotation", 25: "motion_x", 26: "motion_y", 27: "motion_z"},
    **{28: "day_total", 29: "hours_of_day", 30: "day_rhythm", 31: "day_phase", 32: "quiet_hours", 33: "busy_hours"},
    **{34: "last_hours", 35: "trend"},
    **{47 + k: f"part_{k}" for k in range(1, 17)},
}
FIGURES = (28, 30, 30, 30, 30, 31, 32, 33, 31, 30, 34)
"""Codes of the figures of a day."""
CHANGED = (19, 29, 30, 31)
"""Codes without a direction."""


def planned(spec: Json, calibration: Json | None, model: Any) -> Json:
    """A plan as `tests.scalar.decoded` gives it, without provenance and sha256.

    Parameters
    ----------
    spec : as TOML gives it
    calibration : as JSON gives it
    model : layers, hash and types at the file's edges
    """
    said = {
        name: {key: value for key, value in spec.get(name, {}).items() if value not in NO_VALUE or key == "mel_norm"}
        for name in DEFAULTS
    }
    part = {name: {**defaults, **said[name]} for name, defaults in DEFAULTS.items()}
    sensor, features, context = part["sensor"], part["features"], part["context"]
    if features["kind"] == "days":
        sensor["rate_hz"] = 1 / sensor["slot_s"]
    framer = {"window": window_of(sensor, features), "hop": hop_of(sensor, features)}
    extractor, codes = extractor_of(sensor, features, framer["window"], calibration, model)
    planned_context, inputs = context_of(context, codes, calibration)
    score = score_of(calibration, model, len(inputs))
    if features["kind"] == "days":
        score["groups"] = groups_of(extractor, calibration)
    per_tick = framer["hop"] * extractor.get("hops_per_frame", 1) * context["stride"]
    tick_s = per_tick / sensor["rate_hz"]
    timing = timing_of(part["alert"], tick_s)
    return {
        "format": 1,
        "name": spec["name"],
        "sensor": sensor_of(sensor),
        "framer": framer,
        "extractor": extractor,
        "context": planned_context,
        "layers": [layer_of(layer) for layer in model.layers],
        "score": score,
        "baseline": baseline_of(part["score"], timing, calibration, tick_s, features["kind"] == "days"),
        "timing": timing,
        "levels": levels_of(part["alert"], timing, calibration),
        "reasons": reasons_of(inputs, score, calibration),
        "model": model_of(model),
    }


def rounded(x: float) -> int:
    return math.floor(x + 0.5 + 1e-9)


def six(x: float) -> float:
    return float(f"{x:.6f}")


def float32(x: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", x))[0])


# Sensor and framer


def sensor_of(sensor: Json) -> Json:
    if sensor["kind"] == "diary":
        columns = [
            {"name": column["name"], "unit": column.get("unit", "counts"), "sense": sense_of(column)}
            for column in sensor["columns"]
        ]
        return {"kind": "diary", "slot_s": sensor["slot_s"], "columns": columns}
    made = {"kind": sensor["kind"], "rate_millihertz": rounded(sensor["rate_hz"] * 1000)}
    if sensor["kind"] != "motion":
        return made
    per_g, full_scale = sensor["counts_per_g"], sensor["full_scale_g"]
    per_kilo_g = max(1, rounded(1000 * per_g))
    full_scale = 32768 / per_g if full_scale is None else full_scale
    return {
        **made,
        "axes": sensor["axes"],
        "counts_per_kilo_g": per_kilo_g,
        "counts_per_kilo_dps": max(1, rounded(1000 * sensor["counts_per_dps"])) if sensor["axes"] == 6 else 0,
        "full_scale_milli_g": min(math.floor(1000 * full_scale), 32768 * 10**6 // per_kilo_g),
    }


def sense_of(column: Json) -> str:
    return column.get("sense", "movement")


ROWS = ("external", "days")
"""Kinds whose window is a row."""


def window_of(sensor: Json, features: Json) -> int:
    if features["kind"] == "motion":
        return rounded(features["window_s"] * sensor["rate_hz"])
    return 1 if features["kind"] in ROWS else features["fft_length"]


def hop_of(sensor: Json, features: Json) -> int:
    if features["kind"] == "motion":
        return rounded(features["hop_s"] * sensor["rate_hz"])
    return 1 if features["kind"] in ROWS else features["hop_length"]


# Features: each gives the extractor and the code of each of its features


def extractor_of(
    sensor: Json, features: Json, window: int, calibration: Json | None, model: Any
) -> tuple[Json, list[int]]:
    make = {"logmel": logmel_of, "bands": bands_of, "motion": motion_of, "external": external_of, "days": days_of}
    extractor, codes, ranges, units = make[features["kind"]](features, sensor, window)
    first = model.layers[0]
    if features["normalisation"] == "learnt":
        maps = learnt(calibration["features"], units)
        low = -127
    else:
        maps = [(1 / (unit * first.input_scale), first.input_zero_point) for unit in units]
        low = -128
    return {**extractor, "normalisation": affine_of(maps, ranges, low)}, codes


def external_of(features: Json, sensor: Json, window: int) -> tuple[Json, list[int], list, list[float]]:
    n = features["n_features"]
    unit = 1.0 if features["normalisation"] == "learnt" else features["counts_per_unit"]
    codes = [48 + value // ceil_div(n, 16) for value in range(n)]
    return {"kind": "external"}, codes, [(-32768, 32767)] * n, [unit] * n


def days_of(features: Json, sensor: Json, window: int) -> tuple[Json, list[int], list, list[float]]:
    slots, columns = 86400 // sensor["slot_s"], sensor["columns"]
    names = [column["name"] for column in columns]
    if features["judged"] is None:
        judged = [i for i, column in enumerate(columns) if sense_of(column) in ("movement", "sound")][:4]
    else:
        judged = [names.index(name) for name in features["judged"]]
    n = len(judged)
    codes = [29] * (slots * n) + [28] * n + [*FIGURES] + [29] * 4 + [35] * 3
    ends = [2047] * ((slots + 1) * n) + [8191] * 11 + [2047 * slots // 4] * 4 + [16383] * 3
    made = {
        "kind": "days",
        "columns": len(columns),
        "judged": judged,
        "shift": [15 - bit_length(columns[i].get("largest", 32767)) for i in judged],
        "cos_q14": [rounded(16384 * math.cos(2 * math.pi * i / slots)) for i in range(slots)],
        "profile": {
            "slots": slots,
            "columns": n,
            "mature": features["mature_days"],
            "hold": max(1, rounded(features["profile_hold_days"] * slots)),
        },
        "most_missing": math.floor(features["missing_h"] * slots / 24 + 1e-9),
        "off_body": math.ceil(features["off_body_h"] * slots / 24 - 1e-9),
    }
    return made, codes, [(-end, end) for end in ends], [1.0] * len(codes)


def groups_of(days: Json, calibration: Json) -> list[Json]:
    """Slots, totals, figures with the quarters of the day, trends."""
    n = days["profile"]["columns"]
    made, first = [], 0
    sizes = (days["profile"]["slots"] * n, n, 15, 3)
    for size, tail, squared in zip(sizes, calibration["score_tails"], (0, 0, 1, 0), strict=True):
        ratio = 4096 ** (1 + squared) / tail
        shift = clip(30 - math.ceil(math.log2(ratio)), 0, 40)
        gain = clip(rounded(ratio * 2.0**shift), 1, INT32)
        made.append({"first": first, "last": first + size - 1, "squared": squared, "gain": gain, "shift": shift})
        first += size
    return made


def spectral(n: int) -> Json:
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * i / n) for i in range(n // 2 + 1)]
    cos = [math.cos(2 * math.pi * j / n) for j in range(n // 4 + 1)]
    return {
        "fft": {
            "length": n,
            "window_q15": [min(32767, rounded(32768 * v)) for v in hann],
            "cos_q15": [min(32767, rounded(32768 * v)) for v in cos],
        },
        "limits": {"floor_q10": rounded(-110.0 * D), "range_q10": rounded(80.0 * D)},
    }


def band_codes(n: int, first: int) -> list[int]:
    return [first + ((2 * b + 1) * 3) // (2 * n) for b in range(n)]


def logmel_of(features: Json, sensor: Json, window: int) -> tuple[Json, list[int], list, list[float]]:
    made, n = spectral(window), features["n_mels"]
    bank = segments(*mel_bins(features, sensor["rate_hz"], window), n, window)
    floor = made["limits"]["floor_q10"]
    ranges = [(floor, max(floor, (130 << 10) + offset)) for offset in bank["offset_q10"]]
    return {"kind": "logmel", **made, "filterbank": bank}, band_codes(n, 1), ranges, [D] * n


def bands_of(features: Json, sensor: Json, window: int) -> tuple[Json, list[int], list, list[float]]:
    made, n, rate = spectral(window), features["n_bands"], sensor["rate_hz"]
    bank = segments(rectangular_bins(features, rate, window), [0.0] * n, n, window)
    hops = features.get("band_hops")
    if hops is None:
        hops = rounded(features["band_ms"] * rate / 1000 / features["hop_length"])
    floor = made["limits"]["floor_q10"]
    top = max(floor, (130 << 10) + bank["offset_q10"][0])
    extractor = {
        "kind": "bands",
        **made,
        "filterbank": bank,
        "hops_per_frame": hops,
        "mean_q10": rounded(-1024 * math.log2(hops)),
        "headroom": bit_length(n - 1),
    }
    ranges = [(floor, top)] * (n + 1) + [(-1024, top - floor)]
    return extractor, [*band_codes(n, 1), 4, 5], ranges, [D] * (n + 2)


def mel_bins(features: Json, rate: float, n_fft: int) -> tuple[list[tuple[int, int, float]], list[float]]:
    """Bins as (k, upper, rise), and the scale of each band."""
    n = features["n_mels"]
    if features["mel_scale"] == "htk":

        def mel(f: float) -> float:
            return 2595 * math.log10(1 + f / 700)

        def hz(m: float) -> float:
            return 700 * (10 ** (m / 2595) - 1)
    else:

        def mel(f: float) -> float:
            return f * 3 / 200 if f < 1000 else 15 + math.log(f / 1000) * 27 / math.log(6.4)

        def hz(m: float) -> float:
            return m * 200 / 3 if m < 15 else 1000 * math.exp((m - 15) * math.log(6.4) / 27)

    low, high = mel(features["fmin_hz"]), mel(features["fmax_hz"])
    corner = [hz(low + (high - low) * i / (n + 1)) for i in range(n + 2)]
    bins = []
    for k in range(n_fft // 2 + 1):
        f = k * rate / n_fft
        if corner[0] * (1 + 1e-9) < f < corner[n + 1] * (1 - 1e-9):
            upper = max(i for i in range(n + 1) if corner[i] <= f * (1 + 1e-9))
            bins.append((k, upper, max(0, (f - corner[upper]) / (corner[upper + 1] - corner[upper]))))
    slaney = features["mel_norm"] == "slaney"
    return bins, [math.log2(2 / (corner[b + 2] - corner[b])) if slaney else 0.0 for b in range(n)]


def rectangular_bins(features: Json, rate: float, n_fft: int) -> list[tuple[int, int, float]]:
    n, low, high = features["n_bands"], features["fmin_hz"], features["fmax_hz"]
    edge = [low * (high / low) ** (b / n) / (rate / n_fft) + 0.5 for b in range(n + 1)]
    first = [math.floor(e + 1e-9) for e in edge]
    bins = []
    for k in range(first[0], min(first[n], n_fft // 2) + 1):
        upper = max(b for b in range(n + 1) if first[b] <= k)
        bins.append((k, upper, min(1, k + 1 - edge[upper]) if k == first[upper] else 1))
    return bins


def segments(bins: list[tuple[int, int, float]], scale: list[float], n: int, n_fft: int) -> Json:
    width, minus_rise = [0] * (2 * n + 1), []
    for _, upper, rise in bins:
        if rise > 1 - 1e-9:
            if upper < n:
                width[2 * upper + 1] += 1
        else:
            width[2 * upper] += 1
            minus_rise.append(-rounded(six(32768 * rise)))
    edges = [bins[0][0]]
    for each in width:
        edges.append(edges[-1] + each)
    fitting = [bits for bits in range(14, 7, -1) if max(width) * (4**bits + 1) <= INT32]
    return {
        "edges": edges,
        "minus_rise_q15": minus_rise,
        "value_bits": fitting[0],
        "offset_q10": [rounded(1024 * (2 * math.log2(n_fft / 2**45) + 1 + s)) for s in scale],
    }


def motion_of(features: Json, sensor: Json, n: int) -> tuple[Json, list[int], list, list[float]]:
    rate, axes = sensor["rate_hz"], sensor["axes"]
    g = rounded(features["gravity_s"] * rate)
    floor = max(1, rounded(features["floor_mg"] / 1000 * sensor["counts_per_g"]))
    rotation_floor = max(1, rounded(features["floor_dps"] * (sensor["counts_per_dps"] if axes == 6 else 1)))
    selected = [name for name in MOTION if features["select"] is None or name in features["select"]]
    left_out = [*(ROTATION if axes == 3 else ()), *(("posture_change",) if g == n else ())]
    if features["orientation_free"]:
        left_out += ["sma", "odba", *(name for name in MOTION if "axis" in name)]
    selected = [name for name in selected if name not in left_out]
    spectrum = spectrum_of(features["band_edges_hz"], n, rate, floor)
    n_bands = len(spectrum["floor"])
    extractor = {
        "kind": "motion",
        "axes": axes,
        "window": n,
        "gravity": g,
        "window_q31": rounded(2**31 / n),
        "gravity_q31": rounded(2**31 / g),
        "window_log2_q10": rounded(1024 * math.log2(n)),
        "jerk_log2_q10": rounded(1024 * math.log2(n - 1)),
        "floor": floor,
        "rotation_floor": rotation_floor,
        "features": selected,
        "spectrum": spectrum,
    }
    in_floors = {name: float(floor) for name in ("magnitude_mean", "magnitude_min", "axis_mean")}
    unit = {**in_floors, "mean_crossings": 1, "dominant_frequency": 1, "posture_change": 4096 * math.pi / 180}
    span = {
        **dict.fromkeys(("magnitude_mean", "magnitude_min"), (0, 56754)),
        **dict.fromkeys(("mean_crossings", "dominant_frequency"), (0, n)),
        **{"axis_mean": (-32768, 32767), "posture_change": (0, 12868), "band_energies": (0, 63 << 10)},
    }
    codes, ranges, units = [], [], []
    for name in selected:
        if name in ("axis_deviation", "axis_range"):
            of_name = [25, 26, 27]
        elif name == "band_energies":
            of_name = band_codes(n_bands, 21)
        else:
            of_name = [CODES[name]] * (3 if name in BY_AXIS else 1)
        codes += of_name
        ranges += [span.get(name, (-1024, 32 << 10))] * len(of_name)
        units += [unit.get(name, D)] * len(of_name)
    return extractor, codes, ranges, units


def spectrum_of(edges: list[float] | None, n: int, rate: float, floor: int) -> Json:
    if edges is not None:
        first_bin = [min(max(1, math.ceil(edge * n / rate - 1e-9)), n // 2 + 1) for edge in edges]
    else:
        first = max(1, math.ceil(0.5 * n / rate - 1e-9))
        last = max(first + 1, math.floor(min(0.4 * n, n // 2 + 1) + 1e-9))
        first_bin = sorted({clip(rounded(first * (last / first) ** (b / 4)), first, last) for b in range(5)})
    one_bin = floor**2 * sum((0.5 - 0.5 * math.cos(2 * math.pi * i / n)) ** 2 for i in range(n))
    return {
        "cos_q15": [clip(rounded(32768 * math.cos(2 * math.pi * i / n)), -32767, 32767) for i in range(n)],
        "sin_q15": [clip(rounded(32768 * math.sin(2 * math.pi * i / n)), -32767, 32767) for i in range(n)],
        "first_bin": first_bin,
        "floor": [clip(rounded(one_bin * (b - a)), 1, INT32) for a, b in pairwise(first_bin)],
        "bin_floor": clip(rounded(8 * one_bin), 1, INT32),
    }


# Affine maps


def learnt(normalisation: Json, units: list[float]) -> list[tuple[float, float]]:
    centres, widths = normalisation["centre"], normalisation["half_width"]
    return [(127 / (h * u), -127 * c / h) for c, h, u in zip(centres, widths, units, strict=True)]


def affine_of(maps: list[tuple[float, float]], ranges: list[tuple[int, int]], low: int) -> Json:
    made: Json = {"gain": [], "bias": [], "shift": [], "low": low, "high": 127}
    for (g, o), (a, b) in zip(maps, ranges, strict=True):
        fitting = (
            shift
            for shift in range(31, 0, -1)
            if max(-a, b) * rounded(g * 2**shift) + abs(rounded((o + 0.5) * 2**shift)) <= INT32
        )
        shift = next(fitting, 1)
        made["gain"].append(min(INT32, rounded(g * 2**shift)))
        made["bias"].append(clip(rounded((o + 0.5) * 2**shift), -INT32, INT32))
        made["shift"].append(shift)
    return made


# Context: it, and of each input its code and its directions


def context_of(context: Json, codes: list[int], calibration: Json | None) -> tuple[Json, list[tuple[int, int]]]:
    frames = context["frames"]
    made = {"kind": context["kind"], "frames": frames, "stride": context["stride"]}
    plain = [(code, 0 if code in CHANGED else 1 | 2 << 2) for code in codes]
    if context["kind"] == "stack":
        return made, plain * frames
    ranges, units, inputs = [], [], []
    for name in context["statistics"]:
        low, high, unit, unsteady = STATISTICS[name](frames)
        ranges += [(low, high)] * len(codes)
        units += [unit] * len(codes)
        inputs += [(code, 3) for code in codes] if unsteady else plain
    normalisation = affine_of(learnt(calibration["inputs"], units), ranges, -127)
    return {**made, "statistics": context["statistics"], "normalisation": normalisation}, inputs


# Layers, score, baseline


def layer_of(layer: Any) -> Json:
    scales = [float(scale) for scale in layer.weight_scales]
    if len(scales) == 1:
        products = [float32(layer.input_scale * scales[0])]
    else:
        products = [layer.input_scale * scale for scale in scales]
    pairs = [quantize_multiplier(product / layer.output_scale) for product in products]

    def q(real: float) -> int:
        ratio = float32(real / layer.output_scale)
        return layer.output_zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))

    low, high = {
        "NONE": lambda: (-128, 127),
        "RELU": lambda: (max(-128, q(0)), 127),
        "RELU6": lambda: (max(-128, q(0)), min(127, q(6))),
        "RELU_N1_TO_1": lambda: (max(-128, q(-1)), min(127, q(1))),
    }[layer.activation]()
    return {
        "weights": layer.weights.tolist(),
        "bias": layer.bias.tolist(),
        "multiplier": [multiplier for multiplier, _ in pairs],
        "shift": [shift for _, shift in pairs],
        "input_zero_point": layer.input_zero_point,
        "weight_zero_point": layer.weight_zero_point,
        "output_zero_point": layer.output_zero_point,
        "act_low": low,
        "act_high": high,
    }


def quantize_multiplier(real: float) -> tuple[int, int]:
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def model_of(model: Any) -> Json:
    def edge(kind: str, scale: float, zero_point: int) -> Json:
        return {"type": kind, "zero_point": zero_point, "scale_bits": struct.unpack("<I", struct.pack("<f", scale))[0]}

    first, last = model.layers[0], model.layers[-1]
    return {
        "sha256": model.sha256,
        "input": edge(model.input_type, first.input_scale, first.input_zero_point),
        "output": edge(model.output_type, last.output_scale, last.output_zero_point),
    }


def score_of(calibration: Json | None, model: Any, n: int) -> Json:
    first, last = model.layers[0], model.layers[-1]
    made = {
        "weights": [1] * n if calibration is None else calibration["score_weights"],
        "input_zero_point": first.input_zero_point,
        "output_zero_point": last.output_zero_point,
        **{"input_gain": 1, "output_gain": 1, "shift": 0},
    }
    if first.input_scale == last.output_scale:
        return made
    coarser = max(first.input_scale, last.output_scale)
    for fraction_bits in range(4, -1, -1):
        made["input_gain"] = max(1, rounded(2 ** (fraction_bits + 10) * first.input_scale / coarser))
        made["output_gain"] = max(1, rounded(2 ** (fraction_bits + 10) * last.output_scale / coarser))
        made["shift"] = 10
        if sum(made["weights"]) * largest_error(made) ** 2 <= 2**32 - 1:
            break
    return made


def largest_error(score: Json) -> int:
    largest = max(
        abs(
            score["input_gain"] * (x - score["input_zero_point"])
            - score["output_gain"] * (y - score["output_zero_point"])
        )
        for x in (-128, 127)
        for y in (-128, 127)
    )
    shift = score["shift"]
    return largest if shift == 0 else ((largest + ((1 << shift) >> 1)) >> shift) + 1


def baseline_of(score: Json, timing: Json, calibration: Json | None, tick_s: float, learns: bool) -> Json:
    seconds, hold_s = score["baseline_s"], score["baseline_hold_s"]
    if seconds == "chosen":
        seconds = calibration["signal"]["score"]["baseline_s"]
    if seconds == 0:
        off = {"start": 0, "rise_q16": 0, "fall_q16": 0, "limit_q16": 0, "hold": 0}
        return off | ({"reference_score": calibrated_level(timing, calibration)} if learns else {})
    start = calibration["baseline_start"]

    def rate(f: int) -> int:
        return clip(rounded(65536 * (1 - math.exp(-f * tick_s / seconds))), 1, 65536)

    return {
        "start": start,
        "rise_q16": rate(1),
        "fall_q16": rate(4),
        "limit_q16": clip(rounded(65536 * start * tick_s / seconds), 1, 2**48),
        "hold": 0 if hold_s == 0 else max(1, math.ceil(hold_s / tick_s - 1e-9)),
        "reference_score": calibrated_level(timing, calibration),
    }


# Alert, reasons


def timing_of(alert: Json, tick_s: float) -> Json:
    delays = {name: math.ceil(alert[f"{name}_s"] / tick_s - 1e-9) for name in ("on_delay", "off_delay", "cooldown")}
    return {
        "m": alert["m"],
        "n": alert["n"],
        **delays,
        "clear_ratio_q16": max(1, rounded(alert["clear_ratio"] * 65536)),
        "high_ratio_q16": rounded(alert["high_ratio"] * 65536),
    }


def levels_of(alert: Json, timing: Json, calibration: Json | None) -> Json:
    level, high_ratio = alert["raise_score"], timing["high_ratio_q16"]
    if level == "calibrated" and (tolerated := calibration.get("tolerated")) is not None:
        level = tolerated["raise_score"]
    elif level == "calibrated":
        level = calibrated_level(timing, calibration)
    return {
        "raise_score": level,
        "clear_score": max(1, (level * timing["clear_ratio_q16"]) >> 16),
        "high_score": min(2**32 - 1, ceil_div(level * high_ratio, 65536)) if high_ratio else 0,
    }


def calibrated_level(timing: Json, calibration: Json) -> int:
    table, m, n, high_ratio = calibration["alarm_levels"], timing["m"], timing["n"], timing["high_ratio_q16"]
    row = max(i for i, ticks in enumerate((0, 1, 2, 4, 8, 16, 32, 64)) if ticks <= timing["on_delay"])
    level = table["reached"][row][n * (n - 1) // 2 + m - 1]
    if high_ratio > 0:
        level = max(level, math.trunc(table["highest_score"] / (high_ratio / 65536.0)))
    return min(level + 1, 2**32 - 1)


def reasons_of(inputs: list[tuple[int, int]], score: Json, calibration: Json | None) -> Json:
    codes = sorted({code for code, _ in inputs})
    normal = None if calibration is None else calibration.get("group_levels")
    levels = []
    for code in codes:
        weight = sum(w for w, (of, _) in zip(score["weights"], inputs, strict=True) if of == code)
        levels.append(max(0 if normal is None else normal[NAMES[code]], weight, 1))
    return {
        "groups": [codes.index(code) | directions << 4 for code, directions in inputs],
        "codes": codes,
        "gain": [max(1, rounded(2**30 * min(levels) / level)) for level in levels],
    }
