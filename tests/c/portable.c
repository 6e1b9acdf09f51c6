/* The front end without kernels, under other names: for a program that holds both. */
#define ANOM_PORTABLE
#define anom_bit_length portable_bit_length
#define anom_mulw portable_mulw
#define anom_log2_q10 portable_log2_q10
#define anom_log2_wide_q10 portable_log2_wide_q10
#define anom_floor_sqrt portable_floor_sqrt
#define anom_angle_q12 portable_angle_q12
#define anom_fft_run portable_fft_run
#define anom_filterbank_run portable_filterbank_run
#define anom_energy_add portable_energy_add
#define anom_energy_total portable_energy_total
#define anom_energy_log2 portable_energy_log2
#define anom_levels_floored portable_levels_floored
#define ANOM_LOG2_TABLE_Q15 portable_log2_table_q15
#define anom_levels_run portable_levels_run
#define anom_levels_limited portable_levels_limited

#include "anom_fft.c"

#include "anom_energy.c"
#include "anom_filterbank.c"
#include "anom_fixed.c"
#include "anom_levels.c"
