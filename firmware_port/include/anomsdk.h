/* anomsdk: watch without recording. Sensor blocks go in, alerts of 16 bytes come out.
 *
 * A pipeline runs a plan: constant data that `anomsdk emit-c` writes, with every table and weight in it. It lives in
 * memory that you own and never allocates. The integers are those of the Python package, see docs/spec.md.
 *
 *     #include "anomsdk.h"
 *     #include "anom_plan_room.h"
 *
 *     static ANOM_MEM(ANOM_PLAN_ROOM_BYTES) memory;
 *     anom_pipeline *pipeline;
 *     if (anom_pipeline_init(&pipeline, &memory, sizeof memory, &anom_plan_room) < 0) return 1;
 *     for (;;) {
 *         const int16_t *p = block;
 *         int32_t n = microphone_read(block, 160);
 *         while (n > 0) {
 *             int32_t taken = anom_pipeline_push(pipeline, p, n);
 *             p += taken * ANOM_PLAN_ROOM_COLUMNS;
 *             n -= taken;
 *             anom_result result;
 *             while (anom_pipeline_poll(pipeline, &result) > 0)
 *                 for (int32_t i = 0; i < result.n_events; i++)
 *                     radio_send(result.events[i].bytes, ANOM_EVENT_BYTES);
 *         }
 *     }
 *
 * Words
 *   sample    one instant: `columns` values of int16 (1 for audio, a row of features for the external extractor)
 *   hop       one window of samples          tick   one run of the model: one result
 *
 * Rules
 *   Argument order is state, then what goes in, then what comes out.
 *   Functions that can fail return a negative ANOM_ERROR_*: `anom_pipeline_init`, `anom_selftest`, the inputs of an
 *   alarm, health or ladder section, which check their argument and the plan, and `anom_pipeline_save`,
 *   `anom_pipeline_restore` and `anom_pipeline_export`. Nothing else is checked: pointers must stay valid, and a
 *   pipeline must have been initialised.
 *   Not reentrant: one context at a time pushes and polls a pipeline. Several pipelines, of one plan or of many, may
 *   run side by side. push only copies, and so may be short enough for an interrupt; poll does the work of one hop.
 *   Nothing uses a heap, floating point, a clock, input or output, recursion, or a variable that is not yours.
 *
 * What is kept
 *   Samples: at most one window, until the hop that no longer needs them is done. Features: at most the context.
 *   A plan with a health section also keeps the last sample, and lowest, highest, sum and mean of each column.
 *   Scratch and stack are wiped after every hop, and `anom_pipeline_reset` wipes everything. The blocks that you
 *   push are yours to wipe, DMA buffers too. On a Cortex-M no register but r0 holds anything of the signal when a
 *   push, poll, gap, reset, save or restore returns; on other processors registers may, until the next call.
 */
#ifndef ANOMSDK_H
#define ANOMSDK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ANOM_VERSION "0.1.0"
#define ANOM_EVENT_BYTES 16
#define ANOM_EVENT_COMPACT_BYTES 11
#define ANOM_DIARY_COLUMNS 8 /* most columns of a row of a diary */
#define ANOM_ROW_BYTES 20     /* a row of a diary for a radio */
#define ANOM_DOWNLINK_BYTES 3
#define ANOM_MAX_EVENTS 1   /* a result */
#define ANOM_DIGEST_BYTES 32
#define ANOM_RECORD_BYTES 136 /* what outlives a reset, of a plan without a ladder section and without days */

#define ANOM_ERROR_NULL (-1)      /* a pointer is NULL */
#define ANOM_ERROR_ALIGNMENT (-2) /* the memory is not aligned as a uint64_t: declare it with ANOM_MEM */
#define ANOM_ERROR_MEMORY (-3)    /* the memory is smaller than the plan's ANOM_PLAN_..._BYTES */
#define ANOM_ERROR_FORMAT (-4)    /* the plan is of another version of these sources, or compiled with other flags */
#define ANOM_ERROR_SELFTEST (-5)  /* this build computes other integers than the plan's digest says */
#define ANOM_ERROR_SECTION (-6)   /* the plan has no alarm, health or ladder section, which the input needs */
#define ANOM_ERROR_RANGE (-7)     /* an argument is out of its range */
#define ANOM_ERROR_RECORD (-8)    /* a record, export or downlink is torn, or of another version, score_id or plan */

