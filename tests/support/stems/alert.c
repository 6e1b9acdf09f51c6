#include "anom_alert.h"

typedef struct {
    int32_t operation;
    uint32_t hop;
    uint32_t score;
    uint32_t lost_ticks;
    uint8_t state;
    uint16_t hits;
    uint32_t in_row;
    uint32_t calm;
    uint32_t cooldown;
    const uint8_t *event; /* NULL: none */
} alert_step;

typedef struct {
    anom_timing_plan timing;
    anom_level_plan level;
    uint16_t tag;
    uint16_t sequence;
    int32_t n_steps;
    const alert_step *steps;
} alert_case;

static int32_t alert_state_is(const anom_alert *alert, const alert_step *step)
{
    const anom_rung *rung = &alert->rung;
    int32_t state = rung->in_alarm ? ANOM_STATE_UNACK_ALARM : rung->in_row > 0 ? ANOM_STATE_PENDING : ANOM_STATE_NORMAL;
    return state == step->state && rung->hits == step->hits && rung->in_row == step->in_row &&
           rung->calm == step->calm && rung->cooldown == step->cooldown;
}

static int32_t alert_holds(anom_alert *alert, const alert_step *step)
{
    anom_event event;
    int32_t n_events = 0;
    switch (step->operation) {
    case 0: n_events = anom_alert_step(alert, step->score, step->hop, &event); break;
    case 1: anom_alert_gap(alert, step->lost_ticks); break;
    case 3: anom_rung_pause(&alert->rung, step->lost_ticks); break;
    default: anom_alert_reset(alert); break;
    }
    if (n_events != (step->event != NULL)) return 0;
    return alert_state_is(alert, step) &&
           (n_events == 0 || vectors_same(event.bytes, step->event, ANOM_EVENT_BYTES));
}

static int32_t run_alert(const alert_case *c)
{
    anom_alert alert;
    anom_alert_init(&alert, &c->timing, &c->level, c->tag);
    alert.sequence = c->sequence;
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!alert_holds(&alert, &c->steps[i])) return 0;
    return 1;
}
