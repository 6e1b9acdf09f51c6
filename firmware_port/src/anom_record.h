/* Record: what a pipeline keeps over a reset or a power cut, in a number of bytes that its plan fixes.
 *
 * It holds counts, levels and the state of the alarm, all little-endian; docs/spec.md has its bytes. No sample, no
 * feature, and no mean or extreme of samples is in it, but for a plan of days, whose record has the own profile
 * and the rows of the last 24 hours. The functions are those of anomsdk.h. */
#ifndef ANOM_RECORD_H
#define ANOM_RECORD_H

#include "anomsdk.h"

#define ANOM_RECORD_VERSION 1
#define ANOM_SEQUENCE_STEP 1024 /* event numbers that a restored pipeline leaves out */

#define ANOM_RECORD_PLAN_TAG 6   /* first byte of the plan's tag in a record */
#define ANOM_RECORD_LEVEL_TAG 16 /* byte of a record */
#define ANOM_RECORD_LADDER 132   /* first byte of the ladder in a record */

/* CRC-32 of n bytes, as zlib and Ethernet have it. */
uint32_t anom_record_crc(const void *bytes, size_t n);

#endif
