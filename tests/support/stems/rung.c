#include "anom_rung.h"

typedef struct {
    int32_t operation;
    uint32_t value; /* a score, or ticks */
    int32_t change;
    uint8_t in_alarm;
    uint16_t hits;
    uint32_t in_row;
    uint32_t calm;
    uint32_t cooldown;
} rung_step;

typedef struct {
    anom_timing_plan timing;
    anom_level_plan level;
    int32_t cooldown;
    int32_t n_steps;
    const rung_step *steps;
} rung_case;

static int32_t rung_holds(anom_rung *rung, const rung_step *step)
{
    int32_t change = ANOM_CHANGE_NONE;
    switch (step->operation) {
    case 0: change = anom_rung_step(rung, step->value); break;
    case 1: anom_rung_gap(rung, step->value); break;
    case 3: anom_rung_pause(rung, step->value); break;
    default: anom_rung_reset(rung); break;
    }
    return change == step->change && rung->in_alarm == step->in_alarm && rung->hits == step->hits &&
           rung->in_row == step->in_row && rung->calm == step->calm && rung->cooldown == step->cooldown;
}

static int32_t run_rung(const rung_case *c)
{
    anom_rung rung;
    anom_rung_init(&rung, &c->timing, &c->level, c->cooldown);
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!rung_holds(&rung, &c->steps[i])) return 0;
    return 1;
}
