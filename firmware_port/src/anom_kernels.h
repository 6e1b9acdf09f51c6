/* Kernels: which fast paths the target has. Each gives the integers of the portable code beside it. */
#ifndef ANOM_KERNELS_H
#define ANOM_KERNELS_H

#define ANOM_KERNELS_MVE 0 /* vectors of 16 bytes: Cortex-M55, M85 */
#define ANOM_KERNELS_DSP 0 /* pairs of 16 bits: Cortex-M4, M7, M33, M55 */
#define ANOM_KERNELS_V7M 0 /* Thumb-2 without these: Cortex-M3 */
#define ANOM_KERNELS_V6M 0 /* Thumb with one multiplication: Cortex-M0, M0+, M1, M23 */
#define ANOM_KERNELS_X86 0 /* AVX2 and AVX-512 VNNI, where the processor has them when it runs */

/* They are written for gcc and clang; -DANOM_PORTABLE leaves all of them out. */
#if defined(__GNUC__) && !defined(ANOM_PORTABLE)
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARM_BIG_ENDIAN)
#if defined(__ARM_FEATURE_MVE)
#undef ANOM_KERNELS_MVE
#define ANOM_KERNELS_MVE 1
#endif
#if defined(__ARM_FEATURE_DSP)
#undef ANOM_KERNELS_DSP
#define ANOM_KERNELS_DSP 1
#elif __ARM_ARCH_ISA_THUMB == 2
#undef ANOM_KERNELS_V7M
#define ANOM_KERNELS_V7M 1
#else
#undef ANOM_KERNELS_V6M
#define ANOM_KERNELS_V6M 1
#endif
#elif defined(__x86_64__) && __STDC_HOSTED__ && (__GNUC__ >= 8 || __clang_major__ >= 7) && \
    (!defined(_WIN32) || defined(__clang__)) /* gcc does not align vectors on the stack there */
#undef ANOM_KERNELS_X86
#define ANOM_KERNELS_X86 1
#endif
#endif

/* A variable in a register, for an assembly statement. The value is a name or a constant: the compiler may call a
 * function to compute anything else (`-ftrapv` does for a sum), and a call overwrites registers that are bound already.
 * Nothing but further ones stands between it and the statement, and what comes out is copied before it is used. */
#if ANOM_KERNELS_DSP || ANOM_KERNELS_V7M || ANOM_KERNELS_V6M
#define ANOM_IN(type, name, number, value) register type name __asm__(#number) = value
#endif

/* Bits that are flipped in a model's weights of even and of odd inputs: 0x80 adds 128, so that two bytes of a word are
 * taken out of it by one mask, without their signs. */
#if ANOM_KERNELS_DSP && !ANOM_KERNELS_MVE
#define ANOM_FLIP_EVEN 0x80
#define ANOM_FLIP_ODD 0x00
#elif ANOM_KERNELS_V7M || ANOM_KERNELS_V6M
#define ANOM_FLIP_EVEN 0x80
#define ANOM_FLIP_ODD 0x80
#else
#define ANOM_FLIP_EVEN 0x00
#define ANOM_FLIP_ODD 0x00
#endif
#define ANOM_FLIPPED (ANOM_FLIP_ODD << 8 | ANOM_FLIP_EVEN)

#endif
