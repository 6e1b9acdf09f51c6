/* Autoencoder: int8 FULLY_CONNECTED layers with TensorFlow Lite's integer arithmetic. */
#include "anom_autoencoder.h"

#include "anom_fixed.h"

/* Where a compiler can build one function for several processors, e.g. __attribute__((target_clones(...))). */
#ifndef ANOM_HOT
#define ANOM_HOT
#endif

/* sum (x - zx)(w - zw); 16 bits hold a difference, so that processors with a dual multiply can use it. */
ANOM_HOT static int32_t dot(const int8_t *x, const int8_t *w, int32_t n, int16_t zx, int16_t zw)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        int16_t a = (int16_t)(x[i] - zx);
        int16_t b = (int16_t)(w[i] - zw);
        sum += a * b;
    }
    return sum;
}

static void run_layer(const anom_layer_plan *plan, const int8_t *inputs, int8_t *outputs)
{
    const int8_t *weights = plan->weights;
    for (int32_t o = 0; o < plan->n_out; o++, weights += plan->n_in) {
        int32_t entry = plan->n_multipliers > 1 ? o : 0;
        int32_t accumulator =
            dot(inputs, weights, plan->n_in, plan->input_zero_point, plan->weight_zero_point) + plan->bias[o];
        int32_t y =
            anom_multiply_by_quantized_multiplier(accumulator, plan->multiplier[entry], plan->shift[entry]) +
            plan->output_zero_point;
        outputs[o] = (int8_t)(y < plan->act_low ? plan->act_low : y > plan->act_high ? plan->act_high : y);
    }
}

/* Widest hidden layer whose index differs from `parity` by an even number: they share a buffer. */
static size_t widest_hidden(const anom_autoencoder_plan *plan, int32_t parity)
{
    int32_t widest = 0;
    for (int32_t i = parity; i < plan->n_layers - 1; i += 2)
        widest = plan->layers[i].n_out > widest ? plan->layers[i].n_out : widest;
    return (size_t)widest;
}

size_t anom_autoencoder_scratch_bytes(const anom_autoencoder_plan *plan)
{
    return widest_hidden(plan, 0) + widest_hidden(plan, 1);
}

void anom_autoencoder_run(const anom_autoencoder_plan *plan, const int8_t *inputs, int8_t *outputs, int8_t *scratch)
{
    int8_t *hidden[2] = {scratch, scratch + widest_hidden(plan, 0)};
    int32_t last = plan->n_layers - 1;
    for (int32_t i = 0; i <= last; i++) {
        int8_t *to = i == last ? outputs : hidden[i & 1];
        run_layer(&plan->layers[i], inputs, to);
        inputs = to;
    }
}
