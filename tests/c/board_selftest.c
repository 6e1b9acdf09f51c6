/* The golden stream of a plan on a board; PLAN, PLAN_BYTES and GOLDEN are its names. */
#include "anomsdk.h"
#include "board.h"

static ANOM_MEM(PLAN_BYTES) memory;

static int32_t check(const char *name, int32_t holds)
{
    board_print(holds ? "ok " : "FAIL ");
    board_print(name);
    board_print("\n");
    return holds;
}

int main(void)
{
    uint8_t other[ANOM_DIGEST_BYTES];
    for (int32_t i = 0; i < ANOM_DIGEST_BYTES; i++)
        other[i] = GOLDEN[i];
    other[ANOM_DIGEST_BYTES - 1] ^= 1;
    int32_t sizes = check("memory", anom_pipeline_bytes(&PLAN) == PLAN_BYTES);
    int32_t passes = check("selftest", anom_selftest(&memory, sizeof memory, &PLAN, GOLDEN) == 0);
    int32_t fails = check("selftest with another digest",
                          anom_selftest(&memory, sizeof memory, &PLAN, other) == ANOM_ERROR_SELFTEST);
    return sizes && passes && fails ? 0 : 1;
}
