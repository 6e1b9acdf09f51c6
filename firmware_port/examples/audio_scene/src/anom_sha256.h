/* SHA-256 (FIPS 180-4), for the digest of the self-test. */
#ifndef ANOM_SHA256_H
#define ANOM_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct anom_sha256 {
    uint32_t hash[8];
    uint32_t length; /* bytes so far, modulo 2**32 */
    uint8_t block[64];
} anom_sha256;

void anom_sha256_init(anom_sha256 *sha);

/* Take n bytes; fewer than 2**29 in all. */
void anom_sha256_update(anom_sha256 *sha, const void *bytes, size_t n);

/* The digest of all bytes so far, and nothing more after it. */
void anom_sha256_finish(anom_sha256 *sha, uint8_t digest[32]);

#endif
