/* Autoencoder on Cortex-M3 and larger: from sums to outputs, as anom_multiply_by_quantized_multiplier and a clamp. */

/* A function that consists of these two parts, with the sums of four outputs in between, gives all outputs of a layer.
 * Its arguments are r0, a layer_run, r1 weights, r2 prepared, r3 n blocks; all of them are there again for each four.
 * What is between leaves the sums in r10, r11, r12, r14, and r1 at the weights that follow.
 *
 * In the end part: r1 sums, r2 outputs to go, r3 to r10 fields of the layer_run, r12 multiplier, r14 bits of the right
 * shift. Of what is shifted out, the last bit is the carry: adding it rounds. */
ANOM_ASSERT(layer_run_begins_as_assembly_has_it, offsetof(layer_run, bias) == 4 && offsetof(layer_run, outputs) == 16);
ANOM_ASSERT(layer_run_goes_on_as_assembly_has_it, offsetof(layer_run, step) == 20 && offsetof(layer_run, high) == 32);
ANOM_ASSERT(layer_run_ends_as_assembly_has_it, offsetof(layer_run, left) == 36 && offsetof(layer_run, common) == 40);

#define ANOM_BEGIN                                                                                                     \
    "push {r0-r11, lr}\n"                                                                                              \
    "1: ldr r10, [r0, #40]\n"                                                                                          \
    "mov r11, r10\n"                                                                                                   \
    "mov r12, r10\n"                                                                                                   \
    "mov lr, r10\n"
#define ANOM_SCALE                                                                                                     \
    "ldr r0, [r1], #4\n"                                                                                               \
    "ldr r11, [r3], #4\n"                                                                                              \
    "add r0, r0, r11\n"                                                                                                \
    "smull r11, r0, r0, r12\n"                                                                                         \
    "adds r11, r11, #0x40000000\n"                                                                                     \
    "adc r0, r0, #0\n"                                                                                                 \
    "lsls r0, r0, #1\n"                                                                                                \
    "orr r0, r0, r11, lsr #31\n"                                                                                       \
    "add r0, r0, r0, asr #31\n"                                                                                        \
    "asrs r0, r0, lr\n"                                                                                                \
    "adc r0, r0, r8\n"
#define ANOM_CLAMP                                                                                                     \
    "cmp r0, r9\n"                                                                                                     \
    "it lt\n"                                                                                                          \
    "movlt r0, r9\n"                                                                                                   \
    "cmp r0, r10\n"                                                                                                    \
    "it gt\n"                                                                                                          \
    "movgt r0, r10\n"                                                                                                  \
    "strb r0, [r6], #1\n"                                                                                              \
    "subs r2, r2, #1\n"
#define ANOM_END                                                                                                       \
    "str r1, [sp, #4]\n"                                                                                               \
    "ldr r0, [sp]\n"                                                                                                   \
    "push {r10, r11, r12, lr}\n"                                                                                       \
    "mov r1, sp\n"                                                                                                     \
    "ldr r2, [r0, #36]\n"                                                                                              \
    "subs r2, r2, #4\n"                                                                                                \
    "str r2, [r0, #36]\n"                                                                                              \
    "it gt\n"                                                                                                          \
    "movgt r2, #0\n"                                                                                                   \
    "adds r2, r2, #4\n"                                                                                                \
    "adds r0, r0, #4\n"                                                                                                \
    "ldm r0, {r3-r10}\n"                                                                                               \
    "cbnz r7, 12f\n"                                                                                                   \
    "ldr r12, [r4]\n"                                                                                                  \
    "ldrsb lr, [r5]\n"                                                                                                 \
    "rsbs lr, lr, #0\n"                                                                                                \
    "ble 12f\n"                                                                                                        \
    "11:\n"                                                                                                            \
    ANOM_SCALE ANOM_CLAMP                                                                                              \
    "bne 11b\n"                                                                                                        \
    "b 14f\n"                                                                                                          \
    "12: ldr r12, [r4], #4\n"                                                                                          \
    "ldrsb lr, [r5], #1\n"                                                                                             \
    "rsbs lr, lr, #0\n"                                                                                                \
    "ble 15f\n"                                                                                                        \
    ANOM_SCALE                                                                                                         \
    "13:\n"                                                                                                            \
    ANOM_CLAMP                                                                                                         \
    "bne 12b\n"                                                                                                        \
    "14: add sp, sp, #16\n"                                                                                            \
    "ldr r0, [sp]\n"                                                                                                   \
    "adds r0, r0, #4\n"                                                                                                \
    "stm r0, {r3-r6}\n"                                                                                                \
    "ldr r1, [r0, #32]\n"                                                                                              \
    "cmp r1, #0\n"                                                                                                     \
    "ble 16f\n"                                                                                                        \
    "ldm sp, {r0-r3}\n"                                                                                                \
    "b 1b\n"                                                                                                           \
    "15: rsb r0, r7, #1\n"                                                                                             \
    "sub r4, r4, r0, lsl #2\n"                                                                                         \
    "sub r5, r5, r0\n"                                                                                                 \
    "rsb lr, lr, #0\n"                                                                                                 \
    "ldr r0, [r1], #4\n"                                                                                               \
    "ldr r11, [r3], #4\n"                                                                                              \
    "add r0, r0, r11\n"                                                                                                \
    "lsl r0, r0, lr\n"                                                                                                 \
    "smull r11, r0, r0, r12\n"                                                                                         \
    "adds r11, r11, #0x40000000\n"                                                                                     \
    "adc r0, r0, #0\n"                                                                                                 \
    "lsls r0, r0, #1\n"                                                                                                \
    "orr r0, r0, r11, lsr #31\n"                                                                                       \
    "add r0, r0, r8\n"                                                                                                 \
    "b 13b\n"                                                                                                          \
    "16: add sp, sp, #16\n"                                                                                            \
    "pop {r4-r11, pc}\n"
