#include "anom_supervisor.h"

typedef struct {
    int32_t step;
    int32_t n;
    const int16_t *samples;
    int32_t operation;
    uint32_t number;
    uint32_t lost_ticks;
    uint32_t samples_so_far;
    uint32_t hop;
    uint32_t annunciation;
    uint32_t health;
    int32_t voids;
    int32_t n_events;
    const uint8_t *events; /* 16 bytes each; NULL: none */
} supervisor_step;

typedef struct {
    const anom_supervisor_plan *plan;
    anom_timing_plan timing;
    anom_level_plan level;
    int32_t columns; /* 0: without health */
    int32_t rungs;   /* 0: without a ladder */
    uint16_t tag;
    uint16_t sequence;
    int32_t n_steps;
    const supervisor_step *steps;
} supervisor_case;

/* 1: the event is the next one that is expected. */
static int32_t supervisor_says(const supervisor_step *step, const anom_event *event, int32_t at)
{
    return at < step->n_events &&
           vectors_same(event->bytes, step->events + at * ANOM_EVENT_BYTES, ANOM_EVENT_BYTES);
}

static int32_t supervisor_holds(anom_supervisor *supervisor, const supervisor_step *step,
                                const anom_supervisor_plan *plan)
{
    anom_event event;
    int32_t found = 0;
    int32_t n = 0;
    switch (step->step) {
    case 0: anom_supervisor_hop(supervisor, step->samples, step->n); break;
    case 1:
        found = (plan->ladder ? anom_ladder_judge : anom_supervisor_judge)(&supervisor->alarm.alert, step->number,
                                                                          step->hop, &event);
        break;
    case 2: break;
    case 3: plan->type->gap(supervisor, step->number, step->lost_ticks); break;
    case 6: plan->type->pause(supervisor, step->number, step->lost_ticks); break;
    case 4:
        found = anom_supervisor_operate(supervisor, step->operation, step->number, step->samples_so_far, step->hop,
                                        &event);
        break;
    default: plan->type->reset(supervisor, plan); break;
    }
    if (found && !supervisor_says(step, &event, n++)) return 0;
    if (step->step == 0 || step->step == 2 || step->step == 4)
        while (anom_supervisor_due(supervisor, step->hop, &event))
            if (!supervisor_says(step, &event, n++)) return 0;
    return n == step->n_events && anom_supervisor_annunciation(supervisor) == step->annunciation &&
           anom_supervisor_health(supervisor) == step->health && anom_supervisor_voids(supervisor) == step->voids;
}

static int32_t run_supervisor(const supervisor_case *c)
{
    size_t health = c->columns > 0 ? sizeof(anom_health) + (size_t)c->columns * sizeof(anom_health_column) : 0;
    size_t ladder = c->rungs > 0 ? sizeof(anom_ladder) + 17 * (size_t)c->rungs : 0;
    anom_supervisor *supervisor = vectors_room(sizeof *supervisor + health + ladder);
    if (supervisor == NULL) return 0;
    anom_supervisor_init(supervisor, c->plan, &c->timing, &c->level, c->tag);
    c->plan->type->reset(supervisor, c->plan);
    supervisor->alarm.alert.sequence = c->sequence;
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!supervisor_holds(supervisor, &c->steps[i], c->plan)) return 0;
    return 1;
}