/* What a buzzer and a lamp should do now: bits of anom_pipeline_annunciation. */
#define ANOM_ANNUNCIATE_SOUND 1     /* an alarm is unacknowledged and not silenced */
#define ANOM_ANNUNCIATE_PREALARM 2  /* the wearer's cancel window is open, and not silenced */
#define ANOM_ANNUNCIATE_LIGHT 4     /* an alarm or a prealarm stands; silence does not put it out */
#define ANOM_ANNUNCIATE_FAULT 8     /* a technical condition other than warm-up is active; nothing mutes it */
#define ANOM_ANNUNCIATE_ESCALATED 16 /* the alarm has escalated and is unacknowledged */
#define ANOM_ANNUNCIATE_TEST 32     /* a test is on */
#define ANOM_ANNUNCIATE_SILENCED 64
#define ANOM_ANNUNCIATE_OUT_OF_SERVICE 128

/* Bytes of a pipeline besides its buffers: of every plan, of one with an alarm, a health or a ladder section, of a
 * health section, and of a ladder section. Generated ANOM_PLAN_..._BYTES and _RECORD_BYTES build on them. */
#define ANOM_PIPELINE_BYTES (40 + 18 * sizeof(void *))
#define ANOM_ALARM_BYTES (48 + 2 * sizeof(void *))
#define ANOM_HEALTH_BYTES(columns) (56 + 2 * sizeof(void *) + 16 * (columns))
#define ANOM_LADDER_BYTES(rungs) (32 + 17 * (rungs)) /* in a record; in memory 8 more, up to a multiple of 8 */
#define ANOM_EXPORT_BYTES(rungs) (44 + 12 * (rungs)) /* of anom_pipeline_export */

/* Memory for a pipeline, aligned. */
#define ANOM_MEM(bytes) union { uint64_t align; uint8_t memory[bytes]; }

typedef struct anom_plan anom_plan;         /* constant: anom_plan_<name>.h declares yours */
typedef struct anom_pipeline anom_pipeline; /* lies in your memory */

/* An event, which is all that may leave the device: 16 bytes, little-endian, described in docs/spec.md. */
typedef struct anom_event {
    uint8_t bytes[ANOM_EVENT_BYTES];
} anom_event;

/* Write the compact form of an event, for radios that carry less than 16 bytes. ANOM_EVENT_COMPACT_BYTES.
 *   compact  11 bytes, described in docs/spec.md; it must not overlap the event */
int32_t anom_event_compact(const anom_event *event, uint8_t compact[ANOM_EVENT_COMPACT_BYTES]);

/* One tick, or one event without a tick. */
typedef struct anom_result {
    uint32_t hop;   /* index of the tick's last hop, modulo 2**32; without a tick, of the hop that was being filled */
    uint32_t score; /* reconstruction error above the baseline, high = anomalous; 0 without a tick */
    int32_t n_events;
    anom_event events[ANOM_MAX_EVENTS];
} anom_result;

/* Bytes that a plan needs: its generated ANOM_PLAN_..._BYTES, for those who choose plans at run time. */
size_t anom_pipeline_bytes(const anom_plan *plan);

/* Begin. 0, or a negative ANOM_ERROR_*; then *pipeline is NULL.
 *   memory   size bytes, aligned as a uint64_t; they need not be 0 */
int32_t anom_pipeline_init(anom_pipeline **pipeline, void *memory, size_t size, const anom_plan *plan);

/* Take samples until the window is full. How many of the n were taken: fewer is no error, poll and push the rest.
 *   block    n samples of `columns` values, one after the other; only read */
int32_t anom_pipeline_push(anom_pipeline *pipeline, const int16_t *block, int32_t n);

/* Run the window if it is full. 1: *result holds a tick, 2: it holds one event without a tick, which only plans with an
 * alarm, a health or a ladder section have, 0: more samples are needed. */
int32_t anom_pipeline_poll(anom_pipeline *pipeline, anom_result *result);

/* Take a row of the diary, after each poll: it sums the ticks of a slot. A row that is not taken before the next slot
 * ends becomes a missing one. Number of columns; 0: none is finished, or the plan has no diary.
 *   row      room for ANOM_DIARY_COLUMNS; -32768: missing */
int32_t anom_pipeline_poll_row(anom_pipeline *pipeline, int16_t *row);

/* Write a row of the diary for a radio. ANOM_ROW_BYTES; 0: the plan has no diary.
 *   slot     number of the row since the start, which the caller counts; taken modulo 2**16
 *   row      as anom_pipeline_poll_row gave it
 *   bytes    20 bytes, described in docs/spec.md; they must not overlap the row */
