/* The portable model under another name; the first of so many rounds that fails, or 0. */
#include "anom_autoencoder.h"

void portable_autoencoder_run(const anom_autoencoder_plan *plan, const int8_t *inputs, int8_t *outputs, void *scratch);
size_t portable_autoencoder_scratch_bytes(const anom_autoencoder_plan *plan);
int32_t model_kernels(int32_t rounds);
