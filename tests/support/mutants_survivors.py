"""Mutants of the C port that compute the same as the port, each with the reason."""

BY_FUNCTION: dict[str, dict[str, dict[str, list[str]]]] = {
    "anom_record.c": {
        "N_HOLDERS": {
            "a holder more that no part has": [
                "[5 => 6]",
            ],
        },
        "PARTS": {
            "the bytes more belong to parts that are copied later": [
                "offsetof(record_fields, reference), [12 => 13], OF_REFERENCE, offsetof(anom_rung, in_row",
                "offsetof(record_fields, reference_hits), [2 => 3], OF_REFERENCE, offsetof(anom_rung, hits",
            ],
            "of a motion plan with health: tests/parity/test_records.py kills it": [
                "offsetof(record_fields, health), [24 => 23], OF_HEALTH, offsetof(anom_health, active",
                "offsetof(record_fields, health), [24 => 25], OF_HEALTH, offsetof(anom_health, active",
            ],
            "no baseline reaches 2**48": [
                "offsetof(record_fields, level_q16), [8 => 7], OF_BASELINE, offsetof(anom_baseline, level_q16",
            ],
        },
        "save": {
            "what is not 0 is true": [
                "exchange(pipeline, &made, [1 => 2])",
            ],
        },
        "take": {
            "without health nothing is fresh": [
                "fresh = health ? health->active : [0 => (-1)]",
                "fresh = health ? health->active : [0 => 1]",
            ],
        },
    },
    "anom_alarm.c": {
        "less": {
            "a count that equals the hops is 0 either way": [
                "return count [> => >=] hops ? count - hops : 0",
            ],
        },
        "anom_alarm_init": {
            "the tag of an alarm without a supervisor is in no event": [
                "alarm->alert, timing, level, [0 => (-1)])",
                "alarm->alert, timing, level, [0 => 1])",
            ],
        },
        "anom_alarm_step": {
            "the highest score is no other than itself": [
                "if (score [> => >=] alarm->peak) alarm->peak =",
            ],
            "a high level is above the alarm level, so at least 2": [
                "uint32_t flags = high_score > [0 => 1] && score >= high_score ? ANOM_FLAG_HIGH << 8",
            ],
            "the kind of the notice is 1, and takes the bit in": [
                "score >= high_score ? ANOM_FLAG_HIGH << 8 : [0 => 1]",
            ],
        },
        "anom_alarm_advance": {
            "it saves time: counts of 0 stay 0": [
                "if ([(alarm->hold | alarm->silence | alarm->test) == 0 => 0]) return",
            ],
        },
        "due_of_standing": {
            "the kind of the notice is 1, and takes the bit in": [
                "(alarm, (uint32_t)late, [0 => 1])",
            ],
        },
        "anom_alarm_due": {
            "it saves time: nothing is due in the normal state": [
                "anom_notice found = [alarm->state == ANOM_STATE_NORMAL => 0] ? 0 : due_of_standing(alarm)",
            ],
        },
    },
    "anom_alert.c": {
        "anom_alert_init": {
            "a pipeline resets its alert next, and so do the vectors": [
                "[alert->sequence = 0 => ]",
                "alert->sequence = [0 => (-1)]",
                "alert->sequence = [0 => 1]",
            ],
        },
    },
    "anom_autoencoder.c": {
        "requantise": {
            "what equals a bound is clipped to itself": [
                "outputs++ = (int8_t)(y [< => <=] run->low ? run->low :",
                "->low ? run->low : y [> => >=] run->high ? run->high :",
            ],
        },
        "offset_of": {
            "0 times any sum is 0; the shortcut saves time": [
                "if ([plan->weight_zero_point == 0 => 0]) return 0",
            ],
        },
        "prepared_bytes": {
            "a layer has one block or more": [
                "int32_t most = [0 => (-1)]",
                "int32_t most = [0 => 1]",
            ],
        },
    },
    "anom_bands.c": {
        "bands_spectrum_bytes": {
            "rounds a multiple of four": [
                "2) * sizeof(int32_t) + [7 => 6]) & ~(size_t)7",
            ],
        },
        "bands_restart": {
            "sums[-1] is hops and peak_q10, which are set after the loop": [
                "for (int32_t b = [0 => (-1)]; b <= plan->filterbank.n_bands",
            ],
        },
        "gather": {
            "a sum has no order": [
                "->sums[b] = anom_energy_add([next->sums[b], bands[b] => bands[b], next->sums[b]])",
                "->sums[n] = anom_energy_add([next->sums[n], together => together, next->sums[n]])",
            ],
        },
        "finish": {
            "level[n] is written again below": [
                "for (int32_t b = 0; b [< => <=] n; b++) level[b",
            ],
        },
    },
    "anom_baseline.c": {
        "anom_baseline_above": {
            "a difference of 0 is 0": [
                "return score [> => >=] level(baseline) ? score - level",
            ],
        },
        "anom_baseline_follow": {
            "a distance of 0 changes nothing, at either rate": [
                "int64_t change = distance * (distance [> => >=] 0 ? plan->rise_q16 : plan->",
                "int64_t change = distance * (distance > [0 => (-1)] ? plan->rise_q16 : plan->fall_q16",
            ],
        },
    },
    "anom_event.c": {
        "anom_event_bytes": {
            "the next put, or the health, writes that byte again": [
                "bytes + 2, fields->sequence, [2 => 3])",
                "bytes + 8, fields->score_log2_q8, [2 => 3])",
            ],
        },
        "anom_event_compact": {
            "the score is written there next": [
                "for (int32_t i = 0; i [< => <=] 7; i++) compact[i",
                "(int32_t i = 0; i < [7 => 8]; i++) compact[i]",
            ],
        },
    },
    "anom_external.c": {
        "external_scratch_bytes": {
            "rounds a multiple of four": [
                "->n_features * sizeof(int32_t) + [7 => 6]) & ~(size_t)7",
            ],
            "the room is shared with the model, which needs more": [
                "->n_features * sizeof(int32_t) + [7 => 8]) & ~(size_t)7",
            ],
        },
    },
    "anom_fft.c": {
        "butterfly": {
            "a sum has no order": [
                "anom_complex s1 = shifted(add([b, d => d, b]), 1)",
            ],
        },
        "sample_bits": {
            "differs in the lowest bit, of values that are longer than that": [
                "] ^ (frame[i] >> [15 => 14])",
            ],
            "an int16 has its sign there, too": [
                "] ^ (frame[i] >> [15 => 16])",
            ],
        },
    },
    "anom_filterbank.c": {
        "bits_of": {
            "one bit is no more than value_bits": [
                "int32_t all = [0 => 1]",
            ],
            "differs in the lowest bit, of values that are longer than that": [
                "(bins[k].re >> [31 => 30])) | (bins[k]",
                "(bins[k].im >> [31 => 30]))",
            ],
        },
        "anom_filterbank_run": {
            "a sum of two has no order": [
                "bands[b] = anom_energy_add([rise, shared.rest => shared.rest, rise])",
                "bands[b] = anom_energy_add([bands[b], own.rest => own.rest, bands[b]])",
            ],
            "a shortcut: an empty segment adds nothing": [
                "if ([edges[1] == edges[2] => 0]) continue",
                "if (edges[[1 => 0]] == edges[2]) continue",
                "(edges[1] == edges[[2 => 3]]) continue",
                "1] == edges[2]) [continue => ]",
            ],
        },
    },
    "anom_fixed.c": {
        "INVERSE_ROOT_Q7": {
            "an entry that is off by one is made good by the steps that follow": [
                "[248 => 247], 235, 223, 214, 205",
                "[248 => 249], 235, 223, 214, 205",
                "248, [235 => 234], 223, 214, 205, 197",
                "248, [235 => 236], 223, 214, 205, 197",
                "248, 235, [223 => 222], 214, 205, 197, 190",
                "248, 235, [223 => 224], 214, 205, 197, 190",
                "248, 235, 223, [214 => 213], 205, 197, 190, 184",
                "248, 235, 223, [214 => 215], 205, 197, 190, 184",
                "248, 235, 223, 214, [205 => 204], 197, 190, 184, 178",
                "248, 235, 223, 214, [205 => 206], 197, 190, 184, 178",
                "235, 223, 214, 205, [197 => 196], 190, 184, 178, 173",
                "235, 223, 214, 205, [197 => 198], 190, 184, 178, 173",
                "223, 214, 205, 197, [190 => 189], 184, 178, 173, 168",
                "223, 214, 205, 197, [190 => 191], 184, 178, 173, 168",
                "214, 205, 197, 190, [184 => 183], 178, 173, 168, 164",
                "214, 205, 197, 190, [184 => 185], 178, 173, 168, 164",
                "205, 197, 190, 184, [178 => 177], 173, 168, 164, 160",
                "205, 197, 190, 184, [178 => 179], 173, 168, 164, 160",
                "197, 190, 184, 178, [173 => 172], 168, 164, 160, 156",
                "197, 190, 184, 178, [173 => 174], 168, 164, 160, 156",
                "190, 184, 178, 173, [168 => 167], 164, 160, 156, 153",
                "190, 184, 178, 173, [168 => 169], 164, 160, 156, 153",
                "184, 178, 173, 168, [164 => 163], 160, 156, 153, 149",
                "184, 178, 173, 168, [164 => 165], 160, 156, 153, 149",
                "178, 173, 168, 164, [160 => 159], 156, 153, 149, 146",
                "178, 173, 168, 164, [160 => 161], 156, 153, 149, 146",
                "173, 168, 164, 160, [156 => 155], 153, 149, 146, 143",
                "173, 168, 164, 160, [156 => 157], 153, 149, 146, 143",
                "168, 164, 160, 156, [153 => 152], 149, 146, 143, 141",
                "168, 164, 160, 156, [153 => 154], 149, 146, 143, 141",
                "164, 160, 156, 153, [149 => 148], 146, 143, 141, 138",
                "164, 160, 156, 153, [149 => 150], 146, 143, 141, 138",
                "160, 156, 153, 149, [146 => 145], 143, 141, 138, 136",
                "160, 156, 153, 149, [146 => 147], 143, 141, 138, 136",
                "156, 153, 149, 146, [143 => 142], 141, 138, 136, 133",
                "156, 153, 149, 146, [143 => 144], 141, 138, 136, 133",
                "153, 149, 146, 143, [141 => 140], 138, 136, 133, 131",
                "153, 149, 146, 143, [141 => 142], 138, 136, 133, 131",
                "149, 146, 143, 141, [138 => 137], 136, 133, 131, 129",
                "149, 146, 143, 141, [138 => 139], 136, 133, 131, 129",
                "146, 143, 141, 138, [136 => 135], 133, 131, 129,",
                "146, 143, 141, 138, [136 => 137], 133, 131, 129,",
                "143, 141, 138, 136, [133 => 132], 131, 129,",
                "143, 141, 138, 136, [133 => 134], 131, 129,",
                "141, 138, 136, 133, [131 => 130], 129,",
                "141, 138, 136, 133, [131 => 132], 129,",
                "138, 136, 133, 131, [129 => 128],",
                "138, 136, 133, 131, [129 => 130],",
            ],
        },
        "ATAN_Q16": {
            "all angles have one parity, so that ties fall alike": [
                "[51472 => 51471], 30386, 16055, 8150, 4091",
            ],
        },
        "anom_angle_q12": {
            "all angles have one parity, so that ties fall alike": [
                "int32_t angle = x < 0 ? [102944 => 102943] : 0",
                "angle = x < 0 ? 102944 : [0 => (-1)]",
                "return (angle + [8 => 7]) >> 4",
            ],
            "what lies beyond either end is below a step of the result": [
                "angle = angle < [0 => (-1)] ? 0 : angle > 205887 ? 205887",
                "angle = angle < 0 ? [0 => (-1)] : angle > 205887 ? 205887 : angle",
                "angle = angle < 0 ? [0 => 1] : angle > 205887 ? 205887 : angle",
                "angle = angle < 0 ? 0 : [angle > 205887 => 0] ? 205887 : angle",
                "angle < 0 ? 0 : angle > [205887 => 205888] ? 205887 : angle",
                "0 ? 0 : angle > 205887 ? [205887 => 205886] : angle",
                "0 ? 0 : angle > 205887 ? [205887 => 205888] : angle",
            ],
        },
    },
    "anom_fixed.h": {
        "anom_rounding_divide_by_pot": {
            "0 has no remainder": [
                "(mask >> 1) + (x [< => <=] 0)",
                "mask >> 1) + (x < [0 => 1])",
            ],
        },
        "anom_multiply_by_quantized_multiplier": {
            "a product has no order": [
                "int32_t high = anom_saturating_rounding_doubling_high_mul([x, multiplier => multiplier, x])",
            ],
        },
        "anom_affine_int8": {
            "what equals a bound is clipped to itself": [
                "return (int8_t)(x [< => <=] low ? low : x > high ?",
                "(x < low ? low : x [> => >=] high ? high : x)",
            ],
        },
        "anom_bit_length": {
            "a number that fills half of the bits has that length either way": [
                "if (x >> [16 => 15])",
                "if (x >> [8 => 7])",
                "if (x >> [4 => 3])",
                "if (x >> [2 => 1])",
            ],
        },
    },
    "anom_export.c": {
        "take_off": {
            "of a fifth byte, which is read first, no bit is left in 32 bits": [
                ") || get(earlier + AT_FIRST, [4 => 5]) != 0) return 0",
                "first = get(earlier + AT_LAST, [4 => 5])",
                "first <= get(made + AT_LAST, [4 => 5])",
            ],
        },
        "anom_pipeline_export": {
            "one byte more is written, and the next field or the CRC is written over it": [
                "put_number(made + AT_LENGTH, bytes, [2 => 3])",
                "made + AT_BOOT, ladder->boot, [2 => 3])",
                "put_number(made + AT_DEVICE, device, [8 => 9])",
                "AT_PLAN_TAG, pipeline->alert.plan_tag, [2 => 3])",
                "put_number(made + AT_FIRST, 0, [4 => 5])",
                "made + AT_LAST, ladder->ticks, [4 => 5])",
                "made + AT_DAYS, ladder->days, [2 => 3])",
                ", (uint32_t)rungs->episode_gap, [2 => 3])",
                "put_number(at, rung->ticks, [4 => 5])",
                "at + 4, rung->alarms, [2 => 3])",
                "at + 6, rung->days, [2 => 3])",
                "at + 8, rung->episodes, [2 => 3])",
                "at + 10, rung->at_risk, [2 => 3])",
            ],
        },
    },
    "anom_framer.c": {
        "CLOSED": {
            "any number far beyond the longest window": [
                "[65536 => 65535]",
                "[65536 => 65537]",
            ],
        },
        "IS_CLOSED": {
            "any number between the longest window and what a closed framer has": [
                "[32768 => 32767]",
                "[32768 => 32769]",
            ],
        },
        "anom_framer_close": {
            "no framer has this number": [
                "if (framer->have [>= => >] IS_CLOSED) return",
            ],
            "it is written when the framer opens, before anybody reads it": [
                "framer->skip = [0 => (-1)]",
            ],
        },
        "anom_framer_open": {
            "no framer has this number": [
                "if (framer->have [< => <=] IS_CLOSED) return",
            ],
        },
        "anom_framer_push": {
            "taking no samples changes nothing": [
                "if (taken [<= => <] 0) return start",
                "if (taken <= [0 => (-1)]) return start",
            ],
        },
        "anom_framer_gap": {
            "modulo 2**32 the other branch computes the same": [
                "if ([n <= framer->skip => 0])",
                "if (n [<= => <] framer->skip)",
            ],
        },
    },
    "anom_health.c": {
        "IN_EVERY_BLOCK": {
            "no condition has the code 0": [
                "[0x107E => 4223]",
            ],
        },
        "BITS": {
            "no condition has the code 0": [
                "[0x000E => 15], 0x0010, 0x0020, 0x01C0, 0x0E00",
                "0x000E, [0x0010 => 17], 0x0020, 0x01C0, 0x0E00, 0x1000",
                "0x000E, 0x0010, [0x0020 => 33], 0x01C0, 0x0E00, 0x1000, 0x6000",
                "0x000E, 0x0010, 0x0020, [0x01C0 => 449], 0x0E00, 0x1000, 0x6000, 0x8000",
                "0x000E, 0x0010, 0x0020, 0x01C0, [0x0E00 => 3585], 0x1000, 0x6000, 0x8000",
                "0x0010, 0x0020, 0x01C0, 0x0E00, [0x1000 => 4097], 0x6000, 0x8000",
                "0x0020, 0x01C0, 0x0E00, 0x1000, [0x6000 => 24577], 0x8000",
                "0x01C0, 0x0E00, 0x1000, 0x6000, [0x8000 => 32769]",
            ],
        },
        "decide": {
            "the first column is at least 0": [
                "int32_t longest_run = [0 => (-1)]",
                "int32_t span = [0 => (-1)]",
                "int32_t away = [0 => (-1)]",
            ],
            "a product has no order": [
                "if (reaches(health->clipped, [(uint32_t)plan->clip_share_q16, values => values, (uint32_t)plan->clip_share_q16])) bad |= 1u << ANOM_CONDITION_CLIPPED",
            ],
            "the first column writes it in every block": [
                "int32_t axes_span = [0 => (-1)]",
                "int32_t axes_span = [0 => 1]",
                "int32_t axes_away = [0 => (-1)]",
                "int32_t axes_away = [0 => 1]",
            ],
            "it saves time: no condition asks for these means": [
                "if ([i >= with_mean => 0]) continue",
                "if (i [>= => >] with_mean) continue",
                "if (i >= with_mean) [continue => ]",
            ],
        },
        "end_hop": {
            "a product has no order": [
                "lost > 0 && reaches(lost, [(uint32_t)plan->lost_share_q16, (uint64_t)lost + hops => (uint64_t)lost + hops, (uint32_t)plan->lost_share_q16])",
            ],
            "one block counts the same alone and with its samples": [
                "if ([total >= 2 * block || !has_samples => 1])",
                "if (total >= [2 => 1] * block || !has_samples)",
                "if (total >= 2 [* => +] block || !has_samples)",
            ],
            "no condition has the code 0": [
                "judged = [0 => 1]",
            ],
        },
        "count": {
            "no condition has the code 0": [
                "for (int32_t i = [0 => (-1)]; i < ANOM_HEALTH_COUNTED; i++)",
            ],
        },
        "sum_up": {
            "the first value is no further away": [
                "int32_t lowest = [32767 => 32768]",
                "int32_t highest = -[32768 => 32769]",
            ],
            "all checks have the other sign, and are equal as before": [
                "check [+= => -=] (uint32_t)x",
            ],
            "an extreme that equals another one is written again": [
                "if (lowest [< => <=] column->lowest) column->lowest =",
                "if (highest [> => >=] column->highest) column->highest =",
            ],
        },
        "warm": {
            "it saves time: nothing is to count where nothing is active, and no condition has the code 0": [
                "if ([health->active == 0 => 0]) return",
                "if (health->active == [0 => (-1)]) return",
                "if (health->active == [0 => 1]) return",
            ],
            "it is written again with what it is": [
                "if (health->warm_up [< => <=] settle) health->warm_up = settle",
            ],
        },
        "anom_health_look": {
            "it saves time: none of these values is clipped": [
                "if ([found.lowest <= plan->clip_low || found.highest >= plan->clip_high => 1]) health->clipped += clipped_of(plan",
            ],
            "any number but 0 says the same": [
                "health->seen = [1 => 2]",
            ],
        },
    },
    "anom_ladder.c": {
        "anom_ladder_step_rungs": {
            "no rung has these hits, and the next ones are counted": [
                "uint32_t last = [0 => (-1)]",
            ],
            "it saves time: hits that are not counted again are as many as those before them": [
                "if ([second != last >> 1 => 1]) last = second << 1 | (",
                "if (second != last [>> => <<] 1) last = second << 1 |",
                "if (second != last >> [1 => 0]) last = second << 1 | (",
                "last >> 1) last = second << [1 => 2] | (uint32_t)has_votes(second,",
            ],
            "the rung is not in alarm: its bit is 0": [
                "in_alarm [^= => |=] bit (2)",
            ],
            "a sum has no order": [
                "bit) counts->ticks = anom_saturating_add([counts->ticks, 1 => 1, counts->ticks])",
            ],
            "it saves instructions, and changes no value": [
                "[APART(level) => ]",
                "[APART(counts) => ]",
                "[APART(state) => ]",
            ],
            "it saves time: a rung at rest that is judged stays at rest": [
                "while (bit [> => <] 1 && *--state == 0 &&",
                "while (bit > [1 => 2] && *--state == 0 && in_alarm",
                "state == 0 && in_alarm < bit >> [1 => 2]) bit >>= 1",
                "0 && in_alarm < bit >> 1) [bit >>= 1 => ]",
                "in_alarm < bit >> 1) bit >>= [1 => 0]",
            ],
            "no set of alarms is below 0": [
                "while (bit [> => >=] 1 && *--state == 0 &&",
                "while (bit > [1 => 0] && *--state == 0 && in_alarm",
            ],
            "no rung outside an alarm has this state, so that only time is saved: votes need hits, and no delay is 65535": [
                "bit > 1 && *--state == [0 => (-1)] && in_alarm < bit >> 1) bit",
                "bit > 1 && *--state == [0 => 1] && in_alarm < bit >> 1) bit",
            ],
        },
        "anom_ladder_step": {
            "it spreads the work over ticks: whoever reads the counts finishes them": [
                "if ([ladder->waiting > 0 && raised == 0 => 0]) settle_one(ladder, plan)",
                "if (ladder->waiting [> => <] 0 && raised == 0) settle_one(",
                "if (ladder->waiting > [0 => 1] && raised == 0) settle_one(ladder",
                "(ladder->waiting > 0 && raised [== => !=] 0) settle_one(ladder, plan)",
                "ladder->waiting > 0 && raised == [0 => (-1)]) settle_one(ladder, plan)",
                "ladder->waiting > 0 && raised == [0 => 1]) settle_one(ladder, plan)",
                "waiting > 0 && raised == 0) [settle_one(ladder, plan) => ]",
            ],
            "a sum has no order": [
                "ladder->ticks = anom_saturating_add([ladder->ticks, 1 => 1, ladder->ticks])",
            ],
            "it costs time: the level is the same, and nothing is due": [
                "|| ladder->tag == 0) return [0 => (-1)]",
                "|| ladder->tag == 0) return [0 => 1]",
                "(evidence < promise->broken_q16) return [0 => (-1)]",
                "(evidence < promise->broken_q16) return [0 => 1]",
            ],
            "what is not 0 is true": [
                "return [1 => 2]",
            ],
        },
        "anom_ladder_gap": {
            "lost ticks are not counted": [
                "let_pass(ladder, plan, [0 => (-1)], 0)",
                "let_pass(ladder, plan, [0 => 1], 0)",
            ],
        },
        "anom_ladder_pause": {
            "what is not 0 is true": [
                "let_pass(ladder, plan, ticks, [1 => 2])",
            ],
        },
        "takes": {
            "one hit is never too many": [
                "uint32_t hits = in_alarm & 1 ? [0 => 1] : *state >> 16",
            ],
        },
        "anom_ladder_restore": {
            "what is not 0 is true": [
                "return [1 => 2]",
            ],
        },
        "ladder_operate": {
            "the flag is a higher bit": [
                "->alarm.flags & ANOM_FLAG_OUT_OF_SERVICE) > [0 => 1]",
            ],
            "what is not 0 is true": [
                "return [1 => 2]",
            ],
        },
    },
    "anom_levels.c": {
        "anom_levels_limited": {
            "the first is no larger than itself": [
                "for (int32_t i = [1 => 0]; i < n; i++)",
            ],
        },
    },
    "anom_motion.c": {
        "OFFSET": {
            "lengths are at most 56754: either offset keeps them in int16": [
                "[32768 => 32767]",
            ],
        },
        "series": {
            "room to spare is not used": [
                "statistics of[[3 => 4]]",
            ],
        },
        "motion_scratch_bytes": {
            "what is rounded up is even, and room to spare is not used": [
                "->window * sizeof(int16_t) + [7 => 6]) & ~(size_t)7",
                "->window * sizeof(int16_t) + [7 => 8]) & ~(size_t)7",
            ],
        },
        "limited": {
            "32766 or 32767: a length rounds them to the same": [
                "return x < [32767 => 32766] ? x : 32767",
            ],
        },
        "lengths": {
            "a length is the same in any order of its parts": [
                ") values[i] = length([frame[0] - less[0], frame[1] - less[1] => frame[1] - less[1], frame[0] - less[0]], frame[2] - less[",
                "0] - less[0], [frame[1] - less[1], frame[2] - less[2] => frame[2] - less[2], frame[1] - less[1]], &area)",
            ],
        },
        "without_gravity": {
            "a length is the same in any order of its parts": [
                "values[i] = length([rest[0], rest[1] => rest[1], rest[0]], rest[2], &area",
                "= length(rest[0], [rest[1], rest[2] => rest[2], rest[1]], &area)",
            ],
        },
        "prepare_series": {
            "any negative number says so": [
                "made->strongest = -[1 => 2]",
            ],
        },
        "normalised": {
            "a vector of nothing has no direction at any scale": [
                "uint32_t largest = [0 => 1]",
            ],
            "a shift by 0 is none": [
                "++) vector[c] = bits [> => >=] 0 ? vector[c] >> bits",
                ") vector[c] = bits > [0 => (-1)] ? vector[c] >> bits :",
            ],
        },
        "posture_change": {
            "nobody asks for this area": [
                "int32_t area = [0 => (-1)]",
                "int32_t area = [0 => 1]",
            ],
            "a length is the same in any order of its parts": [
                "return anom_angle_q12(along, length([x, y => y, x], z, &area) + OFFSET",
                "anom_angle_q12(along, length(x, [y, z => z, y], &area) + OFFSET)",
            ],
        },
        "saturated": {
            "one step of 32767, which a band's level does not show": [
                "return x < -[32767 => 32768] ? -32767 : x > 32767 ?",
                "return x < -32767 ? -[32767 => 32766] : x > 32767 ? 32767 : x",
                "return x < -32767 ? -[32767 => 32768] : x > 32767 ? 32767 : x",
                "-32767 ? -32767 : x > [32767 => 32768] ? 32767 : x",
                "? -32767 : x > 32767 ? [32767 => 32766] : x",
            ],
        },
        "mean": {
            "a product is the same either way": [
                "return anom_saturating_rounding_doubling_high_mul([sum, plan->window_q31 => plan->window_q31, sum])",
            ],
        },
        "spectrum": {
            "the window of the first value is 0, and what lies before the values is written again": [
                "for (int32_t i = [0 => (-1)]; i < plan->window; i",
                "for (int32_t i = [0 => 1]; i < plan->window; i",
            ],
        },
        "motion_levels": {
            "written before it is read": [
                ".width = [0 => (-1)]",
                ".width = [0 => 1]",
            ],
            "no plan has the bit of a feature that is not there": [
                "for (int32_t i = 0; i [< => <=] N_FEATURES; i++)",
            ],
            "a series that is prepared again is the same; it takes time": [
                "if ([FEATURES[i].source != source => 1])",
            ],
        },
    },
    "anom_pipeline.c": {
        "anom_pipeline_gap": {
            "what is not 0 is true": [
                "else anom_pipeline_lose(pipeline, n, [1 => 2])",
            ],
        },
        "reconstruct": {
            "what lies there is used by kernels only, whose tests notice": [
                "->autoencoder, inputs, outputs, inputs [+ => -] rounded_up(2 * (size_t)n",
                "inputs, outputs, inputs + rounded_up([2 => 1] * (size_t)n))",
                ", outputs, inputs + rounded_up(2 [* => +] (size_t)n))",
            ],
        },
        "anom_pipeline_init": {
            "a rung cools for more than 0 ticks only": [
                "timing, plan->baseline.reference, [0 => (-1)])",
            ],
        },
        "operate": {
            "the number stands beside it, and is taken in its place": [
                "argument = [0 => 1]",
            ],
        },
        "anom_pipeline_acknowledge": {
            "the argument is 0, which is never too large": [
                "operate(pipeline, ANOM_OPERATION_ACKNOWLEDGE, 0, [0 => (-1)])",
                "operate(pipeline, ANOM_OPERATION_ACKNOWLEDGE, 0, [0 => 1])",
            ],
        },
        "anom_pipeline_cancel": {
            "the argument is 0, which is never too large": [
                "operate(pipeline, ANOM_OPERATION_CANCEL, 0, [0 => (-1)])",
                "operate(pipeline, ANOM_OPERATION_CANCEL, 0, [0 => 1])",
            ],
        },
        "anom_pipeline_test": {
            "the argument is 0, which is never too large": [
                "operate(pipeline, ANOM_OPERATION_TEST, 0, [0 => (-1)])",
                "operate(pipeline, ANOM_OPERATION_TEST, 0, [0 => 1])",
            ],
        },
    },
    "anom_reasons.c": {
        "direction": {
            "a group that is named has a term above 0": [
                "uint32_t found = [0 => (-1)]",
                "uint32_t found = [0 => 1]",
            ],
        },
        "most_unusual": {
            "it is returned only where every residual is 0, up to the largest number of groups": [
                "int32_t group = [0 => 1]",
            ],
        },
        "anom_reasons_run": {
            "the stack is nobody's afterwards": [
                "[anom_wipe(residuals, sizeof residuals) => ]",
            ],
        },
    },
    "anom_rung.c": {
        "anom_rung_step": {
            "a sum has no order": [
                "rung->in_row = counts ? anom_saturating_add([rung->in_row, 1 => 1, rung->in_row]) : 0",
                "rung->calm = counts ? anom_saturating_add([rung->calm, 1 => 1, rung->calm]) : 0",
            ],
            "outside an alarm it is 0 but in a forged record": [
                "[rung->calm = 0 => ]",
            ],
            "a high level is 0 or above the alarm level, which is at least 1": [
                "int32_t high = level->high_score > [0 => 1] && score >= level->high_score",
            ],
        },
    },
    "anom_sha256.c": {
        "compress": {
            "no bit is in both": [
                "4] & s[5]) [^ => |] (~s[4] & s",
            ],
            "where one pair is 1, the other two are equal": [
                "0] & s[1]) [^ => |] (s[0] & s[",
                "0] & s[2]) [^ => |] (s[1] & s[",
            ],
        },
    },
    "anom_spectrum.c": {
        "energy": {
            "the first value is 0, since its window is": [
                "= *sum * plan->cos_q15[[0 => 1]]",
            ],
            "one of 2**15 before the shift: the sums end on other bits": [
                "int32_t imaginary = [0 => 1]",
            ],
        },
        "anom_spectrum_run": {
            "a bin of energy 1 or less does not exceed a floor of 1": [
                "uint32_t most = [0 => 1]",
            ],
            "written before it is read: a bin of no energy does not exceed its floor": [
                "int32_t strongest = [0 => (-1)]",
                "int32_t strongest = [0 => 1]",
            ],
        },
    },
    "anom_supervisor.c": {
        "anom_supervisor_init": {
            "anom_pipeline_init resets all parts once more": [
                "[anom_supervisor_reset(supervisor, plan) => ]",
            ],
        },
        "anom_supervisor_event": {
            "no flag is in bit 0, which is the state's": [
                "->state | (what >> 8 & [0xFF => 254])",
            ],
        },
        "anom_supervisor_tick": {
            "a sum has no order": [
                "supervisor->judged = anom_saturating_add([supervisor->judged, 1 => 1, supervisor->judged])",
            ],
            "the highest score is no other than itself": [
                "if (log2_q8 [> => >=] supervisor->highest_log2_q8) supervisor->highest_log2_q8 =",
            ],
        },
        "divide": {
            "it begins at a higher bit of the quotient, which is 0": [
                "(part <= *left) part <<= [1 => 2]",
            ],
        },
        "beat": {
            "1 is 1 either way": [
                "= divide(&judged, due > [0 => 1] ? due : 1)",
            ],
        },
        "anom_supervisor_poll": {
            "it saves time: nothing is due a second time, and a field of one bit takes 2 for 0": [
                "[supervisor->settled = 1 => ]",
                "supervisor->settled = [1 => 0]",
                "supervisor->settled = [1 => 2]",
            ],
        },
    },
}
"""File -> function, table or constant -> why no test can notice it -> mutations, as `Mutant.key` names them."""

SURVIVORS = {
    (file, function, mutation): reason
    for file, functions in BY_FUNCTION.items()
    for function, reasons in functions.items()
    for reason, mutations in reasons.items()
    for mutation in mutations
}
"""(file, function, mutation) -> why no test can notice it."""
