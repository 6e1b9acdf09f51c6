/* Autoencoder on Cortex-M55 and M85: sixteen products at a time. */
#include <arm_mve.h>

static uint32_t prepare(const anom_layer_plan *plan, const int8_t *x, uint32_t *prepared)
{
    (void)plan;
    (void)x;
    (void)prepared;
    return 0;
}

/* anom_multiply_by_quantized_multiplier of four values at once: vqrdmulh rounds as the first of its roundings does, and
 * vrshl, which rounds ties up, as the second once one is taken from what is negative. */
static void requantise(layer_run *run, int32x4_t sums)
{
    int32_t n = run->left < 4 ? run->left : 4;
    mve_pred16_t there = vctp32q((uint32_t)n);
    int32x4_t x = vaddq_s32(sums, vldrwq_z_s32(run->bias, there));
    int32x4_t multiplier = vdupq_n_s32(*run->multiplier);
    int32x4_t shift = vdupq_n_s32(*run->shift);
    if (run->step) {
        multiplier = vldrwq_z_s32(run->multiplier, there);
        shift = vldrbq_z_s32(run->shift, there);
    }
    int32x4_t left = vmaxq_s32(shift, vdupq_n_s32(0));
    int32x4_t right = vminq_s32(shift, vdupq_n_s32(0));
    x = vqrdmulhq_s32(vshlq_s32(x, left), multiplier);
    x = vaddq_s32(x, vshrq_n_s32(vandq_s32(x, right), 31));
    x = vaddq_n_s32(vrshlq_s32(x, right), run->zero_point);
    x = vminq_s32(vmaxq_s32(x, vdupq_n_s32(run->low)), vdupq_n_s32(run->high));
    vstrbq_p_s32(run->outputs, x, there);
    run->bias += n;
    run->multiplier += n * run->step;
    run->shift += n * run->step;
    run->outputs += n;
    run->left -= n;
}

/* The next four outputs, or as many as there are. Four blocks are one load, and give sixteen weights of each. */
static void four_outputs(layer_run *run, const anom_weights *weights, const int8_t *x, int32_t n_in)
{
    int32_t a = (int32_t)run->common;
    int32_t b = a;
    int32_t c = a;
    int32_t d = a;
    int32_t left = n_in;
    for (; left >= 16; left -= 16, x += 16, weights += 4) {
        uint32x4x4_t rows = vld4q_u32(weights->rows);
        int8x16_t inputs = vldrbq_s8(x);
        a = vmladavaq_s8(a, inputs, vreinterpretq_s8_u32(rows.val[0]));
        b = vmladavaq_s8(b, inputs, vreinterpretq_s8_u32(rows.val[1]));
        c = vmladavaq_s8(c, inputs, vreinterpretq_s8_u32(rows.val[2]));
        d = vmladavaq_s8(d, inputs, vreinterpretq_s8_u32(rows.val[3]));
    }
    if (left > 0) {
        mve_pred16_t there = vctp32q((uint32_t)(left + 3) / 4);
        uint32x4_t at = vmulq_n_u32(vidupq_n_u32(0, 4), 4);
        int8x16_t inputs = vldrbq_z_s8(x, vctp8q((uint32_t)left));
        const uint32_t *row = weights->rows;
        a = vmladavaq_s8(a, inputs, vreinterpretq_s8_u32(vldrwq_gather_offset_z_u32(row, at, there)));
        b = vmladavaq_s8(b, inputs, vreinterpretq_s8_u32(vldrwq_gather_offset_z_u32(row + 1, at, there)));
        c = vmladavaq_s8(c, inputs, vreinterpretq_s8_u32(vldrwq_gather_offset_z_u32(row + 2, at, there)));
        d = vmladavaq_s8(d, inputs, vreinterpretq_s8_u32(vldrwq_gather_offset_z_u32(row + 3, at, there)));
    }
    int32_t sums[4] = {a, b, c, d};
    requantise(run, vldrwq_s32(sums));
}

static void outputs_of(layer_run *run, const anom_layer_plan *plan, const int8_t *x, const uint32_t *prepared)
{
    (void)prepared;
    for (; run->left > 0; run->weights += blocks_of(plan))
        four_outputs(run, run->weights, x, plan->n_in);
}
