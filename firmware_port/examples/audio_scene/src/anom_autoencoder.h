/* Autoencoder: int8 FULLY_CONNECTED layers with TensorFlow Lite's integer arithmetic. */
#ifndef ANOM_AUTOENCODER_H
#define ANOM_AUTOENCODER_H

#include <stddef.h>
#include <stdint.h>

/* One layer: clip(round((sum (x - zx)(w - zw) + bias) * M) + zo, act_low, act_high). */
typedef struct anom_layer_plan {
    const int8_t *weights;     /* n_out rows of n_in */
    const int32_t *bias;       /* n_out values */
    const int32_t *multiplier; /* n_multipliers values: q31 mantissa of M, 0 or 2**30 to 2**31 - 1 */
    const int8_t *shift;       /* as multiplier: M = multiplier * 2**(shift - 31) */
    int16_t input_zero_point;
    int16_t weight_zero_point;
    int16_t output_zero_point;
    int16_t act_low; /* range of the outputs, and so of the next layer's inputs */
    int16_t act_high;
    int16_t n_in;          /* 1 to 4096 */
    int16_t n_out;         /* 1 to 4096 */
    int16_t n_multipliers; /* 1 or n_out */
} anom_layer_plan;

typedef struct anom_autoencoder_plan {
    const anom_layer_plan *layers;
    int32_t n_layers; /* 1 to 64 */
} anom_autoencoder_plan;

/* Bytes of scratch that anom_autoencoder_run needs: its hidden activations, two layers at a time. */
size_t anom_autoencoder_scratch_bytes(const anom_autoencoder_plan *plan);

/* Outputs of the last layer.
 *   inputs   values of the first layer, any int8
 *   outputs  values of the last layer
 *   scratch  anom_autoencoder_scratch_bytes(plan) */
void anom_autoencoder_run(const anom_autoencoder_plan *plan, const int8_t *inputs, int8_t *outputs, int8_t *scratch);

#endif
