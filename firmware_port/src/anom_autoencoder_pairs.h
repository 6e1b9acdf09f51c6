/* Autoencoder on Cortex-M0 and M3: two products with one multiplication.
 *
 * A word of four weights is taken apart into w0, w2 and w1, w3, each of them 128 too large: W = w2 2**16 + w0. With
 * X = x0 2**16 + x2 the product W X is (w0 x0 + w2 x2) 2**16 + w0 x2, modulo 2**32. K = 2**15 - 128 (2**16 + 1) X takes
 * the 128 away again and rounds, so that (W X + K) >> 16 is the sum of two products. It fits 16 bits, unless weights
 * of -128 meet inputs of -128. */
typedef struct {
    uint32_t even; /* X of x0 and x2 */
    uint32_t odd;  /* X of x1 and x3 */
    uint32_t even_term;
    uint32_t odd_term; /* K */
} anom_prepared;

static uint32_t term_of(uint32_t x)
{
    return 0x8000 - x * 0x00800080;
}

static int32_t is_narrow(const anom_layer_plan *plan)
{
    return plan->input_reach * plan->weight_reach < 128 * 128;
}

static uint32_t prepare(const anom_layer_plan *plan, const int8_t *x, uint32_t *prepared)
{
    anom_prepared *to = (anom_prepared *)(void *)prepared;
    if (!is_narrow(plan)) return 0;
    for (int32_t left = plan->n_in; left > 0; left -= 4, x += 4, to++) {
        to->even = ((uint32_t)x[0] << 16) + (left > 2 ? (uint32_t)x[2] : 0);
        to->odd = left > 1 ? ((uint32_t)x[1] << 16) + (left > 3 ? (uint32_t)x[3] : 0) : 0;
        to->even_term = term_of(to->even);
        to->odd_term = term_of(to->odd);
    }
    return 0;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#if ANOM_KERNELS_V7M
#include "anom_autoencoder_thumb2.h"

/* r0 blocks, r1 weights, r2 prepared, r3 to r6 inputs, r7 and r8 weights, r9 mask, r10 to r14 without r13 sums */
#define ANOM_ROW(sum)                                                                                                  \
    "ldr r7, [r1], #4\n"                                                                                               \
    "and r8, r9, r7\n"                                                                                                 \
    "mla r8, r8, r3, r5\n"                                                                                             \
    "add " sum ", " sum ", r8, asr #16\n"                                                                              \
    "and r7, r9, r7, lsr #8\n"                                                                                         \
    "mla r7, r7, r4, r6\n"                                                                                             \
    "add " sum ", " sum ", r7, asr #16\n"
#define ANOM_BLOCK                                                                                                     \
    "ldm r2!, {r3-r6}\n"                                                                                               \
    ANOM_ROW("r10") ANOM_ROW("r11") ANOM_ROW("r12") ANOM_ROW("lr")
#define ANOM_ALL_OUTPUTS                                                                                               \
    ANOM_BEGIN                                                                                                         \
    "mov r0, r3\n"                                                                                                     \
    "mov r9, #0x00ff00ff\n"                                                                                            \
    "b 3f\n"                                                                                                           \
    "2:\n"                                                                                                             \
    ANOM_BLOCK ANOM_BLOCK                                                                                              \
    "3: subs r0, r0, #2\n"                                                                                             \
    "bge 2b\n"                                                                                                         \
    "adds r0, r0, #2\n"                                                                                                \
    "beq 4f\n"                                                                                                         \
    ANOM_BLOCK                                                                                                         \
    "4:\n"                                                                                                             \
    ANOM_END

__attribute__((naked, noinline)) static void all_outputs(layer_run *run, const anom_weights *weights,
                                                         const uint32_t *prepared, int32_t blocks)
{
    __asm__(ANOM_ALL_OUTPUTS);
}

static void paired_outputs(layer_run *run, const uint32_t *prepared, int32_t blocks)
{
    all_outputs(run, run->weights, prepared, blocks);
}
#else
/* r0 mask, r1 weights, r2 prepared, r3 and r4 inputs, r5 and r6 weights, r7 blocks, r8 to r11 sums, r12, r14 terms */
#define ANOM_ROW(sum)                                                                                                  \
    "ldm r1!, {r5}\n"                                                                                                  \
    "movs r6, r5\n"                                                                                                    \
    "ands r6, r6, r0\n"                                                                                                \
    "muls r6, r3, r6\n"                                                                                                \
    "add r6, r6, r12\n"                                                                                                \
    "asrs r6, r6, #16\n"                                                                                               \
    "add " sum ", " sum ", r6\n"                                                                                       \
    "lsrs r5, r5, #8\n"                                                                                                \
    "ands r5, r5, r0\n"                                                                                                \
    "muls r5, r4, r5\n"                                                                                                \
    "add r5, r5, lr\n"                                                                                                 \
    "asrs r5, r5, #16\n"                                                                                               \
    "add " sum ", " sum ", r5\n"
#define ANOM_FOUR_SUMS                                                                                                 \
    ".syntax unified\n"                                                                                                \
    "push {r4-r7, lr}\n"                                                                                               \
    "mov r4, r8\n"                                                                                                     \
    "mov r5, r9\n"                                                                                                     \
    "mov r6, r10\n"                                                                                                    \
    "mov r7, r11\n"                                                                                                    \
    "push {r3-r7}\n"                                                                                                   \
    "ldr r4, [r3]\n"                                                                                                   \
    "mov r8, r4\n"                                                                                                     \
    "mov r9, r4\n"                                                                                                     \
    "mov r10, r4\n"                                                                                                    \
    "mov r11, r4\n"                                                                                                    \
    "movs r7, r0\n"                                                                                                    \
    "movs r0, #0xff\n"                                                                                                 \
    "lsls r3, r0, #16\n"                                                                                               \
    "adds r0, r0, r3\n"                                                                                                \
    "1: ldm r2!, {r3-r6}\n"                                                                                            \
    "mov r12, r5\n"                                                                                                    \
    "mov lr, r6\n"                                                                                                     \
    ANOM_ROW("r8") ANOM_ROW("r9") ANOM_ROW("r10") ANOM_ROW("r11")                                                      \
    "subs r7, r7, #1\n"                                                                                                \
    "bne 1b\n"                                                                                                         \
    "pop {r3}\n"                                                                                                       \
    "mov r4, r8\n"                                                                                                     \
    "mov r5, r9\n"                                                                                                     \
    "mov r6, r10\n"                                                                                                    \
    "mov r7, r11\n"                                                                                                    \
    "stm r3!, {r4-r7}\n"                                                                                               \
    "pop {r4-r7}\n"                                                                                                    \
    "mov r8, r4\n"                                                                                                     \
    "mov r9, r5\n"                                                                                                     \
    "mov r10, r6\n"                                                                                                    \
    "mov r11, r7\n"                                                                                                    \
    "pop {r4-r7, pc}\n"

/* Sums of four outputs; sums[0] is what each begins with. */
__attribute__((naked, noinline)) static void four_sums(int32_t blocks, const anom_weights *weights,
                                                       const uint32_t *prepared, uint32_t *sums)
{
    __asm__(ANOM_FOUR_SUMS);
}

static void paired_outputs(layer_run *run, const uint32_t *prepared, int32_t blocks)
{
    for (; run->left > 0; run->weights += blocks) {
        uint32_t sums[4];
        sums[0] = run->common;
        four_sums(blocks, run->weights, prepared, sums);
        requantise(run, sums);
    }
}
#endif
#pragma GCC diagnostic pop

static void outputs_of(layer_run *run, const anom_layer_plan *plan, const int8_t *x, const uint32_t *prepared)
{
    if (is_narrow(plan))
        paired_outputs(run, prepared, blocks_of(plan));
    else
        plain_outputs_of(run, plan, x);
}
