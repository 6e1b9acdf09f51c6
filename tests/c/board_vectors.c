/* The golden vectors on a board. */
#include <stdint.h>

#include "board.h"

int32_t anom_vectors(void);
const char *anom_vectors_name(int32_t number);

int main(void)
{
    int32_t failed = anom_vectors();
    board_print(failed ? "FAIL vectors: " : "ok vectors");
    board_print(failed ? anom_vectors_name(failed) : "");
    board_print("\n");
    return failed ? 1 : 0;
}
