#include "anom_energy.h"

typedef struct {
    const anom_energy *energies;
    int32_t n;
    uint32_t headroom;
    anom_energy sum;
    int32_t log2;
} energy_row;

typedef struct {
    int32_t function;
    int32_t n_rows;
    const energy_row *rows;
} energy_case;

static int32_t energy_holds(int32_t function, const energy_row *row)
{
    const anom_energy *energies = row->energies;
    if (function == 2) return anom_energy_log2(energies[0]) == row->log2;
    anom_energy sum = function == 0 ? anom_energy_add(energies[0], energies[1])
                                    : anom_energy_total(energies, row->n, row->headroom);
    return sum.mantissa == row->sum.mantissa && sum.exponent == row->sum.exponent;
}

static int32_t run_energy(const energy_case *c)
{
    for (int32_t i = 0; i < c->n_rows; i++)
        if (!energy_holds(c->function, &c->rows[i])) return 0;
    return 1;
}
