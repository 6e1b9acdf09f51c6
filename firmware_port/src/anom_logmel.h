/* logmel: one frame of log-mel energies a hop, the front end of MLPerf Tiny and DCASE. */
#ifndef ANOM_LOGMEL_H
#define ANOM_LOGMEL_H

#include "anom_extractor.h"
#include "anom_filterbank.h"
#include "anom_levels.h"

/* Tables of the log-mel extractor. */
typedef struct anom_logmel_plan {
    anom_fft_plan fft;
    anom_filterbank_plan filterbank;
    anom_limits_plan limits;
    anom_affine_plan normalisation;
} anom_logmel_plan;

/* Log-mel levels of windows: q10 of log2 of librosa's power of x / 32768 (1024 is 3.01 dB). */
extern const anom_extractor_type anom_logmel;

#endif
