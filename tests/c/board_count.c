/* How many instructions the self-test of a plan takes, by a timer of the board: QEMU with -icount shift=6 runs an
 * instruction in 64 ns, the timer counts 40 ns. */
#include "anomsdk.h"
#include "board.h"

#define TIMER ((volatile uint32_t *)0x40000000) /* CMSDK timer 0: control, value, reload */
#define TIMER_ENABLE 1

ANOM_MEM(PLAN_BYTES) memory;
int32_t work(void);
int32_t nothing(void);
int main(void);

int32_t work(void)
{
    return anom_selftest(&memory, sizeof memory, &PLAN, GOLDEN);
}

int32_t nothing(void)
{
    return 0;
}

static uint32_t ticks_of(int32_t (*volatile function)(void), int32_t *status)
{
    uint32_t before = TIMER[1];
    *status = function();
    return before - TIMER[1];
}

static void print(const char *name, uint32_t number)
{
    char digits[11];
    char *at = digits + sizeof digits - 1;
    *at = 0;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    board_print(name);
    board_print(at);
    board_print("\n");
}

int main(void)
{
    int32_t status;
    int32_t idle;
    TIMER[2] = 0xFFFFFFFF;
    TIMER[1] = 0xFFFFFFFF;
    TIMER[0] = TIMER_ENABLE;
    print("nothing ", ticks_of(nothing, &idle));
    print("work ", ticks_of(work, &status));
    return status == 0 ? 0 : 1;
}
