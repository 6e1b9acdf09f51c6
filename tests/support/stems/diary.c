#include "anom_external.h"
#include "anom_pipeline.h"

typedef struct {
    int32_t operation;
    uint32_t number; /* times, hops or slot */
    uint32_t argument;
    const int16_t *values; /* levels, or a row */
    int32_t n_rows;
    const int16_t *expect;
} diary_step;

typedef struct {
    const anom_diary_plan *plan;
    anom_extractor_plan extractor;
    int32_t n_steps;
    const diary_step *steps;
} diary_case;

static int32_t diary_holds_rows(anom_pipeline *pipeline, const diary_step *step)
{
    int16_t row[ANOM_DIARY_COLUMNS];
    int32_t n = pipeline->plan->diary->n_columns;
    for (int32_t i = 0; i < step->n_rows; i++) {
        if (anom_diary_rows(pipeline, row) != n) return 0;
        if (!vectors_same(row, step->expect + i * n, (size_t)n * sizeof *row)) return 0;
    }
    return anom_diary_rows(pipeline, row) == 0;
}

static int32_t diary_holds_bytes(const anom_diary_plan *plan, const diary_step *step)
{
    uint8_t bytes[ANOM_ROW_BYTES];
    if (anom_diary_encode(plan, step->number, step->values, bytes) != ANOM_ROW_BYTES) return 0;
    for (int32_t i = 0; i < ANOM_ROW_BYTES; i++)
        if (bytes[i] != step->expect[i]) return 0;
    return 1;
}

static int32_t diary_holds(anom_pipeline *pipeline, anom_health *health, const diary_step *step)
{
    switch (step->operation) {
    case 0:
        health->active = (uint16_t)(step->argument << ANOM_CONDITION_STUCK);
        for (uint32_t i = 0; i < step->number; i++)
            if (!anom_diary_hop(pipeline, step->values)) return 0;
        return 1;
    case 1:
        for (uint32_t i = 0; i < step->number; i++)
            anom_diary_tick(pipeline, step->argument);
        return 1;
    case 2: anom_diary_lose(pipeline, step->number, (int32_t)step->argument); return 1;
    case 3: return diary_holds_rows(pipeline, step);
    case 6: return diary_holds_bytes(pipeline->plan->diary, step);
    default: break;
    }
    anom_diary_reset(pipeline);
    pipeline->framer.next_hop = step->number;
    if (step->operation == 4) anom_diary_resume(pipeline);
    return 1;
}

static int32_t run_diary(const diary_case *c)
{
    static const anom_health_plan health_plan;
    anom_supervisor_plan supervised = {.health = &health_plan};
    anom_plan plan = {.extractor = c->extractor, .diary = c->plan, .supervisor = &supervised};
    uint8_t *memory = vectors_room(sizeof(anom_pipeline) + sizeof(anom_supervisor) + sizeof(anom_health));
    uint8_t *diary = vectors_room(ANOM_DIARY_BYTES);
    anom_pipeline *pipeline = (anom_pipeline *)(void *)memory;
    if (memory == NULL || diary == NULL) return 0;
    anom_health *health = (anom_health *)(void *)(anom_pipeline_supervisor(pipeline) + 1);
    health->plan = &health_plan;
    pipeline->plan = &plan;
    pipeline->framer.samples = (int16_t *)(void *)(diary + ANOM_DIARY_BYTES);
    pipeline->features = vectors_room((size_t)c->extractor.n_features);
    void *scratch = vectors_room(c->extractor.type->scratch_bytes(c->extractor.tables));
    if (pipeline->features == NULL || scratch == NULL) return 0;
    anom_extractor_init(&pipeline->extractor, &plan.extractor, diary, scratch);
    anom_diary_reset(pipeline);
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!diary_holds(pipeline, health, &c->steps[i])) return 0;
    return 1;
}
