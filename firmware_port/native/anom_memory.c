/* Memory: blocks that are zeroed before they are freed, and leftovers of other code, for hosts. */
#include "anom_memory.h"

#include <stdlib.h>
#include <string.h>

#include "anom_wipe.h"

enum {
    HEAD_BYTES = 64, /* before a block, its size: a cache line, so that blocks are aligned as malloc aligns */
    STACK_BYTES = 65536,
    SMALLEST_BLOCK = 24,
    LARGEST_SMALL_BLOCK = 1032,
    SMALL_BLOCKS = 7
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

#if defined(__x86_64__) && defined(__GNUC__)

__attribute__((target("avx"), noinline)) static void clear_first_registers(void)
{
    __asm__ volatile("vzeroall" : : : "memory");
}

__attribute__((target("avx512f"), noinline)) static void clear_last_registers(void)
{
#define CLEAR(n) "vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
    __asm__ volatile(CLEAR(16) CLEAR(17) CLEAR(18) CLEAR(19) CLEAR(20) CLEAR(21) CLEAR(22) CLEAR(23)
                     CLEAR(24) CLEAR(25) CLEAR(26) CLEAR(27) CLEAR(28) CLEAR(29) CLEAR(30) CLEAR(31)
                     : : : "memory");
#undef CLEAR
}

void anom_memory_clear_registers(void)
{
    if (__builtin_cpu_supports("avx"))
        clear_first_registers();
    if (__builtin_cpu_supports("avx512f"))
        clear_last_registers();
}

#else

void anom_memory_clear_registers(void)
{
}
#endif

/* glibc keeps the last blocks of each small size that a thread has freed, up to 7, as they are. */
static void wipe_small_blocks(void)
{
    for (size_t size = SMALLEST_BLOCK; size <= LARGEST_SMALL_BLOCK; size += 16) {
        void *blocks[SMALL_BLOCKS];
        for (int i = 0; i < SMALL_BLOCKS; i++) {
            blocks[i] = malloc(size);
            if (blocks[i])
                anom_wipe(blocks[i], size);
        }
        for (int i = SMALL_BLOCKS; i-- > 0;)
            free(blocks[i]);
    }
}

void anom_memory_wipe_leftovers(void)
{
    wipe_small_blocks();
    /* The registers come first, and the loop calls nothing that would have to be looked up. */
    anom_memory_clear_registers();
    volatile uint64_t below[STACK_BYTES / 8];
    for (size_t i = 0; i < STACK_BYTES / 8; i++)
        below[i] = 0;
}
