/* SHA-256 (FIPS 180-4), for the digest of the self-test. */
#include "anom_sha256.h"

/* Fractions of the cube roots of the first 64 primes. */
static const uint32_t K[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

/* x, rotated to the right.
 *   n        bits, 1 to 31 */
static uint32_t rotated(uint32_t x, int32_t n)
{
    return x >> n | x << (32 - n);
}

/* Take one block into the hash. */
static void compress(uint32_t hash[8], const uint8_t block[64])
{
    uint32_t w[16];
    uint32_t s[8]; /* a to h */
    for (int32_t i = 0; i < 16; i++, block += 4)
        w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
    for (int32_t i = 0; i < 8; i++)
        s[i] = hash[i];
    for (int32_t i = 0; i < 64; i++) {
        uint32_t x = w[(i + 1) & 15];
        uint32_t y = w[(i + 14) & 15];
        uint32_t big1 = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25);
        uint32_t big0 = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22);
        uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        uint32_t t1 = s[7] + big1 + choice + K[i] + w[i & 15];
        for (int32_t j = 7; j > 0; j--)
            s[j] = s[j - 1];
        s[4] += t1;
        s[0] = t1 + big0 + majority;
        w[i & 15] += (rotated(x, 7) ^ rotated(x, 18) ^ x >> 3) + w[(i + 9) & 15] +
                     (rotated(y, 17) ^ rotated(y, 19) ^ y >> 10); /* w[i + 16] */
    }
    for (int32_t i = 0; i < 8; i++)
        hash[i] += s[i];
}

void anom_sha256_init(anom_sha256 *sha)
{
    static const uint32_t FIRST[8] = { /* fractions of the square roots of the first 8 primes */
        0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
        0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
    };
    for (int32_t i = 0; i < 8; i++)
        sha->hash[i] = FIRST[i];
    sha->length = 0;
}

void anom_sha256_update(anom_sha256 *sha, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < n; i++) {
        sha->block[sha->length++ & 63] = from[i];
        if ((sha->length & 63) == 0) compress(sha->hash, sha->block);
    }
}

void anom_sha256_finish(anom_sha256 *sha, uint8_t digest[32])
{
    static const uint8_t END[2] = {0x80, 0};
    uint32_t bits = sha->length * 8;
    anom_sha256_update(sha, END, 1);
    while ((sha->length & 63) != 56)
        anom_sha256_update(sha, END + 1, 1);
    const uint8_t size[8] = {
        0, 0, 0, 0, (uint8_t)(bits >> 24), (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits,
    };
    anom_sha256_update(sha, size, 8);
    for (int32_t i = 0; i < 32; i++)
        digest[i] = (uint8_t)(sha->hash[i / 4] >> (24 - 8 * (i % 4)));
}
