/* Assumptions: what these sources ask of a compiler, checked where they are compiled. */
#ifndef ANOM_ASSUMPTIONS_H
#define ANOM_ASSUMPTIONS_H

#include <limits.h>
#include <stdint.h>

#define ANOM_ASSERT(name, condition) typedef char anom_assert_##name[(condition) ? 1 : -1]

ANOM_ASSERT(bytes_have_8_bits, CHAR_BIT == 8);
ANOM_ASSERT(int_has_at_least_32_bits, INT_MAX >= 2147483647);
ANOM_ASSERT(negative_numbers_are_twos_complement, (-1 & 3) == 3);
ANOM_ASSERT(right_shift_of_a_negative_number_floors, (-5 >> 1) == -3 && ((int64_t)-5 >> 1) == -3);
ANOM_ASSERT(conversion_to_int32_is_modulo_2_to_the_32, (int32_t)UINT32_C(0xFFFFFFFE) == -2);
ANOM_ASSERT(conversion_to_int8_is_modulo_256, (int8_t)0x80 == -128);
ANOM_ASSERT(division_truncates, -5 / 2 == -2);

#endif
