/* x86-64: which of its instructions the processor has when it runs. */
#ifndef ANOM_X86_H
#define ANOM_X86_H

#include <immintrin.h>

/* The most that is used: 0 the portable code, 1 AVX2, 2 AVX-512 VNNI. For tests; the integers are the same. */
#ifndef ANOM_X86_MOST
#define ANOM_X86_MOST 2
#endif

#define ANOM_AVX2 __attribute__((target("avx2")))
#define ANOM_VNNI __attribute__((target("avx2,avx512f,avx512vnni")))

static inline int anom_has_avx2(void)
{
    return ANOM_X86_MOST >= 1 && __builtin_cpu_supports("avx2");
}

static inline int anom_has_vnni(void)
{
    return ANOM_X86_MOST >= 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni");
}

#endif
