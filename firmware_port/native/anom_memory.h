/* Memory: blocks that are zeroed before they are freed, and a stack that is zeroed, for hosts. */
#ifndef ANOM_MEMORY_H
#define ANOM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Where numpy takes the memory of arrays from. The layout is numpy's PyDataMem_Handler of version 1 (NEP 49). */
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

/* Zero what calls that have returned left below the caller's stack frame: 64 KiB of it. */
void anom_memory_wipe_stack(void);

#endif
