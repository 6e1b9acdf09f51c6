/* Search of memory for many known rows of elements at once, for hosts. */
#ifndef ANOM_SCAN_H
#define ANOM_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define ANOM_SCAN_MOST_RUNS 1048576
#define ANOM_SCAN_MOST_ALIKE 16

/* A row of elements that is searched for.
 *
 * Its keys are 4 elements in a row, or 8 if an element is one byte. A key that begins with 8 bytes of 0, or has fewer
 * than 3 different elements (4 of 8), carries too little evidence: it is left out, and so is one that was taken
 * ANOM_SCAN_MOST_ALIKE times in this row. A run that holds none of the keys that were taken is not found. */
typedef struct anom_scan_needle {
    const uint8_t *data;    /* elements, one after the other; kept by the caller until the scan is freed */
    uint32_t elements;      /* 0 to 2**31 - 1 */
    uint32_t element_bytes; /* 1, 2, 4 or 8 */
    uint32_t minimum;       /* elements of the shortest run that is reported, at least those of a key */
} anom_scan_needle;

/* Elements in a row that stand in memory. It cannot be extended at either end. */
typedef struct anom_scan_run {
    uint64_t offset; /* of its first byte in memory */
    uint32_t needle;
    uint32_t first; /* index of its first element in the needle */
    uint32_t length; /* elements */
    uint32_t unused;
} anom_scan_run;

typedef struct anom_scan anom_scan;

/* Prepare the search for n needles. NULL: too little memory, or a needle out of range. */
anom_scan *anom_scan_new(const anom_scan_needle *needles, uint32_t n);

void anom_scan_free(anom_scan *scan);

/* Keys of a needle that were left out. */
uint64_t anom_scan_left_out(const anom_scan *scan, uint32_t needle);

/* Find the runs of all needles that begin at any byte of a memory; what was found before is forgotten.
 * Returns 0; 1: there are more than ANOM_SCAN_MOST_RUNS, or there was too little memory for them. */
int32_t anom_scan_search(anom_scan *scan, const uint8_t *memory, uint64_t bytes);

/* Runs of the last search, and their number. */
const anom_scan_run *anom_scan_runs(const anom_scan *scan);
uint64_t anom_scan_n_runs(const anom_scan *scan);

#endif
