/* Board: RISC-V virt with semihosting. */
#include "board.h"

#define SYS_WRITE0 0x04
#define SYS_EXIT_EXTENDED 0x20
#define APPLICATION_EXIT 0x20026

int main(void);
/* Named in assembly alone, which the linker's optimiser does not read. */
__attribute__((used)) void begin(void);
__attribute__((used, aligned(4))) void fault(void);

/* From the linker script. */
extern const uint32_t data_source[];
extern uint32_t data_start[], data_end[], bss_start[], bss_end[];

__asm__(".pushsection .start, \"ax\"\n"
        ".globl start\n"
        "start:\n"
        ".option push\n"
        ".option arch, +zicsr\n"
        ".option norelax\n"
        "la gp, global_pointer\n"
        "la sp, stack_top\n"
        "la t0, fault\n"
        "csrw mtvec, t0\n"
        ".option pop\n"
        "j begin\n"
        ".popsection\n");

static void host(uintptr_t operation, const void *argument)
{
    register uintptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n"
                     ".option norvc\n"
                     ".balign 16\n" /* the three instructions that say what is meant must share a page */
                     "slli x0, x0, 0x1f\n"
                     "ebreak\n"
                     "srai x0, x0, 7\n"
                     ".option pop\n"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
}

void board_print(const char *text)
{
    host(SYS_WRITE0, text);
}

void board_exit(int32_t status)
{
    const uintptr_t reason[2] = {APPLICATION_EXIT, (uintptr_t)status};
    host(SYS_EXIT_EXTENDED, reason);
    for (;;) {
    }
}

void fault(void)
{
    board_print("FAIL: the processor faults\n");
    board_exit(1);
}

void begin(void)
{
    const uint32_t *from = data_source;
    for (uint32_t *to = data_start; to < data_end; to++)
        *to = *from++;
    for (uint32_t *to = bss_start; to < bss_end; to++)
        *to = 0;
    board_exit(main());
}
