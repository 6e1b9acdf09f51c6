/* Plan: everything that a pipeline runs, as integers. */
#ifndef ANOM_PLAN_H
#define ANOM_PLAN_H

#include "anom_alert.h"
#include "anom_autoencoder.h"
#include "anom_baseline.h"
#include "anom_context.h"
#include "anom_diary.h"
#include "anom_duty.h"
#include "anom_extractor.h"
#include "anom_framer.h"
#include "anom_reasons.h"
#include "anom_rung.h"
#include "anom_score.h"
#include "anom_supervisor.h"
#include "anomsdk.h"

/* Layout of what follows: emitted plans check it when they are compiled, anom_pipeline_init when they are run. */
#define ANOM_PLAN_FORMAT 8

struct anom_plan {
    uint32_t format;    /* ANOM_PLAN_FORMAT */
    uint32_t plan_size; /* sizeof(anom_plan) */
    anom_framer_plan framer;
    anom_extractor_plan extractor;
    anom_context_plan context;
    anom_autoencoder_plan autoencoder;
    anom_score_plan score;
    anom_baseline_plan baseline;
    anom_timing_plan timing;
    anom_level_plan levels;
    anom_reasons_plan reasons;
    anom_judge *judge;                      /* anom_alert_judge, or anom_supervisor_judge */
    const anom_supervisor_plan *supervisor; /* sections alarm, health and ladder; NULL: none */
    uint32_t supervisor_bytes;              /* its state beyond ANOM_PIPELINE_BYTES, a multiple of 8; 0: none */
    uint32_t record_bytes;                  /* of a record: ANOM_RECORD_BYTES, and ANOM_LADDER_BYTES with a ladder */
    uint32_t learnt_bytes;                  /* of these, what the extractor has learnt, before the CRC */
    const anom_duty_plan *duty;             /* declared pauses; NULL: none */
    const anom_diary_plan *diary;           /* rows of slots; NULL: none */
    uint8_t id[32];
    uint8_t score_tag[8];                   /* first bytes of the score_id */
};

#endif
