/* Context: the model's input from the last feature frames, stacked or summarised. */
#include "anom_context.h"

#include <stddef.h>

#include "anom_copy.h"
#include "anom_wipe.h"

/* Bytes of the frames that are kept between two pushes: one less than the context has. */
static size_t history_bytes(const anom_context *context)
{
    return (size_t)(context->plan->frames - 1) * (size_t)context->n_features;
}

/* One statistic of a feature over the history and the frame that follows it, before normalisation; no division.
 *   j        index of the feature, 0 to n_features - 1
 *   name     ANOM_STATISTIC_...: of F frames the mean is given as their sum, -128 F to 127 F, and the deviation as
 *            the sum of |F x - sum|, 0 to 255 F F, which is below 2**24 */
static int32_t statistic_of(const anom_context *context, const int8_t *features, int32_t j, uint8_t name)
{
    int32_t frames = context->plan->frames;
    int32_t n = context->n_features;
    const int8_t *column = context->history + j;
    int32_t last = features[j];
    int32_t total = last;
    int32_t largest = last;
    int32_t smallest = last;
    for (int32_t i = 0; i < frames - 1; i++) {
        int32_t x = column[i * n];
        total += x;
        largest = x > largest ? x : largest;
        smallest = x < smallest ? x : smallest;
    }
    if (name == ANOM_STATISTIC_MEAN) return total;
    if (name == ANOM_STATISTIC_MAX) return largest;
    if (name == ANOM_STATISTIC_MIN) return smallest;
    int32_t deviation = 0; /* ANOM_STATISTIC_DEVIATION: no other is left */
    for (int32_t i = 0; i < frames; i++) {
        int32_t from_mean = frames * (i < frames - 1 ? column[i * n] : last) - total;
        deviation += from_mean < 0 ? -from_mean : from_mean;
    }
    return deviation;
}

/* An input that is made of statistics: of all features the first statistic, then of all features the next. */
static void summarise(const anom_context *context, const int8_t *features, int8_t *inputs)
{
    const anom_context_plan *plan = context->plan;
    int32_t n = context->n_features;
    for (int32_t i = 0; i < plan->n_statistics; i++) {
        for (int32_t j = 0; j < n; j++) {
            int32_t value = statistic_of(context, features, j, plan->statistics[i]);
            inputs[i * n + j] = anom_affine_run(&plan->normalisation, i * n + j, value);
        }
    }
}

/* An input that is made of whole frames, the oldest first. */
static void stack(const anom_context *context, const int8_t *features, int8_t *inputs)
{
    anom_copy(inputs, context->history, history_bytes(context));
    anom_copy(inputs + history_bytes(context), features, (size_t)context->n_features);
}

/* The oldest frame goes, the new one comes. */
static void shift(const anom_context *context, const int8_t *features)
{
    size_t n = (size_t)context->n_features;
    size_t size = history_bytes(context);
    if (size == 0) return;
    anom_copy(context->history, context->history + n, size - n);
    anom_copy(context->history + size - n, features, n);
}

int32_t anom_context_n_inputs(const anom_context_plan *plan, int32_t n_features)
{
    return n_features * (plan->n_statistics > 0 ? plan->n_statistics : plan->frames);
}

void anom_context_init(anom_context *context, const anom_context_plan *plan, int32_t n_features, int8_t *history)
{
    context->plan = plan;
    context->n_features = n_features;
    context->history = history;
    anom_context_restart(context);
}

int32_t anom_context_push(anom_context *context, const int8_t *features, int8_t *inputs)
{
    context->wait = (uint16_t)(context->wait - 1);
    int32_t complete = context->wait == 0;
    if (complete) {
        context->wait = (uint16_t)context->plan->stride;
        context->has_given = 1;
        if (context->plan->n_statistics > 0)
            summarise(context, features, inputs);
        else
            stack(context, features, inputs);
    }
    shift(context, features);
    return complete;
}

void anom_context_restart(anom_context *context)
{
    anom_wipe(context->history, history_bytes(context));
    context->wait = (uint16_t)context->plan->frames;
    context->has_given = 0;
}
