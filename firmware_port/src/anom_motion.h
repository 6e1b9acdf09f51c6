/* motion: statistics of acceleration, and of rotation beside it, over one window. Each depends on its window only. */
#ifndef ANOM_MOTION_H
#define ANOM_MOTION_H

#include "anom_extractor.h"
#include "anom_spectrum.h"

/* Features, in the order that a frame has them: a value each; three of an axis feature, one a band of the energies. */
#define ANOM_MOTION_MAGNITUDE_MEAN 0x000001
#define ANOM_MOTION_MAGNITUDE_DEVIATION 0x000002
#define ANOM_MOTION_MAGNITUDE_MIN 0x000004
#define ANOM_MOTION_MAGNITUDE_MAX 0x000008
#define ANOM_MOTION_MAGNITUDE_RANGE 0x000010
#define ANOM_MOTION_SMA 0x000020
#define ANOM_MOTION_MEAN_CROSSINGS 0x000040
#define ANOM_MOTION_BAND_ENERGIES 0x000080
#define ANOM_MOTION_DOMINANT_FREQUENCY 0x000100
#define ANOM_MOTION_ODBA 0x000200
#define ANOM_MOTION_VEDBA_MEAN 0x000400
#define ANOM_MOTION_VEDBA_MAX 0x000800
#define ANOM_MOTION_POSTURE_CHANGE 0x001000
#define ANOM_MOTION_AXIS_MEAN 0x002000
#define ANOM_MOTION_AXIS_DEVIATION 0x004000
#define ANOM_MOTION_AXIS_RANGE 0x008000
#define ANOM_MOTION_JERK_MEAN 0x010000
#define ANOM_MOTION_JERK_MAX 0x020000
#define ANOM_MOTION_ROTATION_MEAN 0x040000
#define ANOM_MOTION_ROTATION_DEVIATION 0x080000
#define ANOM_MOTION_ROTATION_MAX 0x100000
#define ANOM_MOTION_ROTATION_AXIS_DEVIATION 0x200000

/* Features to compute from a window, and the units of its samples. */
typedef struct anom_motion_plan {
    int32_t axes;            /* 3 or 6 */
    int32_t window;          /* samples, 4 to 1024 */
    int32_t gravity;         /* samples of the running mean, 2 to window */
    int32_t window_q31;      /* 1 / window */
    int32_t gravity_q31;     /* 1 / gravity */
    int32_t window_log2_q10; /* log2(window) */
    int32_t jerk_log2_q10;   /* log2(window - 1) */
    int32_t floor;           /* counts of acceleration that are none, 1 to 32767 */
    int32_t rotation_floor;  /* counts of rotation that are none, 1 to 32767 */
    uint32_t features;       /* ANOM_MOTION_... together; those of rotation take 6 axes */
    anom_spectrum_plan spectrum;
    anom_affine_plan normalisation;
    int32_t n_features; /* width of a frame */
    anom_spectrum_function *transform; /* anom_spectrum_run; NULL, and not linked, where no feature needs it */
} anom_motion_plan;

/* Levels of windows, as the plan selects them: log2 in q10, or counts. */
extern const anom_extractor_type anom_motion;

#endif
