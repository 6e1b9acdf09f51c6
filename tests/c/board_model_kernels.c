/* The model's kernels on a board. */
#include "board.h"
#include "model_kernels.h"

int main(void);

int main(void)
{
    if (model_kernels(ROUNDS) != 0) {
        board_print("FAIL model kernels\n");
        return 1;
    }
    board_print("ok model kernels\n");
    return 0;
}
