/* What the secret's program calls: never seen by the optimiser that sees the secret. */
void fill(volatile unsigned char *bytes, unsigned long n)
{
    for (unsigned long i = 0; i < n; i++)
        bytes[i] = (unsigned char)(0xA5 ^ (i & 7));
}

void *memset(void *memory, int value, unsigned long n)
{
    volatile unsigned char *bytes = memory;
    for (unsigned long i = 0; i < n; i++)
        bytes[i] = (unsigned char)value;
    return memory;
}
