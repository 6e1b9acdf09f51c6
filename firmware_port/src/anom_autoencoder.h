/* Autoencoder: int8 FULLY_CONNECTED layers with TensorFlow Lite's integer arithmetic. */
#ifndef ANOM_AUTOENCODER_H
#define ANOM_AUTOENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "anom_kernels.h"

/* Weights of four outputs by four inputs, output by output. */
typedef union anom_weights {
    uint8_t bytes[16]; /* as ANOM_WEIGHTS gives them */
    uint32_t rows[4];  /* so that a row can be loaded at once */
} anom_weights;

/* An initialiser of one. The weights of even or odd inputs may have their top bit flipped, see anom_kernels.h. */
#define ANOM_WEIGHT_EVEN(w) (uint8_t)((w) ^ ANOM_FLIP_EVEN)
#define ANOM_WEIGHT_ODD(w) (uint8_t)((w) ^ ANOM_FLIP_ODD)
#define ANOM_WEIGHT_ROW(a, b, c, d) ANOM_WEIGHT_EVEN(a), ANOM_WEIGHT_ODD(b), ANOM_WEIGHT_EVEN(c), ANOM_WEIGHT_ODD(d)
#define ANOM_WEIGHTS(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3) \
    {{ANOM_WEIGHT_ROW(a0, a1, a2, a3), ANOM_WEIGHT_ROW(b0, b1, b2, b3), ANOM_WEIGHT_ROW(c0, c1, c2, c3), \
      ANOM_WEIGHT_ROW(d0, d1, d2, d3)}}

/* One layer: clip(round((sum x (w - zw) + bias) * M) + zo, act_low, act_high). */
typedef struct anom_layer_plan {
    const anom_weights *weights; /* for each four outputs, those of each four inputs; zeros fill up both */
    const int32_t *bias;         /* n_out values: the layer's, less zx sum (w - zw); modulo 2**32 */
    const int32_t *multiplier;   /* n_multipliers values: q31 mantissa of M, 0 or 2**30 to 2**31 - 1 */
    const int8_t *shift;         /* as multiplier: M = multiplier * 2**(shift - 31) */
    int16_t weight_zero_point;
    int16_t output_zero_point;
    int16_t act_low; /* range of the outputs, and so of the next layer's inputs */
    int16_t act_high;
    int16_t n_in;          /* 1 to 4096 */
    int16_t n_out;         /* 1 to 4096 */
    int16_t n_multipliers; /* 1 or n_out */
    int16_t input_reach;   /* proven bound of |x|, 127 or 128 */
    int16_t weight_reach;  /* largest |w|, 0 to 128 */
} anom_layer_plan;

typedef struct anom_autoencoder_plan {
    const anom_layer_plan *layers;
    int32_t n_layers; /* 1 to 64 */
    uint32_t flipped; /* ANOM_FLIPPED where the weights were compiled */
} anom_autoencoder_plan;

/* Bytes of scratch that anom_autoencoder_run needs, a multiple of 4: inputs as its kernels take them, and hidden
 * activations, two layers at a time. */
size_t anom_autoencoder_scratch_bytes(const anom_autoencoder_plan *plan);

/* Outputs of the last layer.
 *   inputs   values of the first layer, within its input_reach
 *   outputs  values of the last layer
 *   scratch  anom_autoencoder_scratch_bytes(plan), aligned for int32_t */
void anom_autoencoder_run(const anom_autoencoder_plan *plan, const int8_t *inputs, int8_t *outputs, void *scratch);

#endif
