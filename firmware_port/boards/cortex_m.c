/* Board: any Cortex-M with semihosting. */
#include "board.h"

#define CPACR (*(volatile uint32_t *)0xE000ED88)
#define SYS_WRITE0 0x04
#define SYS_EXIT_EXTENDED 0x20
#define APPLICATION_EXIT 0x20026

int main(void);
void reset(void);

/* From the linker script. */
extern uint32_t stack_top;
extern const uint32_t data_source[];
extern uint32_t data_start[], data_end[], bss_start[], bss_end[];

static void host(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void board_print(const char *text)
{
    host(SYS_WRITE0, text);
}

void board_exit(int32_t status)
{
    const uint32_t reason[2] = {APPLICATION_EXIT, (uint32_t)status};
    host(SYS_EXIT_EXTENDED, reason);
    for (;;) {
    }
}

static void fault(void)
{
    board_print("FAIL: the processor faults\n");
    board_exit(1);
}

void reset(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    const uint32_t *from = data_source;
    for (volatile uint32_t *to = data_start; to < data_end; to++) /* volatile: no call of the C library is made of it */
        *to = *from++;
    for (volatile uint32_t *to = bss_start; to < bss_end; to++)
        *to = 0;
    board_exit(main());
}

typedef union {
    void (*run)(void);
    uint32_t *stack;
} vector;

__attribute__((section(".vectors"), used)) static const vector VECTORS[16] = {
    {.stack = &stack_top}, {reset}, {fault}, {fault}, {fault}, {fault}, {fault}, {fault},
    {fault},               {fault}, {fault}, {fault}, {fault}, {fault}, {fault}, {fault},
};
