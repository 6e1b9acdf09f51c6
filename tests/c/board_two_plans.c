/* The self-tests of two plans in one program. PLANS names them, as EACH(name, NAME). */
#include "anomsdk.h"
#include "board.h"

#define EACH(name, NAME) static ANOM_MEM(ANOM_PLAN_##NAME##_BYTES) memory_of_##name;
PLANS
#undef EACH

int main(void)
{
    int failed = 0;
#define EACH(name, NAME)                                                                                            \
    if (anom_selftest(&memory_of_##name, sizeof memory_of_##name, &anom_plan_##name, anom_golden_##name) == 0)      \
        board_print("ok " #name "\n");                                                                              \
    else                                                                                                            \
        failed = 1;
    PLANS
#undef EACH
    return failed;
}
