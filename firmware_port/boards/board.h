/* Board: what a test program needs of a machine without an operating system.
 *
 * A board's file starts the program, calls main() and ends with what that gives. A fault ends with 1. */
#ifndef ANOM_BOARD_H
#define ANOM_BOARD_H

#include <stdint.h>

/* Say a text that ends with 0. */
void board_print(const char *text);

/* End; 0 says that all is well. Does not return. */
void board_exit(int32_t status);

/* A line of a name and a number. */
static inline void board_print_number(const char *name, uint32_t number)
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

#endif
