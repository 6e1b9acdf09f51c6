/* Autoencoder: int8 FULLY_CONNECTED layers with TensorFlow Lite's integer arithmetic. */
#include "anom_autoencoder.h"

#include "anom_fixed.h"

/* Blocks of four inputs. */
static int32_t blocks_of(const anom_layer_plan *plan)
{
    return (plan->n_in + 3) >> 2;
}

/* The outputs of a layer that are still to come. */
typedef struct {
    const anom_weights *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
    int8_t *outputs;
    int32_t step; /* 1: a multiplier for each output, 0: one for all */
    int32_t zero_point;
    int32_t low;
    int32_t high;
    int32_t left;
    uint32_t common; /* what each sum begins with, modulo 2**32 */
} layer_run;

#if !ANOM_KERNELS_MVE && !ANOM_KERNELS_DSP
/* The next four outputs of a layer, or as many as are left, from their sums.
 *   sums     4 values modulo 2**32; with its bias each is an int32_t, as the plan's check has proven */
static void requantise(layer_run *run, const uint32_t *sums)
{
    for (int32_t r = 0; r < 4 && run->left > 0; r++, run->left--) {
        int32_t accumulator = (int32_t)(sums[r] + (uint32_t)*run->bias++);
        int32_t y =
            anom_multiply_by_quantized_multiplier(accumulator, *run->multiplier, *run->shift) + run->zero_point;
        *run->outputs++ = (int8_t)(y < run->low ? run->low : y > run->high ? run->high : y);
        run->multiplier += run->step;
        run->shift += run->step;
    }
}

/* All outputs of a layer, in portable C.
 *   x        n_in inputs, within input_reach */
static void plain_outputs_of(layer_run *run, const anom_layer_plan *plan, const int8_t *x)
{
    for (; run->left > 0; run->weights += blocks_of(plan)) {
        uint32_t sums[4];
        for (int32_t r = 0; r < 4; r++) {
            sums[r] = run->common;
            for (int32_t i = 0; i < plan->n_in; i++) {
                uint8_t w = run->weights[i >> 2].bytes[4 * r + (i & 3)];
                sums[r] += (uint32_t)(x[i] * (int8_t)(w ^ (i & 1 ? ANOM_FLIP_ODD : ANOM_FLIP_EVEN)));
            }
        }
        requantise(run, sums);
    }
}
#endif

#if ANOM_KERNELS_MVE
#include "anom_autoencoder_mve.h"
#elif ANOM_KERNELS_DSP
#include "anom_autoencoder_dsp.h"
#elif ANOM_KERNELS_V7M || ANOM_KERNELS_V6M
#include "anom_autoencoder_pairs.h"
#elif ANOM_KERNELS_X86
#include "anom_autoencoder_x86.h"
#else

/* Bring the inputs of a layer into the form that outputs_of takes. Returns what each sum has to begin with for that,
 * modulo 2**32.
 *   x        n_in inputs, within input_reach
 *   prepared 4 bytes an input, rounded up to whole blocks of four inputs */
static uint32_t prepare(const anom_layer_plan *plan, const int8_t *x, uint32_t *prepared)
{
    (void)plan;
    (void)x;
    (void)prepared;
    return 0;
}

/* All outputs of a layer, from inputs that prepare has brought into its form. */
static void outputs_of(layer_run *run, const anom_layer_plan *plan, const int8_t *x, const uint32_t *prepared)
{
    (void)prepared;
    plain_outputs_of(run, plan, x);
}
#endif

/* - zw sum x, modulo 2**32: what a weight zero point adds to every sum.
 *   x        at most 4096 inputs, so that |zw sum x| is at most 2**26 */
static uint32_t offset_of(const anom_layer_plan *plan, const int8_t *x)
{
    int32_t total = 0;
    if (plan->weight_zero_point == 0) return 0;
    for (int32_t i = 0; i < plan->n_in; i++)
        total += x[i];
    return (uint32_t)(-plan->weight_zero_point * total);
}

static void run_layer(const anom_layer_plan *plan, const int8_t *inputs, int8_t *outputs, uint32_t *prepared)
{
    layer_run run = {
        .weights = plan->weights,
        .bias = plan->bias,
        .multiplier = plan->multiplier,
        .shift = plan->shift,
        .outputs = outputs,
        .step = plan->n_multipliers > 1,
        .zero_point = plan->output_zero_point,
        .low = plan->act_low,
        .high = plan->act_high,
        .left = plan->n_out,
        .common = prepare(plan, inputs, prepared) + offset_of(plan, inputs),
    };
    outputs_of(&run, plan, inputs, prepared);
}

/* Bytes of the inputs as a kernel takes them, of the widest layer. */
static size_t prepared_bytes(const anom_autoencoder_plan *plan)
{
    int32_t most = 0;
    for (int32_t i = 0; i < plan->n_layers; i++) {
        int32_t blocks = blocks_of(&plan->layers[i]);
        most = blocks > most ? blocks : most;
    }
    return (size_t)most * 4 * sizeof(uint32_t);
}

/* Outputs of the widest of the hidden layers that share a buffer: every other one.
 *   parity   0: layers 0, 2, 4, ...; 1: layers 1, 3, 5, ... */
static size_t widest_hidden(const anom_autoencoder_plan *plan, int32_t parity)
{
    int32_t widest = 0;
    for (int32_t i = parity; i < plan->n_layers - 1; i += 2)
        widest = plan->layers[i].n_out > widest ? plan->layers[i].n_out : widest;
    return (size_t)widest;
}

size_t anom_autoencoder_scratch_bytes(const anom_autoencoder_plan *plan)
{
    return prepared_bytes(plan) + ((widest_hidden(plan, 0) + widest_hidden(plan, 1) + 3) & ~(size_t)3);
}

void anom_autoencoder_run(const anom_autoencoder_plan *plan, const int8_t *inputs, int8_t *outputs, void *scratch)
{
    int8_t *first = (int8_t *)scratch + prepared_bytes(plan);
    int8_t *hidden[2] = {first, first + widest_hidden(plan, 0)};
    int32_t last = plan->n_layers - 1;
    for (int32_t i = 0; i <= last; i++) {
        int8_t *to = i == last ? outputs : hidden[i & 1];
        run_layer(&plan->layers[i], inputs, to, scratch);
        inputs = to;
    }
}
