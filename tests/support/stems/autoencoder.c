#include "anom_autoencoder.h"

typedef struct {
    anom_autoencoder_plan plan;
    int32_t n_rows;
    const int8_t *inputs;
    const int8_t *outputs;
} autoencoder_case;

static int32_t run_autoencoder(const autoencoder_case *c)
{
    int32_t n_in = c->plan.layers[0].n_in;
    int32_t n_out = c->plan.layers[c->plan.n_layers - 1].n_out;
    void *scratch = vectors_room(anom_autoencoder_scratch_bytes(&c->plan));
    int8_t *outputs = vectors_room((size_t)n_out);
    if (scratch == NULL || outputs == NULL) return 0;
    for (int32_t i = 0; i < c->n_rows; i++) {
        anom_autoencoder_run(&c->plan, c->inputs + i * n_in, outputs, scratch);
        if (!vectors_same(outputs, c->outputs + i * n_out, (size_t)n_out)) return 0;
    }
    return 1;
}
