/* Autoencoder on Cortex-M4, M7 and M33: two products at a time.
 *
 * A word of four weights holds w0 + 128, w1, w2 + 128, w3. As two halves it is 256 w1 + w0 + 128 and 256 w3 + w2 + 128,
 * so that with the inputs x0, x2 as halves
 *
 *     sum word x = sum w_even x_even + 128 sum x_even + 256 sum w_odd x_even
 *
 * and with x1 - 256 x0, x3 - 256 x2 the odd weights, once they are taken out of the word, give their own sum and take
 * away the last term: three instructions for four products. These differences fit 16 bits where no input is -128. */
#include "anom_autoencoder_thumb2.h"

typedef struct {
    uint32_t even; /* x0 and x2 */
    uint32_t odd;  /* x1 and x3; less 256 x0 and 256 x2 where no input can be -128 */
} anom_prepared;

/* Words of four inputs, aligned or not. Gives the sum of the even ones, added to that of those before.
 *   n        1 or more
 *   take     a mask of what is taken from the odd inputs, 256 times the even ones */
static uint32_t prepare_words(const void *words, int32_t n, uint32_t take, uint32_t total, anom_prepared *prepared)
{
    uint32_t word;
    uint32_t even;
    uint32_t odd;
    __asm__ volatile("1: ldr %[word], [%[words]], #4\n"
                     "sxtb16 %[even], %[word]\n"
                     "sxtb16 %[odd], %[word], ror #8\n"
                     "and %[word], %[take], %[word], lsl #8\n"
                     "ssub16 %[odd], %[odd], %[word]\n"
                     "smlad %[total], %[even], %[ones], %[total]\n"
                     "strd %[even], %[odd], [%[prepared]], #8\n"
                     "subs %[n], %[n], #1\n"
                     "bne 1b\n"
                     : [word] "=&r"(word), [even] "=&r"(even), [odd] "=&r"(odd), [words] "+&r"(words), [n] "+&r"(n),
                       [total] "+&r"(total), [prepared] "+&r"(prepared)
                     : [take] "r"(take), [ones] "r"(0x00010001)
                     : "cc", "memory");
    return total;
}

static uint32_t prepare(const anom_layer_plan *plan, const int8_t *x, uint32_t *prepared)
{
    anom_prepared *to = (anom_prepared *)(void *)prepared;
    uint32_t take = plan->input_reach < 128 ? 0xFF00FF00 : 0;
    int32_t whole = plan->n_in >> 2;
    uint32_t total = 0;
    if (whole > 0) total = prepare_words(x, whole, take, total, to);
    if (plan->n_in & 3) {
        uint32_t word = 0;
        for (int32_t i = whole * 4; i < plan->n_in; i++)
            word |= (uint32_t)(uint8_t)x[i] << (8 * (i & 3));
        total = prepare_words(&word, 1, take, total, to + whole);
    }
    return 0 - 128 * total;
}

/* r0 free, r1 weights, r2 prepared, r3 blocks, r4 to r7 weights, r8 and r9 inputs, r10 to r14 without r13 sums */
#define ANOM_NARROW_ROW(w, sum)                                                                                        \
    "smlad " sum ", " w ", r8, " sum "\n"                                                                              \
    "sxtb16 " w ", " w ", ror #8\n"                                                                                    \
    "smlad " sum ", " w ", r9, " sum "\n"
#define ANOM_WIDE_ROW(w, sum)                                                                                          \
    "uxtb16 r0, " w "\n"                                                                                               \
    "sxtb16 " w ", " w ", ror #8\n"                                                                                    \
    "smlad " sum ", r0, r8, " sum "\n"                                                                                 \
    "smlad " sum ", " w ", r9, " sum "\n"
#define ANOM_BLOCK(row)                                                                                                \
    "ldm r1!, {r4-r7}\n"                                                                                               \
    "ldrd r8, r9, [r2], #8\n"                                                                                          \
    row("r4", "r10") row("r5", "r11") row("r6", "r12") row("r7", "lr")
#define ANOM_ALL_OUTPUTS                                                                                               \
    ANOM_BEGIN                                                                                                         \
    "cmp r3, #0\n"                                                                                                     \
    "blt 5f\n"                                                                                                         \
    "b 3f\n"                                                                                                           \
    "2:\n"                                                                                                             \
    ANOM_BLOCK(ANOM_NARROW_ROW) ANOM_BLOCK(ANOM_NARROW_ROW) ANOM_BLOCK(ANOM_NARROW_ROW) ANOM_BLOCK(ANOM_NARROW_ROW)    \
    "3: subs r3, r3, #4\n"                                                                                             \
    "bge 2b\n"                                                                                                         \
    "adds r3, r3, #4\n"                                                                                                \
    "beq 9f\n"                                                                                                         \
    "4:\n"                                                                                                             \
    ANOM_BLOCK(ANOM_NARROW_ROW)                                                                                        \
    "subs r3, r3, #1\n"                                                                                                \
    "bne 4b\n"                                                                                                         \
    "b 9f\n"                                                                                                           \
    "5: mvn r3, r3\n"                                                                                                  \
    "b 7f\n"                                                                                                           \
    "6:\n"                                                                                                             \
    ANOM_BLOCK(ANOM_WIDE_ROW) ANOM_BLOCK(ANOM_WIDE_ROW) ANOM_BLOCK(ANOM_WIDE_ROW) ANOM_BLOCK(ANOM_WIDE_ROW)            \
    "7: subs r3, r3, #4\n"                                                                                             \
    "bge 6b\n"                                                                                                         \
    "adds r3, r3, #4\n"                                                                                                \
    "beq 9f\n"                                                                                                         \
    "8:\n"                                                                                                             \
    ANOM_BLOCK(ANOM_WIDE_ROW)                                                                                          \
    "subs r3, r3, #1\n"                                                                                                \
    "bne 8b\n"                                                                                                         \
    "9:\n"                                                                                                             \
    ANOM_END

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
/* blocks is complemented where an input can be -128. */
__attribute__((naked, noinline)) static void all_outputs(layer_run *run, const anom_weights *weights,
                                                         const uint32_t *prepared, int32_t blocks)
{
    __asm__(ANOM_ALL_OUTPUTS);
}
#pragma GCC diagnostic pop

static void outputs_of(layer_run *run, const anom_layer_plan *plan, const int8_t *x, const uint32_t *prepared)
{
    int32_t blocks = blocks_of(plan);
    (void)x;
    all_outputs(run, run->weights, prepared, plan->input_reach < 128 ? blocks : ~blocks);
}
