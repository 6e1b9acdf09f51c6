/* Functions of every kind for the tests of anomsdk.mcu. */
#include <stdint.h>
#include <string.h>

int32_t divide(int32_t a, int32_t b);
uint32_t mix(uint32_t n);
int32_t count_up(int32_t n);
int32_t deep(int32_t n);
int32_t forever(void);
int32_t read_at(const int32_t *at);
void write_at(int32_t *at);
int32_t jump(uintptr_t to);
int32_t sum(int32_t a, int32_t b, int32_t c, int32_t d);
void trap(void);

int32_t counter;
const int32_t table[4] = {1, 2, 3, 4};
int32_t filled[2] = {0x47704770, 5}; /* two returns, as code */

int32_t divide(int32_t a, int32_t b)
{
    return a / b;
}

/* Branches, conditional instructions, copies, products of 64 bits. */
uint32_t mix(uint32_t n)
{
    uint8_t from[40] = {1};
    uint8_t to[40];
    uint32_t x = n;
    for (uint32_t i = 0; i < n; i++) {
        if (i & 1)
            x += 3;
        else if (i % 3 == 0)
            x ^= i;
        memcpy(to, from, i % 40);
        memmove(from + 1, to, i % 39);
        memset(to, (int)x, i % 7);
        x += from[i % 40] + (uint32_t)((uint64_t)x * i >> 13);
    }
    return x;
}

int32_t count_up(int32_t n)
{
    for (volatile int32_t i = 0; i < n; i++)
        counter++;
    return counter;
}

int32_t deep(int32_t n)
{
    volatile uint8_t room[256];
    room[n & 255] = (uint8_t)n;
    return n > 0 ? deep(n - 1) + room[n & 255] : 0;
}

int32_t forever(void)
{
    for (volatile int32_t i = 0;; i++) {
    }
}

int32_t read_at(const int32_t *at)
{
    return *(const volatile int32_t *)at;
}

void write_at(int32_t *at)
{
    *(volatile int32_t *)at = 7;
}

int32_t jump(uintptr_t to)
{
    return ((int32_t (*)(void))(to | 1))();
}

int32_t sum(int32_t a, int32_t b, int32_t c, int32_t d)
{
    return a + 10 * b + 100 * c + 1000 * d;
}

void trap(void)
{
    __builtin_trap();
}

#ifdef LOSES
__asm__(".thumb\n.globl loses\n.type loses, %function\nloses: movs r4, #1\n bx lr\n.size loses, . - loses\n");
#endif