int32_t anom_pipeline_encode_row(const anom_pipeline *pipeline, uint32_t slot, const int16_t *row,
                                 uint8_t bytes[ANOM_ROW_BYTES]);

/* Inputs from outside, for plans with an alarm, a health or a ladder section. Each takes effect after the last sample
 * pushed and before the next: it waits for the next poll, and until then push takes no sample. Up to three inputs wait,
 * of which one may be a silence, a missing, a clock, a calibrate, a set_level or a downlink.
 * 1: taken, 0: not taken, poll until 0 and try again, or ANOM_ERROR_SECTION or ANOM_ERROR_RANGE: nothing was done. */

/* Acknowledge the alarm; without an unacknowledged alarm it changes nothing. */
int32_t anom_pipeline_acknowledge(anom_pipeline *pipeline);

/* Mute the annunciation of alarms for some ticks, 1 to 2**31 - 1; 0 ends a silence. Events go on. */
int32_t anom_pipeline_silence(anom_pipeline *pipeline, uint32_t ticks);

/* Cancel a prealarm, as its wearer does; in any other state it changes nothing. */
int32_t anom_pipeline_cancel(anom_pipeline *pipeline);

/* Take the pipeline out of service (1), or back in (0). */
int32_t anom_pipeline_out_of_service(anom_pipeline *pipeline, int32_t on);

/* Send a test event and annunciate a test. */
int32_t anom_pipeline_test(anom_pipeline *pipeline);

/* Say that the supply is low (1), or well again (0). Needs a health section, as do the three that follow. */
int32_t anom_pipeline_supply(anom_pipeline *pipeline, int32_t low);

/* Say that a self-test of the device has failed (1), or passed (0). */
int32_t anom_pipeline_self_test(anom_pipeline *pipeline, int32_t failed);

/* Say that no sample came for `ms` more milliseconds, as from an unplugged sensor. Time goes on as by a gap. */
int32_t anom_pipeline_missing(anom_pipeline *pipeline, uint32_t ms);

/* Tell the time of a clock of your own in milliseconds, modulo 2**32, now and then: it checks the sample rate. */
int32_t anom_pipeline_clock(anom_pipeline *pipeline, uint32_t ms);

/* Take the lowest alarm level that keeps a budget, as the ladder has certified it. The walk begins at the highest rung
 * and ends at the first one that does not keep the budget. A level that runs under the same budget is lowered, never
 * raised, and stays certified until its promise is broken; if no rung keeps another budget, the level stays. A level
 * event says what came of it. Needs a ladder section; who may call it is up to you.
 *   budget   index of a budget in the ladder section, from 0 */
int32_t anom_pipeline_calibrate(anom_pipeline *pipeline, uint32_t budget);

/* Put an alarm level in force: 0 for the plan's own, else a rung by its number from 1, the lowest. No budget runs after
 * that. A level event follows. Needs a ladder section; who may call it is up to you. */
int32_t anom_pipeline_set_level(anom_pipeline *pipeline, uint32_t level);

/* Put the alarm level of a downlink in force, as anom_pipeline_set_level does, if the downlink is for this plan.
 * 1, 0, ANOM_ERROR_SECTION or ANOM_ERROR_RANGE as above, or ANOM_ERROR_RECORD: n is not ANOM_DOWNLINK_BYTES, or the
 * downlink is for another plan. Who sent it is not asked: check that first.
 *   bytes    n bytes of any content and alignment; NULL: refused */
int32_t anom_pipeline_downlink(anom_pipeline *pipeline, const uint8_t *bytes, size_t n);

/* Tag of the alarm level in force: 0 for the plan's own, else a rung by its number from 1; 0 without a ladder section.
 * The same plan id and level tag mean the same alarms. */
uint32_t anom_pipeline_level(const anom_pipeline *pipeline);

/* What a buzzer and a lamp should do now, bits of ANOM_ANNUNCIATE_*; 0 for plans without an alarm, a health and a
 * ladder section. An input counts from the poll that takes it. */
uint32_t anom_pipeline_annunciation(const anom_pipeline *pipeline);

/* Health byte as in an event, see docs/spec.md; 0 for plans without a health section. */
uint32_t anom_pipeline_health(const anom_pipeline *pipeline);

