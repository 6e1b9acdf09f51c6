/* Rung: hits of one alarm level, and when it is up. M-of-N, on-delay, off-delay, then cooldown. */
#include "anom_rung.h"

#include "anom_fixed.h"

/* Returns 1 where at least m of the last n scores were hits, this one included, else 0. */
static int32_t votes(anom_rung *rung, uint32_t score)
{
    const anom_timing_plan *timing = rung->timing;
    uint32_t hits = (uint32_t)rung->hits << 1 | (score >= rung->level->raise_score);
    hits &= (1u << timing->n) - 1;
    rung->hits = (uint16_t)hits;
    int32_t count = 0;
    for (; hits; hits &= hits - 1)
        count++;
    return count >= timing->m;
}

void anom_rung_init(anom_rung *rung, const anom_timing_plan *timing, const anom_level_plan *level, int32_t cooldown)
{
    rung->timing = timing;
    rung->level = level;
    rung->cools = cooldown > 0;
    anom_rung_reset(rung);
}

void anom_rung_reset(anom_rung *rung)
{
    rung->in_row = 0;
    rung->calm = 0;
    rung->cooldown = 0;
    rung->hits = 0;
    rung->in_alarm = 0;
}

int32_t anom_rung_step(anom_rung *rung, uint32_t score)
{
    const anom_timing_plan *timing = rung->timing;
    const anom_level_plan *level = rung->level;
    int32_t counts = votes(rung, score);
    if (rung->in_alarm) counts = score < level->clear_score;
    rung->in_row = counts ? anom_saturating_add(rung->in_row, 1) : 0;
    if (rung->in_alarm) {
        uint32_t short_of_clear = (uint32_t)timing->clear_after - 1; /* off: 2**32 - 1, which is never exceeded */
        rung->calm = counts ? anom_saturating_add(rung->calm, 1) : 0;
        if (rung->in_row <= (uint32_t)timing->off_delay && rung->calm <= short_of_clear) return ANOM_CHANGE_NONE;
        anom_rung_clear(rung);
        return ANOM_CHANGE_CLEARED;
    }
    int32_t held_back = rung->cooldown > 0;
    if (held_back) rung->cooldown -= 1;
    int32_t high = level->high_score > 0 && score >= level->high_score;
    if (!high && (rung->in_row <= (uint32_t)timing->on_delay || held_back)) return ANOM_CHANGE_NONE;
    rung->in_row = 0;
    rung->calm = 0;
    rung->in_alarm = 1;
    return high ? ANOM_CHANGE_RAISED_HIGH : ANOM_CHANGE_RAISED;
}

void anom_rung_clear(anom_rung *rung)
{
    rung->cooldown = rung->cools ? (uint32_t)rung->timing->cooldown : 0;
    rung->hits = 0;
    rung->in_row = 0;
    rung->calm = 0;
    rung->in_alarm = 0;
}

void anom_rung_relevel(anom_rung *rung, const anom_level_plan *level)
{
    rung->level = level;
    rung->hits = 0;
    rung->in_row = 0;
    rung->calm = 0;
}

/* Let the cooldown run on. */
static void cool(anom_rung *rung, uint32_t ticks)
{
    rung->cooldown -= rung->cooldown < ticks ? rung->cooldown : ticks;
}

void anom_rung_gap(anom_rung *rung, uint32_t lost_ticks)
{
    rung->hits = 0;
    rung->in_row = 0;
    cool(rung, lost_ticks);
}

void anom_rung_pause(anom_rung *rung, uint32_t ticks)
{
    if (rung->calm > 0) rung->calm = anom_saturating_add(rung->calm, ticks);
    cool(rung, ticks);
}
