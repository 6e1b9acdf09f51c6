/* Assumptions: what these sources ask of a compiler, checked where they are compiled.
 *
 * The integers of a plan rest on them. C99 leaves most of them to the compiler; gcc and clang have them all. */
#ifndef ANOM_ASSUMPTIONS_H
#define ANOM_ASSUMPTIONS_H

#include <limits.h>
#include <stdint.h>

#define ANOM_ASSERT(name, condition) typedef char anom_assert_##name[(condition) ? 1 : -1]

/* Events, digests and the tables of a plan are given byte by byte, and int8_t exists with such bytes only. */
ANOM_ASSERT(bytes_have_8_bits, CHAR_BIT == 8);

/* Products of int16_t and int8_t are promoted to int: with 16 bits they would overflow. */
ANOM_ASSERT(int_has_at_least_32_bits, INT_MAX >= 2147483647);

/* Masks, x ^ (x >> 31) and sums modulo 2**32 read the bits of negative numbers. */
ANOM_ASSERT(negative_numbers_are_twos_complement, (-1 & 3) == 3);

/* Every rounding rule is a right shift that rounds down, of negative numbers as well. */
ANOM_ASSERT(right_shift_of_a_negative_number_floors, (-5 >> 1) == -3 && ((int64_t)-5 >> 1) == -3);

/* Sums of the autoencoder and of a gap are computed modulo 2**32, in uint32_t, and then read as signed. */
ANOM_ASSERT(conversion_to_int32_is_modulo_2_to_the_32, (int32_t)UINT32_C(0xFFFFFFFE) == -2);

/* Weights are stored as uint8_t, some with their top bit flipped, and then read as signed. */
ANOM_ASSERT(conversion_to_int8_is_modulo_256, (int8_t)0x80 == -128);

/* C99 asks for this and C90 did not: a compiler without it is older than these sources. */
ANOM_ASSERT(division_truncates, -5 / 2 == -2);

#endif
