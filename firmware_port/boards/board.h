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

#endif
