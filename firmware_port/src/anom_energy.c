/* Energies as mantissa * 2**exponent: 31 bits of precision over any range, without a float. */
#include "anom_energy.h"

#include "anom_fixed.h"

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The mantissa at another exponent, rounded down, 0 to 2**31 - 1.
 *   exponent the energy's own to 136: 127 and a headroom of 9 */
static uint32_t at_exponent(anom_energy energy, uint32_t exponent)
{
    uint32_t shift = exponent - energy.exponent;
    return energy.mantissa >> (shift < 31 ? shift : 31);
}

anom_energy anom_energy_add(anom_energy a, anom_energy b)
{
    uint32_t exponent = larger(a.exponent, b.exponent);
    uint32_t total = at_exponent(a, exponent) + at_exponent(b, exponent); /* below 2**32 */
    uint32_t carry = total >> 31;
    anom_energy sum = {total >> carry, exponent + carry};
    return sum;
}

anom_energy anom_energy_total(const anom_energy *energies, int32_t n, uint32_t headroom)
{
    uint32_t common = 0;
    for (int32_t i = 0; i < n; i++)
        common = larger(common, energies[i].exponent);
    common += headroom;
    anom_energy sum = {0, 0};
    for (int32_t i = 0; i < n; i++)
        sum.mantissa += at_exponent(energies[i], common);
    if (sum.mantissa > 0) sum.exponent = common;
    return sum;
}

int32_t anom_energy_log2(anom_energy energy)
{
    return anom_log2_q10(energy.mantissa) + (int32_t)(energy.exponent << 10);
}
