/* Energies as mantissa * 2**exponent: 31 bits of precision over any range, without a float. */
#ifndef ANOM_ENERGY_H
#define ANOM_ENERGY_H

#include <stdint.h>

/* An energy of 0 has exponent 0. */
typedef struct anom_energy {
    uint32_t mantissa; /* 0 to 2**31 - 1 */
    uint32_t exponent; /* 0 to 127 */
} anom_energy;

/* a + b: the one with the smaller exponent is shifted down, a carry halves the sum. */
anom_energy anom_energy_add(anom_energy a, anom_energy b);

/* Sum of n energies: all are shifted down to the largest exponent plus headroom.
 *   n        1 to 2**headroom */
anom_energy anom_energy_total(const anom_energy *energies, int32_t n, uint32_t headroom);

/* Binary logarithm in q10; that of 0 is given as that of 1, which is 0. */
int32_t anom_energy_log2(anom_energy energy);

#endif
