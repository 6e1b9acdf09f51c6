/* Kernels: which fast paths the target has. Each gives the integers of the portable code beside it. */
#ifndef ANOM_KERNELS_H
#define ANOM_KERNELS_H

#define ANOM_KERNELS_MVE 0 /* vectors of 16 bytes: Cortex-M55, M85 */
#define ANOM_KERNELS_DSP 0 /* pairs of 16 bits: Cortex-M4, M7, M33, M55 */
#define ANOM_KERNELS_V7M 0 /* Thumb-2 without these: Cortex-M3 */
#define ANOM_KERNELS_V6M 0 /* Thumb with one multiplication: Cortex-M0, M0+, M1, M23 */
#define ANOM_KERNELS_X86 0 /* AVX2 and AVX-512 VNNI, where the processor has them when it runs */
#define ANOM_KERNELS_A64 0 /* NEON */

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
#elif defined(__x86_64__)
#undef ANOM_KERNELS_X86
#define ANOM_KERNELS_X86 1
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#undef ANOM_KERNELS_A64
#define ANOM_KERNELS_A64 1
#endif
#endif

#endif
