#include "anom_framer.h"

typedef struct {
    uint32_t hop;
    const int16_t *samples;
} framer_window;

typedef struct {
    int32_t operation;
    int32_t n;
    const int16_t *samples;
    int32_t n_windows;
    const framer_window *windows;
    uint32_t next_hop;
    uint32_t lost;
} framer_step;

typedef struct {
    anom_framer_plan plan;
    int32_t columns;
    int32_t n_steps;
    const framer_step *steps;
} framer_case;

static int32_t framer_pushed(anom_framer *framer, const framer_step *step)
{
    size_t size = (size_t)(framer->plan->window * framer->columns) * sizeof(int16_t);
    const int16_t *block = step->samples;
    int32_t n = step->n;
    int32_t given = 0;
    do {
        int32_t taken = anom_framer_push(framer, block, n);
        if (taken < 0 || taken > n) return 0;
        block += taken * framer->columns;
        n -= taken;
        const int16_t *window = anom_framer_window(framer);
        if (window == NULL) break;
        if (given == step->n_windows) return 0;
        const framer_window *expected = &step->windows[given++];
        if (framer->next_hop != expected->hop || !vectors_same(window, expected->samples, size)) return 0;
        anom_framer_discard(framer);
    } while (n > 0);
    return n == 0 && given == step->n_windows;
}

static int32_t framer_holds(anom_framer *framer, const framer_step *step)
{
    switch (step->operation) {
    case 0: return framer_pushed(framer, step);
    case 1: return anom_framer_gap(framer, step->n) == step->lost;
    case 3:
        anom_framer_wipe(framer);
        return anom_framer_resume(framer, step->next_hop, step->n) == step->lost;
    default: anom_framer_wipe(framer); return 1;
    }
}

static int32_t run_framer(const framer_case *c)
{
    int16_t *samples = vectors_room((size_t)(c->plan.window * c->columns) * sizeof(int16_t));
    anom_framer framer;
    if (samples == NULL) return 0;
    anom_framer_init(&framer, &c->plan, c->columns, samples);
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!framer_holds(&framer, &c->steps[i])) return 0;
    return 1;
}
