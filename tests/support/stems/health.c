#include "anom_health.h"

typedef struct {
    int16_t last;
    uint16_t run;
    int32_t mean_q8;
} health_column;

typedef struct {
    int32_t operation;
    int32_t n;
    const int16_t *samples;
    uint32_t number;
    uint32_t argument;
    uint32_t result;
    uint32_t active;
    uint32_t byte;
    int32_t voids;
    const health_column *columns;
} health_step;

typedef struct {
    const anom_health_plan *plan;
    int32_t columns;
    int32_t n_steps;
    const health_step *steps;
} health_case;

/* Go on as if so many samples in a row had been equal. */
static void health_run_on(anom_health *health, uint32_t run)
{
    anom_health_column *columns = (anom_health_column *)(void *)(health + 1);
    for (int32_t i = 0; i < health->plan->columns; i++)
        columns[i].run = (uint16_t)run;
}

static uint32_t health_give(anom_health *health, const health_step *step)
{
    int32_t code;
    switch (step->operation) {
    case 0: anom_health_look(health, step->samples, step->n); return 0;
    case 1: anom_health_gap(health, step->number); return 0;
    case 2: anom_health_missing(health, step->number); return 0;
    case 3: return anom_health_samples_in(health, step->number);
    case 4: anom_health_clock(health, step->number, step->argument); return 0;
    case 5: anom_health_report(health, (int32_t)step->number, (int32_t)step->argument); return 0;
    case 6:
        code = anom_health_change(health);
        return code ? (uint32_t)code + (health->active >> code & 1u) * 256 : 0;
    case 7: anom_health_reset(health); return 0;
    default: health_run_on(health, step->number); return 0;
    }
}

static int32_t health_columns_are(const anom_health *health, const health_column *expected, int32_t n)
{
    const anom_health_column *found = (const anom_health_column *)(const void *)(health + 1);
    for (int32_t i = 0; i < n; i++)
        if (found[i].last != expected[i].last || found[i].run != expected[i].run ||
            found[i].mean_q8 != expected[i].mean_q8)
            return 0;
    return 1;
}

static int32_t run_health(const health_case *c)
{
    anom_health *health = vectors_room(sizeof *health + (size_t)c->columns * sizeof(anom_health_column));
    if (health == NULL) return 0;
    anom_health_init(health, c->plan);
    for (int32_t i = 0; i < c->n_steps; i++) {
        const health_step *step = &c->steps[i];
        if (health_give(health, step) != step->result || health->active != step->active) return 0;
        if (anom_health_byte(health) != step->byte || anom_health_voids(health) != step->voids) return 0;
        if (!health_columns_are(health, step->columns, c->columns)) return 0;
    }
    return 1;
}
