/* A board that is this machine. */
#include "board.h"

#include <stdio.h>

void board_print(const char *text)
{
    fputs(text, stdout);
}
