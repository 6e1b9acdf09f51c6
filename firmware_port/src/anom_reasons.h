/* Reasons: which groups of features were most unusual at the tick that raised the alarm. */
#ifndef ANOM_REASONS_H
#define ANOM_REASONS_H

#include <stdint.h>

#include "anom_score.h"

#define ANOM_REASONS 3
#define ANOM_REASONS_MAX_GROUPS 16

/* Groups of the model's inputs. A code and a direction are one byte: code | direction << 6. */
typedef struct anom_reasons_plan {
    const uint8_t *groups; /* n values, bits 0 to 3: the input's group; 4, 5: its direction above; 6, 7: below */
    const uint8_t *codes;  /* n_groups values, 1 to 63 */
    const int32_t *gain;   /* n_groups values, 1 to 2**30 */
    int32_t n_groups;      /* 1 to 16 */
} anom_reasons_plan;

/* Reasons of a tick: the groups of the largest products of residual and gain, ties to the first.
 *   inputs, outputs  n values of the model
 *   reasons          ANOM_REASONS bytes, the most unusual first; 0 where no other group has a residual */
void anom_reasons_run(const anom_reasons_plan *plan, const anom_score_plan *score, const int8_t *inputs,
                      const int8_t *outputs, int32_t n, uint8_t *reasons);

#endif
