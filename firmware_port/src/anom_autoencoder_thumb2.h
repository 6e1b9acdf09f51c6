/* Autoencoder on Cortex-M3 and larger: sums to outputs, as anom_multiply_by_quantized_multiplier and a clamp do it. */

/* What is left to do once four sums are in r10, r11, r12 and r14, of a function that began by pushing r0, a layer_run,
 * r4 to r11 and r14. In the loop: r1 sums, r2 outputs to go, r3 to r10 fields of the layer_run, r14 complement of the
 * shift s. Where s < 0, ((y >> (-s - 1)) + 1) >> 1 rounds. */
#define ANOM_REQUANTISE_AND_RETURN                                                                                     \
    "push {r10, r11, r12, lr}\n"                                                                                       \
    "mov r1, sp\n"                                                                                                     \
    "ldr r0, [sp, #16]\n"                                                                                              \
    "ldr r2, [r0, #32]\n"                                                                                              \
    "subs r3, r2, #4\n"                                                                                                \
    "str r3, [r0, #32]\n"                                                                                              \
    "cmp r2, #4\n"                                                                                                     \
    "it gt\n"                                                                                                          \
    "movgt r2, #4\n"                                                                                                   \
    "ldm r0, {r3-r10}\n"                                                                                               \
    "10: ldr r0, [r1], #4\n"                                                                                           \
    "ldr r11, [r3], #4\n"                                                                                              \
    "ldr r12, [r4]\n"                                                                                                  \
    "ldrsb lr, [r5]\n"                                                                                                 \
    "add r4, r4, r7, lsl #2\n"                                                                                         \
    "add r5, r5, r7\n"                                                                                                 \
    "add r0, r0, r11\n"                                                                                                \
    "mvns lr, lr\n"                                                                                                    \
    "bmi 13f\n"                                                                                                        \
    "smull r11, r0, r0, r12\n"                                                                                         \
    "adds r11, r11, #0x40000000\n"                                                                                     \
    "adc r0, r0, #0\n"                                                                                                 \
    "lsls r0, r0, #1\n"                                                                                                \
    "orr r0, r0, r11, lsr #31\n"                                                                                       \
    "add r0, r0, r0, asr #31\n"                                                                                        \
    "asrs r0, r0, lr\n"                                                                                                \
    "adds r0, r0, #1\n"                                                                                                \
    "asrs r0, r0, #1\n"                                                                                                \
    "12: add r0, r0, r8\n"                                                                                             \
    "cmp r0, r9\n"                                                                                                     \
    "it lt\n"                                                                                                          \
    "movlt r0, r9\n"                                                                                                   \
    "cmp r0, r10\n"                                                                                                    \
    "it gt\n"                                                                                                          \
    "movgt r0, r10\n"                                                                                                  \
    "strb r0, [r6], #1\n"                                                                                              \
    "subs r2, r2, #1\n"                                                                                                \
    "bne 10b\n"                                                                                                        \
    "add sp, sp, #16\n"                                                                                                \
    "ldr r0, [sp]\n"                                                                                                   \
    "stm r0, {r3-r6}\n"                                                                                                \
    "pop {r0, r4-r11, pc}\n"                                                                                           \
    "13: mvn lr, lr\n"                                                                                                 \
    "lsl r0, r0, lr\n"                                                                                                 \
    "smull r11, r0, r0, r12\n"                                                                                         \
    "adds r11, r11, #0x40000000\n"                                                                                     \
    "adc r0, r0, #0\n"                                                                                                 \
    "lsls r0, r0, #1\n"                                                                                                \
    "orr r0, r0, r11, lsr #31\n"                                                                                       \
    "b 12b\n"
