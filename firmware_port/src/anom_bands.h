/* bands: band energies summed over band_ms, their peak and crest. */
#ifndef ANOM_BANDS_H
#define ANOM_BANDS_H

#include "anom_extractor.h"
#include "anom_filterbank.h"
#include "anom_levels.h"

/* Tables of the band-energy extractor. */
typedef struct anom_bands_plan {
    anom_fft_plan fft;
    anom_filterbank_plan filterbank;
    anom_limits_plan limits;
    int32_t hops_per_frame; /* 1 to 4096 */
    int32_t mean_q10;       /* -log2(hops_per_frame): a sum over the hops becomes their mean */
    int32_t headroom;       /* n_bands <= 2**headroom */
    anom_affine_plan normalisation;
} anom_bands_plan;

/* Levels of the frames that these windows complete: the bands, then peak and crest. */
extern const anom_extractor_type anom_bands;

#endif
