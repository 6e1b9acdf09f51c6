/* Sources of the C port with a fault each, for an auditor to find: -DFAULT_... chooses. */
#include <string.h>

#include "anom_copy.h"
#include "anom_wipe.h"

#if defined FAULT_SCRATCH /* the extractor forgets its scratch */
#define anom_wipe(memory, size) ((void)(memory), (void)(size))
#include "anom_extractor.c"

#elif defined FAULT_MEMSET /* a compiler leaves out a memset of what is not read again */
#define anom_wipe(memory, size) memset(memory, 0, size)
#include "anom_reasons.c"

#elif defined FAULT_WIPE /* it leaves out all of a wipe that zeroes a copy */
#define anom_wipe anom_wipe_whole
#include "anom_wipe.c"
#undef anom_wipe
void anom_wipe(void *memory, size_t size);
void anom_wipe(void *memory, size_t size)
{
    unsigned char copy[64];
    memcpy(copy, memory, size < sizeof copy ? size : sizeof copy);
    memset(copy, 0, sizeof copy);
}

#elif defined FAULT_PRINT /* somebody looked at the samples, and left that in */
int printf(const char *format, ...);
#define anom_copy(to, from, bytes) (printf("%d\n", ((const int16_t *)(from))[0]), anom_copy(to, from, bytes))
#include "anom_framer.c"

#elif defined FAULT_HEAP /* a copy on the heap */
void *malloc(size_t size);
void free(void *memory);
static int32_t copy_by_heap(void *to, const void *from, size_t bytes)
{
    void *made = malloc(bytes);
    memcpy(made, from, bytes);
    memcpy(to, made, bytes);
    free(made);
    return 0;
}
#define anom_copy(to, from, bytes) copy_by_heap(to, from, bytes)
#include "anom_framer.c"

#elif defined FAULT_HISTORY /* a history of samples in a variable of the framer's own */
unsigned char history[4096];
static size_t newest;
static int32_t copy_and_keep(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        history[newest++ % sizeof history] = ((const unsigned char *)from)[i];
    memmove(to, from, bytes);
    return 0;
}
#define anom_copy(to, from, bytes) copy_and_keep(to, from, bytes)
#include "anom_framer.c"

#elif defined FAULT_RECURSION /* a large block in two halves */
#define anom_framer_push push_of_one
#include "anom_framer.c"
#undef anom_framer_push
int32_t anom_framer_push(anom_framer *framer, const int16_t *block, int32_t n)
{
    int32_t taken = push_of_one(framer, block, n > 64 ? 64 : n);
    if (n <= 64 || taken < 64) return taken;
    return taken + anom_framer_push(framer, block + 64 * framer->columns, n - 64) * (framer->columns > 0);
}
#endif
