#include "anom_fixed.h"

typedef struct {
    int32_t function;
    int32_t n_rows;
    int32_t n_columns;
    const int64_t *rows; /* arguments */
    const int64_t *expect;
} fixed_case;

static int64_t fixed_call(int32_t function, const int64_t *row)
{
    int32_t x = (int32_t)row[0];
    switch (function) {
    case 0: return anom_mulw(x, (int32_t)row[1]);
    case 1: return anom_saturating_rounding_doubling_high_mul(x, (int32_t)row[1]);
    case 2: return anom_rounding_divide_by_pot(x, (int32_t)row[1]);
    case 3: return anom_multiply_by_quantized_multiplier(x, (int32_t)row[1], (int32_t)row[2]);
    case 4:
        return anom_affine_int8(x, (int32_t)row[1], (int32_t)row[2], (int32_t)row[3], (int32_t)row[4],
                                (int32_t)row[5]);
    case 5: return anom_bit_length((uint32_t)row[0]);
    case 6: return anom_log2_q10((uint32_t)row[0]);
    case 7: return anom_log2_wide_q10((uint64_t)row[0]);
    case 8: return anom_floor_sqrt((uint32_t)row[0]);
    default: return anom_angle_q12(x, (int32_t)row[1]);
    }
}

static int32_t run_fixed(const fixed_case *c)
{
    for (int32_t i = 0; i < c->n_rows; i++)
        if (fixed_call(c->function, c->rows + i * c->n_columns) != c->expect[i]) return 0;
    return 1;
}
