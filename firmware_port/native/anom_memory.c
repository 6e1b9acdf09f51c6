/* Memory: blocks that are zeroed before they are freed, and a stack that is zeroed, for hosts. */
#include "anom_memory.h"

#include <stdlib.h>
#include <string.h>

#include "anom_wipe.h"

enum {
    HEAD_BYTES = 64, /* before a block, its size: a cache line, so that blocks are aligned as malloc aligns */
    STACK_BYTES = 65536
};

static void *with_head(void *raw, size_t size)
{
    if (!raw)
        return NULL;
    memcpy(raw, &size, sizeof size);
    return (unsigned char *)raw + HEAD_BYTES;
}

static void *take(void *context, size_t size)
{
    (void)context;
    return size > SIZE_MAX - HEAD_BYTES ? NULL : with_head(malloc(size + HEAD_BYTES), size);
}

static void *take_zeros(void *context, size_t n, size_t size)
{
    (void)context;
    if (size && n > (SIZE_MAX - HEAD_BYTES) / size)
        return NULL;
    return with_head(calloc(1, n * size + HEAD_BYTES), n * size);
}

static void give_back(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size; /* numpy's own count: 1 for an empty array, and none when it does not know */
    if (!memory)
        return;
    unsigned char *raw = (unsigned char *)memory - HEAD_BYTES;
    memcpy(&size, raw, sizeof size);
    anom_wipe(memory, size);
    free(raw);
}

static void *take_again(void *context, void *memory, size_t size)
{
    size_t before = 0;
    void *taken = take(context, size);
    if (taken && memory) {
        memcpy(&before, (unsigned char *)memory - HEAD_BYTES, sizeof before);
        memcpy(taken, memory, before < size ? before : size);
        give_back(context, memory, before);
    }
    return taken;
}

anom_memory_handler *anom_memory_wiping(void)
{
    static anom_memory_handler handler = {"anomsdk_wiping", 1, {NULL, take, take_zeros, take_again, give_back}};
    return &handler;
}

void anom_memory_wipe_stack(void)
{
    unsigned char below[STACK_BYTES];
    anom_wipe(below, sizeof below);
}
