#include "anom_context.h"

typedef struct {
    int32_t operation;
    const int8_t *features;
    const int8_t *inputs; /* NULL: the frame completes no input */
} context_step;

typedef struct {
    anom_context_plan plan;
    int32_t n_features;
    int32_t n_steps;
    const context_step *steps;
} context_case;

static int32_t context_holds(anom_context *context, const context_step *step, int8_t *inputs)
{
    if (step->operation == 1) {
        anom_context_restart(context);
        return 1;
    }
    size_t size = (size_t)anom_context_n_inputs(context->plan, context->n_features);
    if (anom_context_push(context, step->features, inputs) == 0) return step->inputs == NULL;
    return step->inputs != NULL && vectors_same(inputs, step->inputs, size);
}

static int32_t run_context(const context_case *c)
{
    int8_t *history = vectors_room((size_t)((c->plan.frames - 1) * c->n_features));
    int8_t *inputs = vectors_room((size_t)anom_context_n_inputs(&c->plan, c->n_features));
    anom_context context;
    if (history == NULL || inputs == NULL) return 0;
    anom_context_init(&context, &c->plan, c->n_features, history);
    for (int32_t i = 0; i < c->n_steps; i++)
        if (!context_holds(&context, &c->steps[i], inputs)) return 0;
    return 1;
}
