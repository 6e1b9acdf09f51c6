/* Autoencoder on Cortex-M4, M7 and M33: two products at a time.
 *
 * A word of four weights holds w0 + 128, w1, w2 + 128, w3. As two halves it is 256 w1 + w0 + 128 and 256 w3 + w2 + 128,
 * so that with the inputs x0, x2 as halves
 *
 *     sum word x = sum w_even x_even + 128 sum x_even + 256 sum w_odd x_even
 *
 * and with x1 - 256 x0, x3 - 256 x2 the odd weights, once they are taken out of the word, give their own sum and take
 * away the last term: three instructions for four products. These differences fit 16 bits where no input is -128. */
#include <string.h>

#include "anom_autoencoder_thumb2.h"

typedef struct {
    uint32_t even; /* x0 and x2 */
    uint32_t odd;  /* x1 and x3; less 256 x0 and 256 x2 where no input can be -128 */
} anom_prepared;

/* One word of inputs. Gives the sum of the even ones, added to that of those before.
 *   take     a mask of what is taken from the odd inputs, 256 times the even ones */
static uint32_t prepare_word(anom_prepared *to, uint32_t word, uint32_t take, uint32_t total)
{
    __asm__("sxtb16 %1, %3\n"
            "sxtb16 %2, %3, ror #8\n"
            "and %3, %4, %3, lsl #8\n"
            "ssub16 %2, %2, %3\n"
            "mov %3, #0x00010001\n"
            "smlad %0, %1, %3, %0\n"
            : "+r"(total), "=&r"(to->even), "=&r"(to->odd), "+r"(word)
            : "r"(take));
    return total;
}

static uint32_t prepare(const anom_layer_plan *plan, const int8_t *x, uint32_t *prepared)
{
    anom_prepared *to = (anom_prepared *)(void *)prepared;
    uint32_t take = plan->input_reach < 128 ? 0xFF00FF00 : 0;
    uint32_t total = 0;
    uint32_t word;
    for (int32_t blocks = plan->n_in >> 2; blocks > 0; blocks--, x += sizeof word) {
        memcpy(&word, x, sizeof word);
        total = prepare_word(to++, word, take, total);
    }
    if (plan->n_in & 3) {
        word = 0;
        memcpy(&word, x, plan->n_in & 3);
        total = prepare_word(to, word, take, total);
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
#define ANOM_BLOCKS(row)                                                                                               \
    "1:\n"                                                                                                             \
    ANOM_BLOCK(row) ANOM_BLOCK(row) ANOM_BLOCK(row) ANOM_BLOCK(row)                                                    \
    "2: subs r3, r3, #4\n"                                                                                             \
    "bge 1b\n"                                                                                                         \
    "adds r3, r3, #4\n"                                                                                                \
    "beq 4f\n"                                                                                                         \
    "3:\n"                                                                                                             \
    ANOM_BLOCK(row)                                                                                                    \
    "subs r3, r3, #1\n"                                                                                                \
    "bne 3b\n"                                                                                                         \
    "4:\n"
#define ANOM_FOUR_OUTPUTS(row)                                                                                         \
    "push {r0, r4-r11, lr}\n"                                                                                          \
    "ldr r10, [r0, #36]\n"                                                                                             \
    "mov r11, r10\n"                                                                                                   \
    "mov r12, r10\n"                                                                                                   \
    "mov lr, r10\n"                                                                                                    \
    "b 2f\n"                                                                                                           \
    ANOM_BLOCKS(row) ANOM_REQUANTISE_AND_RETURN

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
__attribute__((naked, noinline)) static void four_narrow_outputs(layer_run *run, const anom_weights *weights,
                                                                 const uint32_t *prepared, int32_t blocks)
{
    __asm__(ANOM_FOUR_OUTPUTS(ANOM_NARROW_ROW));
}

__attribute__((naked, noinline)) static void four_wide_outputs(layer_run *run, const anom_weights *weights,
                                                               const uint32_t *prepared, int32_t blocks)
{
    __asm__(ANOM_FOUR_OUTPUTS(ANOM_WIDE_ROW));
}
#pragma GCC diagnostic pop

static void four_outputs(layer_run *run, const anom_layer_plan *plan, const anom_weights *weights, const int8_t *x,
                         const uint32_t *prepared)
{
    (void)x;
    if (plan->input_reach < 128)
        four_narrow_outputs(run, weights, prepared, blocks_of(plan));
    else
        four_wide_outputs(run, weights, prepared, blocks_of(plan));
}
