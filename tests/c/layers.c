/* The model stage of tests/parity/test_kernels.py: one layer, compiled once for each set of instructions. */
#include "anom_autoencoder.c"

uint32_t run_one_layer(const anom_layer_plan *layer, const int8_t *inputs, int8_t *outputs, void *scratch);
uint32_t layer_scratch_bytes(const anom_layer_plan *layer);

uint32_t run_one_layer(const anom_layer_plan *layer, const int8_t *inputs, int8_t *outputs, void *scratch)
{
    anom_autoencoder_plan plan = {layer, 1, 0};
    anom_autoencoder_run(&plan, inputs, outputs, scratch);
    return 0;
}

uint32_t layer_scratch_bytes(const anom_layer_plan *layer)
{
    anom_autoencoder_plan plan = {layer, 1, 0};
    return (uint32_t)anom_autoencoder_scratch_bytes(&plan);
}
