/* The model with its kernels, and the portable one in the same program: random layers, and the ends of every range. */
#include <stddef.h>
#include <string.h>

#include "anom_autoencoder.h"
#include "model_kernels.h"

#define MOST_IN 70
#define MOST_OUT 11
#define MOST_BLOCKS ((MOST_IN + 3) / 4 * ((MOST_OUT + 3) / 4))
#define SCRATCH (16 * ((MOST_IN + 3) / 4) + 32)
#define GUARD 0x5A

static anom_weights plain[MOST_BLOCKS];
static anom_weights flipped[MOST_BLOCKS];
static int32_t bias[MOST_OUT];
static int32_t multiplier[MOST_OUT];
static int8_t shift[MOST_OUT];
static int8_t inputs[MOST_IN];
static int8_t found[MOST_OUT + 1];
static int8_t expected[MOST_OUT + 1];
static int32_t scratch[SCRATCH / 4 + 1];
static uint32_t state;

static uint32_t any(void)
{
    state = state * 1664525 + 1013904223;
    return state >> 8;
}

static int32_t within(int32_t low, int32_t high)
{
    return low + (int32_t)(any() % (uint32_t)(high - low + 1));
}

/* An int8 of at most this magnitude, an end of the range now and then; all of one round may be one end. */
static int8_t value(int32_t reach, uint32_t kind)
{
    int32_t low = reach > 127 ? -128 : -reach;
    int32_t high = reach > 127 ? 127 : reach;
    if (kind == 1 || (kind != 0 && any() % 8 == 0)) return (int8_t)low;
    if (kind == 2 || (kind != 0 && any() % 8 == 0)) return (int8_t)high;
    return (int8_t)within(low, high);
}

static void fill(anom_layer_plan *layer)
{
    uint32_t kind = any() % 4;
    int32_t few = any() % 2; /* small sums and multipliers of one half: ties */
    int32_t blocks = (layer->n_in + 3) / 4;
    memset(plain, 0, sizeof plain);
    for (int32_t o = 0; o < layer->n_out; o++) {
        for (int32_t i = 0; i < layer->n_in; i++)
            plain[o / 4 * blocks + i / 4].bytes[o % 4 * 4 + i % 4] = (uint8_t)value(few ? 1 : layer->weight_reach, kind);
        bias[o] = few ? within(-9, 9) : within(-8000000, 8000000) * within(1, 260);
        multiplier[o] = any() % 16 == 0 ? 0 : (int32_t)((UINT32_C(1) << 30) + (few ? 0 : any() * 60));
        shift[o] = (int8_t)(any() % 8 == 0 ? within(0, 1) : few ? within(-5, -1) : within(-31, -1));
        if (shift[layer->n_multipliers > 1 ? o : 0] > 0) bias[o] /= 2; /* then it fits 32 bits */
    }
    for (int32_t b = 0; b < MOST_BLOCKS; b++)
        for (int32_t i = 0; i < 16; i++)
            flipped[b].bytes[i] = plain[b].bytes[i] ^ (i & 1 ? ANOM_FLIP_ODD : ANOM_FLIP_EVEN);
    kind = any() % 4;
    for (int32_t i = 0; i < layer->n_in; i++)
        inputs[i] = value(layer->input_reach, kind);
}

static int32_t same(anom_layer_plan *layer)
{
    anom_autoencoder_plan model = {layer, 1, ANOM_FLIPPED};
    size_t bytes = anom_autoencoder_scratch_bytes(&model);
    if (bytes > SCRATCH) return 0;
    memset(scratch, GUARD, sizeof scratch);
    memset(found, GUARD, sizeof found);
    memset(expected, GUARD, sizeof expected);
    layer->weights = flipped;
    anom_autoencoder_run(&model, inputs, found, scratch);
    if (((uint8_t *)scratch)[bytes] != GUARD) return 0;
    layer->weights = plain;
    portable_autoencoder_run(&model, inputs, expected, scratch);
    for (size_t i = 0; i < sizeof found; i++)
        if (found[i] != expected[i]) return 0;
    return 1;
}

int32_t model_kernels(int32_t rounds)
{
    state = 1;
    for (int32_t round = 1; round <= rounds; round++) {
        int32_t low = within(-128, 127);
        anom_layer_plan layer = {
            .bias = bias,
            .multiplier = multiplier,
            .shift = shift,
            .weight_zero_point = (int16_t)(any() % 4 == 0 ? within(-128, 127) : 0),
            .output_zero_point = (int16_t)within(-128, 127),
            .act_low = (int16_t)(any() % 2 ? -128 : low),
            .act_high = (int16_t)(any() % 2 ? 127 : within(low, 127)),
            .n_in = (int16_t)within(1, MOST_IN),
            .n_out = (int16_t)within(1, MOST_OUT),
            .input_reach = (int16_t)within(127, 128),
            .weight_reach = (int16_t)(any() % 4 == 0 ? within(1, 128) : within(127, 128)),
        };
        layer.n_multipliers = any() % 2 ? layer.n_out : 1;
        fill(&layer);
        if (!same(&layer)) return round;
    }
    return 0;
}