/* Say that n samples did not come, 0 to 2**31 - 1: they were lost, or the device slept. Time goes on, no result spans
 * the gap; a window that is full but was not polled is lost with it. With an alarm, a health or a ladder section the
 * gap waits for the next poll, behind the inputs that wait; gaps that wait together are one gap of up to 2**31 - 1
 * samples, and no other input is taken while one waits.
 * Under a plan with a duty a gap is a declared pause if a tick came since the last gap or pause, and n is at least half
 * of the pause that the duty leaves, and at most that pause and a 16th of the period. Across a declared pause the
 * counts of an alarm stay as they are, and nothing counts as lost. */
void anom_pipeline_gap(anom_pipeline *pipeline, int32_t n);

/* Write what must outlive a reset or a power cut: the state of the alarm, its counts and scores, the baseline,
 * technical conditions, the count of hops and events, and the counts of a ladder. No sample, no feature, and no mean or
 * extreme of samples is in it, but for a plan of days, whose record has the own profile and the rows of the last 24
 * hours: averages of one animal's or person's days over weeks, the totals of the last 14, and one day hour by hour.
 * anom_pipeline_record_bytes(plan), or 0: not written, as an input, a gap or the rest of a hop waits: poll until 0 and
 * try again; or ANOM_ERROR_NULL or ANOM_ERROR_MEMORY.
 *   record   size bytes, at least anom_pipeline_record_bytes(plan), of any alignment */
int32_t anom_pipeline_save(const anom_pipeline *pipeline, void *record, size_t size);

/* Bytes of a record under a plan: its generated ANOM_PLAN_..._RECORD_BYTES, for those who choose plans at run time;
 * ANOM_RECORD_BYTES without a ladder section, ANOM_LADDER_BYTES(rungs) more with one, and with days of S slots and n
 * judged columns 30 + S + n (30 + 6 S) more. */
size_t anom_pipeline_record_bytes(const anom_plan *plan);

/* Wipe everything and begin with a record that anom_pipeline_save wrote, under this plan or one with its score_id, in
 * any memory. Then say by anom_pipeline_gap how long the device was off. Event numbers leave out 1,024, so that a
 * receiver sees none twice: save again at once, as the same record restored twice gives the same numbers twice.
 * 0, or ANOM_ERROR_RECORD: the record was refused, and the pipeline has begun anew. Either way a restart event is due,
 * for plans with an alarm, a health or a ladder section. A CRC tells a torn record, not a forged one.
 *   record   size bytes, of any content and alignment; NULL: refused */
int32_t anom_pipeline_restore(anom_pipeline *pipeline, const void *record, size_t size);

/* Write the counts of the ladder over a period of service; no signal is in it, and nothing is cleared. Save the record
 * and store it before an export leaves the device: a ladder that is restored from an older one counts some time a
 * second time, under ticks that were exported already.
 * ANOM_EXPORT_BYTES(rungs), or ANOM_ERROR_NULL, ANOM_ERROR_MEMORY, ANOM_ERROR_SECTION, ANOM_ERROR_RANGE: boot is 0, or
 * ANOM_ERROR_RECORD: `since` is torn, is not from the ladder's first tick on, is of another ladder, or is a later one.
 *   device   number of the device, of your choice
 *   boot     how often the device has begun anew, from 1: the ladder keeps the number that it was given first
 *   since    earlier export of this ladder from its first tick on, whose end begins the period; NULL: the first tick
 *   counts   size bytes, at least ANOM_EXPORT_BYTES(rungs), of any alignment; it must not overlap `since` */
int32_t anom_pipeline_export(anom_pipeline *pipeline, uint64_t device, uint16_t boot, const void *since, void *counts,
                             size_t size);

/* Wipe everything and begin anew, as after init. */
void anom_pipeline_reset(anom_pipeline *pipeline);

/* Run the golden stream in memory of at least anom_pipeline_bytes(plan), and compare what comes out with the digest
 * that `anomsdk verify` prints. 0, or a negative ANOM_ERROR_*. The memory is wiped. */
int32_t anom_selftest(void *memory, size_t size, const anom_plan *plan, const uint8_t digest[ANOM_DIGEST_BYTES]);

#ifdef ANOM_TAP
/* Poll as anom_pipeline_poll does, and copy the model's inputs of a tick. Only for a bench: a history of features is a
 * recording. */
int32_t anom_pipeline_poll_tapped(anom_pipeline *pipeline, anom_result *result, int8_t *inputs);
#endif

#ifdef __cplusplus
}
#endif
#endif
