#include "anom_supervisor.h"

typedef struct {
    int32_t operation;
    uint32_t n; /* pairs of scores, ticks of a pause, a promise, a level tag, or 1: releveled */
    const uint32_t *scores; /* a score, and how often it comes */
    const uint8_t *given;   /* a state that is restored */
    const uint8_t *state;   /* after the step */
} ladder_step;

typedef struct {
    anom_ladder_plan plan;
    anom_timing_plan timing;
    int32_t n_steps;
    const ladder_step *steps;
} ladder_case;

static int32_t ladder_does(anom_ladder *ladder, const ladder_case *c, const ladder_step *step)
{
    switch (step->operation) {
    case 0:
        for (uint32_t i = 0; i < step->n; i++)
            for (uint32_t k = 0; k < step->scores[2 * i + 1]; k++)
                (void)anom_ladder_step(ladder, &c->plan, &c->timing, step->scores[2 * i]);
        return 1;
    case 1: anom_ladder_gap(ladder, &c->plan); return 1;
    case 2: anom_ladder_pause(ladder, &c->plan, step->n); return 1;
    case 3: anom_ladder_stop(ladder, &c->plan); return 1;
    case 4: anom_ladder_reset(ladder, &c->plan); return 1;
    case 5: anom_ladder_calibrate(ladder, &c->plan, step->n); return 1;
    case 6: anom_ladder_set_level(ladder, &c->plan, step->n); return 1;
    case 7: (void)anom_ladder_take_news(ladder); return 1;
    default:
        return anom_ladder_restore(ladder, &c->plan, &c->timing, step->given, step->given[26], (int32_t)step->n);
    }
}

static int32_t run_ladder(const ladder_case *c)
{
    const size_t size = anom_ladder_bytes(&c->plan);
    anom_ladder *ladder = vectors_room(sizeof *ladder + 17 * (size_t)c->plan.n_rungs);
    uint8_t *part = vectors_room(size);
    if (ladder == NULL || part == NULL) return 0;
    anom_ladder_reset(ladder, &c->plan);
    for (int32_t i = 0; i < c->n_steps; i++) {
        if (!ladder_does(ladder, c, &c->steps[i])) return 0;
        anom_ladder_save(ladder, &c->plan, part);
        if (!vectors_same(part, c->steps[i].state, size)) return 0;
    }
    return 1;
}
