/* Memory: blocks that are zeroed before they are freed, and leftovers of other code, for hosts. */
#ifndef ANOM_MEMORY_H
#define ANOM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Functions that numpy takes the memory of arrays from. The layout is numpy's PyDataMem_Handler of version 1
 * (NEP 49). */
typedef struct anom_memory_allocator {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t n, size_t size);
    void *(*realloc)(void *context, void *memory, size_t size);
    void (*free)(void *context, void *memory, size_t size);
} anom_memory_allocator;

typedef struct anom_memory_handler {
    char name[127];
    uint8_t version;
    anom_memory_allocator allocator;
} anom_memory_handler;

/* The handler whose blocks are zeroed when they are freed or moved. */
anom_memory_handler *anom_memory_wiping(void);

/* Zero the vector registers: they hold what was moved last, and the loader saves them to the stack when it looks up a
 * function for the first time. Nothing to do but on x86-64. */
void anom_memory_clear_registers(void);

/* Zero what calls that have returned left in this thread: vector registers, 64 KiB of the stack below the caller's
 * frame, and the small blocks that the C library hands out again without overwriting them. */
void anom_memory_wipe_leftovers(void);

#endif
