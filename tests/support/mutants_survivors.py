"""Mutants of the C port that compute the same as the port, each with the reason."""

SURVIVORS: dict[tuple[str, str, str], str] = {
    (
        "anom_alert.c",
        "uint8_t high = level->high_score > 0 && score >= level->high_score;",
        "uint8_t high = level->high_score > 1 && score >= level->high_score;",
    ): "a high level is 0 or above the raise level, which is at least 1",
    (
        "anom_autoencoder.c",
        "*run->outputs++ = (int8_t)(y < run->low ? run->low : y > run->high ? run->high : y);",
        "*run->outputs++ = (int8_t)(y < run->low ? run->low : y >= run->high ? run->high : y);",
    ): "what equals a bound is clipped to itself",
    (
        "anom_autoencoder.c",
        "*run->outputs++ = (int8_t)(y < run->low ? run->low : y > run->high ? run->high : y);",
        "*run->outputs++ = (int8_t)(y <= run->low ? run->low : y > run->high ? run->high : y);",
    ): "what equals a bound is clipped to itself",
    (
        "anom_autoencoder.c",
        "if (plan->weight_zero_point == 0) return 0;",
        "if (0) return 0;",
    ): "0 times any sum is 0; the shortcut saves time",
    (
        "anom_autoencoder.c",
        "int32_t most = 0;",
        "int32_t most = (-1);",
    ): "a layer has one block or more",
    (
        "anom_autoencoder.c",
        "int32_t most = 0;",
        "int32_t most = 1;",
    ): "a layer has one block or more",
    (
        "anom_bands.c",
        "for (int32_t b = 0; b < n; b++)",
        "for (int32_t b = 0; b <= n; b++)",
    ): "level[n] is written again below",
    (
        "anom_bands.c",
        "for (int32_t b = 0; b <= plan->filterbank.n_bands; b++)",
        "for (int32_t b = (-1); b <= plan->filterbank.n_bands; b++)",
    ): "sums[-1] is hops and peak_q10, which are set after the loop",
    (
        "anom_bands.c",
        "next->sums[b] = anom_energy_add(next->sums[b], bands[b]);",
        "next->sums[b] = anom_energy_add(bands[b], next->sums[b]);",
    ): "a sum has no order",
    (
        "anom_bands.c",
        "next->sums[n] = anom_energy_add(next->sums[n], together);",
        "next->sums[n] = anom_energy_add(together, next->sums[n]);",
    ): "a sum has no order",
    (
        "anom_bands.c",
        "size_t levels = ((size_t)(plan->filterbank.n_bands + 2) * sizeof(int32_t) + 7) & ~(size_t)7;",
        "size_t levels = ((size_t)(plan->filterbank.n_bands + 2) * sizeof(int32_t) + 6) & ~(size_t)7;",
    ): "rounds a multiple of four",
    (
        "anom_baseline.c",
        "int64_t change = distance * (distance > 0 ? plan->rise_q16 : plan->fall_q16); /* below 2**48 in magnitude */",
        "int64_t change = distance * (distance > (-1) ? plan->rise_q16 : plan->fall_q16); /* below 2**48 in magnitude */",
    ): "a distance of 0 changes nothing, at either rate",
    (
        "anom_baseline.c",
        "int64_t change = distance * (distance > 0 ? plan->rise_q16 : plan->fall_q16); /* below 2**48 in magnitude */",
        "int64_t change = distance * (distance >= 0 ? plan->rise_q16 : plan->fall_q16); /* below 2**48 in magnitude */",
    ): "a distance of 0 changes nothing, at either rate",
    (
        "anom_baseline.c",
        "return score > level(baseline) ? score - level(baseline) : 0;",
        "return score >= level(baseline) ? score - level(baseline) : 0;",
    ): "a difference of 0 is 0",
    (
        "anom_event.c",
        "put(bytes + 2, fields->sequence, 2);",
        "put(bytes + 2, fields->sequence, 3);",
    ): "the next put, or the health, writes that byte again",
    (
        "anom_event.c",
        "put(bytes + 8, fields->score_log2_q8, 2);",
        "put(bytes + 8, fields->score_log2_q8, 3);",
    ): "the next put, or the health, writes that byte again",
    (
        "anom_external.c",
        "return ((size_t)plan->n_features * sizeof(int32_t) + 7) & ~(size_t)7;",
        "return ((size_t)plan->n_features * sizeof(int32_t) + 6) & ~(size_t)7;",
    ): "rounds a multiple of four",
    (
        "anom_external.c",
        "return ((size_t)plan->n_features * sizeof(int32_t) + 7) & ~(size_t)7;",
        "return ((size_t)plan->n_features * sizeof(int32_t) + 8) & ~(size_t)7;",
    ): "the room is shared with the model, which needs more",
    (
        "anom_fft.c",
        "all |= frame[i] ^ (frame[i] >> 15); /* |x|, or |x| - 1 where x < 0: no more bits than x needs */",
        "all |= frame[i] ^ (frame[i] >> 14); /* |x|, or |x| - 1 where x < 0: no more bits than x needs */",
    ): "differs in the lowest bit, of values that are longer than that",
    (
        "anom_fft.c",
        "all |= frame[i] ^ (frame[i] >> 15); /* |x|, or |x| - 1 where x < 0: no more bits than x needs */",
        "all |= frame[i] ^ (frame[i] >> 16); /* |x|, or |x| - 1 where x < 0: no more bits than x needs */",
    ): "an int16 has its sign there, too",
    (
        "anom_fft.c",
        "anom_complex s1 = shifted(add(b, d), 1);",
        "anom_complex s1 = shifted(add(d, b), 1);",
    ): "a sum has no order",
    (
        "anom_filterbank.c",
        "all |= (bins[k].re ^ (bins[k].re >> 31)) | (bins[k].im ^ (bins[k].im >> 31));",
        "all |= (bins[k].re ^ (bins[k].re >> 30)) | (bins[k].im ^ (bins[k].im >> 31));",
    ): "differs in the lowest bit, of values that are longer than that",
    (
        "anom_filterbank.c",
        "all |= (bins[k].re ^ (bins[k].re >> 31)) | (bins[k].im ^ (bins[k].im >> 31));",
        "all |= (bins[k].re ^ (bins[k].re >> 31)) | (bins[k].im ^ (bins[k].im >> 30));",
    ): "differs in the lowest bit, of values that are longer than that",
    (
        "anom_filterbank.c",
        "bands[b] = anom_energy_add(bands[b], own.rest);",
        "bands[b] = anom_energy_add(own.rest, bands[b]);",
    ): "a sum of two has no order",
    (
        "anom_filterbank.c",
        "bands[b] = anom_energy_add(rise, shared.rest);",
        "bands[b] = anom_energy_add(shared.rest, rise);",
    ): "a sum of two has no order",
    (
        "anom_filterbank.c",
        "if (edges[1] == edges[2]) continue; /* most mel bands */",
        "if (0) continue; /* most mel bands */",
    ): "a shortcut: an empty segment adds nothing",
    (
        "anom_filterbank.c",
        "if (edges[1] == edges[2]) continue; /* most mel bands */",
        "if (edges[0] == edges[2]) continue; /* most mel bands */",
    ): "a shortcut: an empty segment adds nothing",
    (
        "anom_filterbank.c",
        "if (edges[1] == edges[2]) continue; /* most mel bands */",
        "if (edges[1] == edges[2]) ; /* most mel bands */",
    ): "a shortcut: an empty segment adds nothing",
    (
        "anom_filterbank.c",
        "if (edges[1] == edges[2]) continue; /* most mel bands */",
        "if (edges[1] == edges[3]) continue; /* most mel bands */",
    ): "a shortcut: an empty segment adds nothing",
    (
        "anom_filterbank.c",
        "int32_t all = 0;",
        "int32_t all = 1;",
    ): "one bit is no more than value_bits",
    (
        "anom_fixed.h",
        "if (x >> 16) {",
        "if (x >> 15) {",
    ): "a number that fills half of the bits has that length either way",
    (
        "anom_fixed.h",
        "if (x >> 2) {",
        "if (x >> 1) {",
    ): "a number that fills half of the bits has that length either way",
    (
        "anom_fixed.h",
        "if (x >> 4) {",
        "if (x >> 3) {",
    ): "a number that fills half of the bits has that length either way",
    (
        "anom_fixed.h",
        "if (x >> 8) {",
        "if (x >> 7) {",
    ): "a number that fills half of the bits has that length either way",
    (
        "anom_fixed.h",
        "int32_t high = anom_saturating_rounding_doubling_high_mul(x, multiplier); /* above -2**31 */",
        "int32_t high = anom_saturating_rounding_doubling_high_mul(multiplier, x); /* above -2**31 */",
    ): "a product has no order",
    (
        "anom_fixed.h",
        "return (int8_t)(x < low ? low : x > high ? high : x);",
        "return (int8_t)(x < low ? low : x >= high ? high : x);",
    ): "what equals a bound is clipped to itself",
    (
        "anom_fixed.h",
        "return (int8_t)(x < low ? low : x > high ? high : x);",
        "return (int8_t)(x <= low ? low : x > high ? high : x);",
    ): "what equals a bound is clipped to itself",
    (
        "anom_fixed.h",
        "uint32_t threshold = (mask >> 1) + (x < 0);",
        "uint32_t threshold = (mask >> 1) + (x < 1);",
    ): "0 has no remainder",
    (
        "anom_fixed.h",
        "uint32_t threshold = (mask >> 1) + (x < 0);",
        "uint32_t threshold = (mask >> 1) + (x <= 0);",
    ): "0 has no remainder",
    (
        "anom_framer.c",
        "if (n <= framer->skip) {",
        "if (0) {",
    ): "modulo 2**32 the other branch computes the same",
    (
        "anom_framer.c",
        "if (n <= framer->skip) {",
        "if (n < framer->skip) {",
    ): "modulo 2**32 the other branch computes the same",
    (
        "anom_framer.c",
        "if (taken <= 0) return start;",
        "if (taken < 0) return start;",
    ): "taking no samples changes nothing",
    (
        "anom_framer.c",
        "if (taken <= 0) return start;",
        "if (taken <= (-1)) return start;",
    ): "taking no samples changes nothing",
    (
        "anom_levels.c",
        "for (int32_t i = 1; i < n; i++)",
        "for (int32_t i = 0; i < n; i++)",
    ): "the first is no larger than itself",
    (
        "anom_pipeline.c",
        "anom_autoencoder_run(&plan->autoencoder, inputs, outputs, inputs + rounded_up(2 * (size_t)n));",
        "anom_autoencoder_run(&plan->autoencoder, inputs, outputs, inputs - rounded_up(2 * (size_t)n));",
    ): "what lies there is used by kernels only, whose tests notice",
    (
        "anom_pipeline.c",
        "anom_autoencoder_run(&plan->autoencoder, inputs, outputs, inputs + rounded_up(2 * (size_t)n));",
        "anom_autoencoder_run(&plan->autoencoder, inputs, outputs, inputs + rounded_up(1 * (size_t)n));",
    ): "what lies there is used by kernels only, whose tests notice",
    (
        "anom_pipeline.c",
        "anom_autoencoder_run(&plan->autoencoder, inputs, outputs, inputs + rounded_up(2 * (size_t)n));",
        "anom_autoencoder_run(&plan->autoencoder, inputs, outputs, inputs + rounded_up(2 + (size_t)n));",
    ): "what lies there is used by kernels only, whose tests notice",
    (
        "anom_reasons.c",
        "uint32_t found = 0;",
        "uint32_t found = (-1);",
    ): "a group that is named has a term above 0",
    (
        "anom_reasons.c",
        "uint32_t found = 0;",
        "uint32_t found = 1;",
    ): "a group that is named has a term above 0",
    (
        "anom_reasons.c",
        "int32_t group = 0;",
        "int32_t group = 1;",
    ): "it is returned only where every residual is 0, up to the largest number of groups",
    (
        "anom_reasons.c",
        "anom_wipe(residuals, sizeof residuals);",
        ";",
    ): "the stack is nobody's afterwards",
    (
        "anom_sha256.c",
        "uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);",
        "uint32_t choice = (s[4] & s[5]) | (~s[4] & s[6]);",
    ): "no bit is in both",
    (
        "anom_sha256.c",
        "uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);",
        "uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) | (s[1] & s[2]);",
    ): "where one pair is 1, the other two are equal",
    (
        "anom_sha256.c",
        "uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);",
        "uint32_t majority = (s[0] & s[1]) | (s[0] & s[2]) ^ (s[1] & s[2]);",
    ): "where one pair is 1, the other two are equal",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "247, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "249, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 234, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 236, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 222, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 224, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 213, 205, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 215, 205, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 204, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 206, 197, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 196, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 198, 190, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 189, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 191, 184, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 183, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 185, 178, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 184, 177, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 184, 179, 173, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 172, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 174, 168, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 167, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 169, 164,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 163,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 164,",
        "248, 235, 223, 214, 205, 197, 190, 184, 178, 173, 168, 165,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "159, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "161, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 155, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 157, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 152, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 154, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 148, 146, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 150, 146, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 145, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 147, 143, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 142, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 144, 141, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 140, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 142, 138, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 137, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 139, 136, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 138, 135, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 138, 137, 133, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 132, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 134, 131, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 130, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 132, 129,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 128,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 129,",
        "160, 156, 153, 149, 146, 143, 141, 138, 136, 133, 131, 130,",
    ): "an entry that is off by one is made good by the steps that follow",
    (
        "anom_fixed.c",
        "static const uint16_t ATAN_Q16[15] = {51472, 30386, 16055, 8150, 4091, 2047, 1024, 512, 256, 128, 64, 32, 16, 8, 4};",
        "static const uint16_t ATAN_Q16[15] = {51471, 30386, 16055, 8150, 4091, 2047, 1024, 512, 256, 128, 64, 32, 16, 8, 4};",
    ): "all angles have one parity, so that ties fall alike",
    (
        "anom_fixed.c",
        "int32_t angle = x < 0 ? 102944 : 0;",
        "int32_t angle = x < 0 ? 102943 : 0;",
    ): "all angles have one parity, so that ties fall alike",
    (
        "anom_fixed.c",
        "int32_t angle = x < 0 ? 102944 : 0;",
        "int32_t angle = x < 0 ? 102944 : (-1);",
    ): "all angles have one parity, so that ties fall alike",
    (
        "anom_fixed.c",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205887 : angle;",
        "angle = angle < (-1) ? 0 : angle > 205887 ? 205887 : angle;",
    ): "what lies beyond either end is below a step of the result",
    (
        "anom_fixed.c",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205887 : angle;",
        "angle = angle < 0 ? (-1) : angle > 205887 ? 205887 : angle;",
    ): "what lies beyond either end is below a step of the result",
    (
        "anom_fixed.c",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205887 : angle;",
        "angle = angle < 0 ? 1 : angle > 205887 ? 205887 : angle;",
    ): "what lies beyond either end is below a step of the result",
    (
        "anom_fixed.c",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205887 : angle;",
        "angle = angle < 0 ? 0 : 0 ? 205887 : angle;",
    ): "what lies beyond either end is below a step of the result",
    (
        "anom_fixed.c",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205887 : angle;",
        "angle = angle < 0 ? 0 : angle > 205888 ? 205887 : angle;",
    ): "what lies beyond either end is below a step of the result",
    (
        "anom_fixed.c",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205887 : angle;",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205886 : angle;",
    ): "what lies beyond either end is below a step of the result",
    (
        "anom_fixed.c",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205887 : angle;",
        "angle = angle < 0 ? 0 : angle > 205887 ? 205888 : angle;",
    ): "what lies beyond either end is below a step of the result",
    (
        "anom_fixed.c",
        "return (angle + 8) >> 4;",
        "return (angle + 7) >> 4;",
    ): "all angles have one parity, so that ties fall alike",
    (
        "anom_motion.c",
        "#define N_FEATURES 22",
        "#define N_FEATURES 23",
    ): "no plan has the bit of a feature that is not there",
    (
        "anom_motion.c",
        "#define OFFSET 32768 /* less this, lengths up to 56754 are kept in int16 */",
        "#define OFFSET 32767 /* less this, lengths up to 56754 are kept in int16 */",
    ): "lengths are at most 56754: either offset keeps them in int16",
    (
        "anom_motion.c",
        "statistics of[3];",
        "statistics of[4];",
    ): "room to spare is not used",
    (
        "anom_motion.c",
        "return (levels_bytes(plan) + (size_t)plan->window * sizeof(int16_t) + 7) & ~(size_t)7;",
        "return (levels_bytes(plan) + (size_t)plan->window * sizeof(int16_t) + 6) & ~(size_t)7;",
    ): "what is rounded up is even, and room to spare is not used",
    (
        "anom_motion.c",
        "return (levels_bytes(plan) + (size_t)plan->window * sizeof(int16_t) + 7) & ~(size_t)7;",
        "return (levels_bytes(plan) + (size_t)plan->window * sizeof(int16_t) + 8) & ~(size_t)7;",
    ): "what is rounded up is even, and room to spare is not used",
    (
        "anom_motion.c",
        "return x < 32767 ? x : 32767;",
        "return x < 32766 ? x : 32767;",
    ): "32766 or 32767: a length rounds them to the same",
    (
        "anom_motion.c",
        "values[i] = length(frame[0] - less[0], frame[1] - less[1], frame[2] - less[2], &area);",
        "values[i] = length(frame[1] - less[1], frame[0] - less[0], frame[2] - less[2], &area);",
    ): "a length is the same in any order of its parts",
    (
        "anom_motion.c",
        "values[i] = length(frame[0] - less[0], frame[1] - less[1], frame[2] - less[2], &area);",
        "values[i] = length(frame[0] - less[0], frame[2] - less[2], frame[1] - less[1], &area);",
    ): "a length is the same in any order of its parts",
    (
        "anom_motion.c",
        "values[i] = length(rest[0], rest[1], rest[2], &area);",
        "values[i] = length(rest[1], rest[0], rest[2], &area);",
    ): "a length is the same in any order of its parts",
    (
        "anom_motion.c",
        "values[i] = length(rest[0], rest[1], rest[2], &area);",
        "values[i] = length(rest[0], rest[2], rest[1], &area);",
    ): "a length is the same in any order of its parts",
    (
        "anom_motion.c",
        "made->strongest = -1;",
        "made->strongest = -2;",
    ): "any negative number says so",
    (
        "anom_motion.c",
        "uint32_t largest = 0;",
        "uint32_t largest = 1;",
    ): "a vector of nothing has no direction at any scale",
    (
        "anom_motion.c",
        "vector[c] = bits > 0 ? vector[c] >> bits : vector[c] * (1 << -bits);",
        "vector[c] = bits >= 0 ? vector[c] >> bits : vector[c] * (1 << -bits);",
    ): "a shift by 0 is none",
    (
        "anom_motion.c",
        "vector[c] = bits > 0 ? vector[c] >> bits : vector[c] * (1 << -bits);",
        "vector[c] = bits > (-1) ? vector[c] >> bits : vector[c] * (1 << -bits);",
    ): "a shift by 0 is none",
    (
        "anom_motion.c",
        "int32_t area = 0;",
        "int32_t area = (-1);",
    ): "nobody asks for this area",
    (
        "anom_motion.c",
        "int32_t area = 0;",
        "int32_t area = 1;",
    ): "nobody asks for this area",
    (
        "anom_motion.c",
        "return anom_angle_q12(along, length(x, y, z, &area) + OFFSET);",
        "return anom_angle_q12(along, length(y, x, z, &area) + OFFSET);",
    ): "a length is the same in any order of its parts",
    (
        "anom_motion.c",
        "return anom_angle_q12(along, length(x, y, z, &area) + OFFSET);",
        "return anom_angle_q12(along, length(x, z, y, &area) + OFFSET);",
    ): "a length is the same in any order of its parts",
    (
        "anom_motion.c",
        "return x < -32767 ? -32767 : x > 32767 ? 32767 : x;",
        "return x < -32768 ? -32767 : x > 32767 ? 32767 : x;",
    ): "one step of 32767, which a band's level does not show",
    (
        "anom_motion.c",
        "return x < -32767 ? -32767 : x > 32767 ? 32767 : x;",
        "return x < -32767 ? -32766 : x > 32767 ? 32767 : x;",
    ): "one step of 32767, which a band's level does not show",
    (
        "anom_motion.c",
        "return x < -32767 ? -32767 : x > 32767 ? 32767 : x;",
        "return x < -32767 ? -32768 : x > 32767 ? 32767 : x;",
    ): "one step of 32767, which a band's level does not show",
    (
        "anom_motion.c",
        "return x < -32767 ? -32767 : x > 32767 ? 32767 : x;",
        "return x < -32767 ? -32767 : x > 32768 ? 32767 : x;",
    ): "one step of 32767, which a band's level does not show",
    (
        "anom_motion.c",
        "return x < -32767 ? -32767 : x > 32767 ? 32767 : x;",
        "return x < -32767 ? -32767 : x > 32767 ? 32766 : x;",
    ): "one step of 32767, which a band's level does not show",
    (
        "anom_motion.c",
        "return anom_saturating_rounding_doubling_high_mul(sum, plan->window_q31);",
        "return anom_saturating_rounding_doubling_high_mul(plan->window_q31, sum);",
    ): "a product is the same either way",
    (
        "anom_motion.c",
        "for (int32_t i = 0; i < plan->window; i++)",
        "for (int32_t i = (-1); i < plan->window; i++)",
    ): "the window of the first value is 0, and what lies before the values is written again",
    (
        "anom_motion.c",
        "for (int32_t i = 0; i < plan->window; i++)",
        "for (int32_t i = 1; i < plan->window; i++)",
    ): "the window of the first value is 0, and what lies before the values is written again",
    (
        "anom_motion.c",
        "series of = {.width = 0};",
        "series of = {.width = (-1)};",
    ): "written before it is read",
    (
        "anom_motion.c",
        "series of = {.width = 0};",
        "series of = {.width = 1};",
    ): "written before it is read",
    (
        "anom_motion.c",
        "for (int32_t i = 0; i < N_FEATURES; i++) {",
        "for (int32_t i = 0; i <= N_FEATURES; i++) {",
    ): "no plan has the bit of a feature that is not there",
    (
        "anom_motion.c",
        "if (FEATURES[i].source != source) {",
        "if (1) {",
    ): "a series that is prepared again is the same; it takes time",
    (
        "anom_spectrum.c",
        "int32_t real = *sum * plan->cos_q15[0];",
        "int32_t real = *sum * plan->cos_q15[1];",
    ): "the first value is 0, since its window is",
    (
        "anom_spectrum.c",
        "int32_t imaginary = 0;",
        "int32_t imaginary = 1;",
    ): "one of 2**15 before the shift: the sums end on other bits",
    (
        "anom_spectrum.c",
        "uint32_t most = 0;",
        "uint32_t most = 1;",
    ): "a bin of energy 1 or less does not exceed a floor of 1",
    (
        "anom_spectrum.c",
        "int32_t strongest = 0;",
        "int32_t strongest = (-1);",
    ): "written before it is read: a bin of no energy does not exceed its floor",
    (
        "anom_spectrum.c",
        "int32_t strongest = 0;",
        "int32_t strongest = 1;",
    ): "written before it is read: a bin of no energy does not exceed its floor",
}
"""(file, line, line of the mutant) -> why no test can notice it."""
