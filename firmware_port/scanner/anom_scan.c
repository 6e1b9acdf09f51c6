/* Search of memory for many known rows of elements at once, for hosts.
 *
 * The hash of the bytes at every offset is looked up in a bitmap first, then in a table of keys. Keys are of 8, 16 and
 * 32 bytes: three bitmaps, and three tables. Not every key is needed: of all that a run of the least length has, one. */
#include "anom_scan.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES = 3, LEAST_BITS = 10, MOST_BITMAP_BITS = 26, BITS_A_KEY_LOG2 = 4, BLOCK = 32 };

#ifdef __GNUC__
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

static const uint32_t KEY_BYTES[CLASSES] = {8, 16, 32};

/* A key that was taken: where it stands, and how many elements before it the last one stands that was taken. */
typedef struct {
    uint32_t needle;
    uint32_t first;
    uint32_t back; /* 0: none before */
} entry;

typedef struct {
    uint32_t tag;
    uint32_t entry; /* index + 1; 0: free */
} slot;

typedef struct {
    uint64_t *bitmap;
    slot *slots;
    uint32_t bitmap_shift; /* of a hash, to the number of a word */
    uint32_t slot_shift;   /* of a hash, to the number of a slot */
    uint64_t slot_mask;
} key_class;

struct anom_scan {
    anom_scan_needle *needles;
    uint64_t *left_out;
    entry *entries;
    anom_scan_run *runs;
    uint64_t n_runs;
    uint64_t room;
    uint32_t n_entries;
    uint32_t entry_room;
    key_class classes[CLASSES];
};

static uint64_t word(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t hash_8(const uint8_t *bytes)
{
    return word(bytes) * UINT64_C(0x9E3779B97F4A7C15);
}

static uint64_t hash_16(const uint8_t *bytes, uint64_t of_8)
{
    return of_8 ^ (word(bytes + 8) * UINT64_C(0xC2B2AE3D27D4EB4F));
}

static uint64_t hash_32(const uint8_t *bytes, uint64_t of_16)
{
    return of_16 ^ (word(bytes + 16) * UINT64_C(0x165667B19E3779F9)) ^ (word(bytes + 24) * UINT64_C(0xD6E8FEB86659FD93));
}

static uint64_t hash_of(const uint8_t *bytes, uint32_t key_bytes)
{
    uint64_t hash = hash_8(bytes);
    if (key_bytes >= 16) hash = hash_16(bytes, hash);
    if (key_bytes >= 32) hash = hash_32(bytes, hash);
    return hash;
}

static uint32_t key_elements(uint32_t element_bytes)
{
    return element_bytes == 1 ? 8 : 4;
}

static uint32_t class_of(uint32_t element_bytes)
{
    return element_bytes == 8 ? 2 : element_bytes == 4 ? 1 : 0;
}

/* Element i of a row. */
static uint64_t element(const uint8_t *row, uint32_t i, uint32_t element_bytes)
{
    uint32_t four;
    uint16_t two;
    switch (element_bytes) {
    case 8: return word(row + (size_t)i * 8);
    case 4: memcpy(&four, row + (size_t)i * 4, sizeof four); return four;
    case 2: memcpy(&two, row + (size_t)i * 2, sizeof two); return two;
    default: return row[i];
    }
}

/* Different values among the 8 bytes of a key. */
static uint32_t different_bytes(const uint8_t *key)
{
    uint32_t different = 0;
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t j = 0;
        while (key[j] != key[i])
            j++;
        different += j == i;
    }
    return different;
}

/* 1: the key carries evidence, see anom_scan_needle. Of four elements, three are different if at most one pair is alike. */
static int is_good(const uint8_t *key, uint32_t element_bytes)
{
    if (word(key) == 0) return 0;
    if (element_bytes == 1) return different_bytes(key) >= 4;
    uint64_t a = element(key, 0, element_bytes), b = element(key, 1, element_bytes);
    uint64_t c = element(key, 2, element_bytes), d = element(key, 3, element_bytes);
    return (a == b) + (a == c) + (a == d) + (b == c) + (b == d) + (c == d) <= 1;
}

/* The bits of a hash in its word of the bitmap. With three of them, few hashes of no key are looked up in the table. */
static uint64_t bits_of(uint64_t hash)
{
    return UINT64_C(1) << (hash >> 32 & 63) | UINT64_C(1) << (hash >> 26 & 63) | UINT64_C(1) << (hash >> 20 & 63);
}

static int in_bitmap(const key_class *of, uint64_t hash)
{
    return (~of->bitmap[hash >> of->bitmap_shift] & bits_of(hash)) == 0;
}

/* Put a key that was taken into its table. 0: it is there too often already. */
static int put(const anom_scan *scan, key_class *into, uint32_t index)
{
    const entry *made = &scan->entries[index];
    const anom_scan_needle *of = &scan->needles[made->needle];
    uint32_t size = key_elements(of->element_bytes) * of->element_bytes;
    const uint8_t *key = of->data + (size_t)made->first * of->element_bytes;
    uint64_t hash = hash_of(key, size);
    uint64_t at = hash >> into->slot_shift;
    uint32_t alike = 0;
    for (; into->slots[at].entry; at = (at + 1) & into->slot_mask) {
        if (into->slots[at].tag != (uint32_t)(hash >> 16)) continue;
        const entry *other = &scan->entries[into->slots[at].entry - 1];
        if (other->needle != made->needle) continue;
        if (memcmp(of->data + (size_t)other->first * of->element_bytes, key, size) == 0 &&
            ++alike == ANOM_SCAN_MOST_ALIKE)
            return 0;
    }
    into->slots[at].tag = (uint32_t)(hash >> 16);
    into->slots[at].entry = index + 1;
    into->bitmap[hash >> into->bitmap_shift] |= bits_of(hash);
    return 1;
}

/* Append a key that was taken. 0: too little memory, or too many keys. */
static int append(anom_scan *scan, uint32_t needle, uint32_t first)
{
    if (scan->n_entries == scan->entry_room) {
        uint32_t room = scan->entry_room ? 2 * scan->entry_room : 1024;
        if (scan->entry_room > UINT32_MAX / 2) return 0;
        entry *entries = realloc(scan->entries, (size_t)room * sizeof *entries);
        if (!entries) return 0;
        scan->entries = entries;
        scan->entry_room = room;
    }
    entry made = {needle, first, 0};
    scan->entries[scan->n_entries++] = made;
    return 1;
}

/* Take the keys of a needle that are needed: of every `span` keys in a row with a good one among them, at least one.
 * 0: too little memory. */
static int take_keys(anom_scan *scan, uint32_t needle)
{
    const anom_scan_needle *of = &scan->needles[needle];
    uint32_t key = key_elements(of->element_bytes);
    if (of->elements < key) return 1;
    int64_t n = (int64_t)of->elements - key + 1;
    int64_t span = (int64_t)of->minimum - key + 1;
    int64_t last = -1, best = -1;
    for (int64_t i = 0; i < n; i++) {
        int good = is_good(of->data + (size_t)i * of->element_bytes, of->element_bytes);
        scan->left_out[needle] += !good;
        if (good) best = i;
        if (best > last && (i >= last + span || i == n - 1)) {
            if (!append(scan, needle, (uint32_t)best)) return 0;
            last = best;
        }
    }
    return 1;
}

/* Put all keys that were taken into their tables; count those that are there too often. */
static void put_keys(anom_scan *scan)
{
    const entry *last = NULL; /* the last key that was put */
    for (uint32_t i = 0; i < scan->n_entries; i++) {
        entry *key = &scan->entries[i];
        if (!put(scan, &scan->classes[class_of(scan->needles[key->needle].element_bytes)], i)) {
            scan->left_out[key->needle]++;
            continue;
        }
        if (last && last->needle == key->needle) key->back = key->first - last->first;
        last = key;
    }
}

/* Room for n keys. 0: too little memory. */
static int prepare(key_class *made, uint64_t n)
{
    uint32_t slot_bits = LEAST_BITS;
    while ((UINT64_C(1) << slot_bits) < 2 * n)
        slot_bits++;
    uint32_t bitmap_bits = slot_bits + BITS_A_KEY_LOG2 - 1;
    if (bitmap_bits > MOST_BITMAP_BITS) bitmap_bits = MOST_BITMAP_BITS;
    made->slot_shift = 64 - slot_bits;
    made->slot_mask = (UINT64_C(1) << slot_bits) - 1;
    made->bitmap_shift = 64 + 6 - bitmap_bits;
    made->slots = calloc((size_t)1 << slot_bits, sizeof *made->slots);
    made->bitmap = calloc((size_t)1 << (bitmap_bits - 6), sizeof *made->bitmap);
    return made->slots && made->bitmap;
}

void anom_scan_free(anom_scan *scan)
{
    if (!scan) return;
    for (uint32_t c = 0; c < CLASSES; c++) {
        free(scan->classes[c].bitmap);
        free(scan->classes[c].slots);
    }
    free(scan->needles);
    free(scan->left_out);
    free(scan->entries);
    free(scan->runs);
    free(scan);
}

static int is_in_range(const anom_scan_needle *needle)
{
    uint32_t size = needle->element_bytes;
    return (size == 1 || size == 2 || size == 4 || size == 8) && needle->minimum >= key_elements(size) &&
           needle->elements <= INT32_MAX;
}

anom_scan *anom_scan_new(const anom_scan_needle *needles, uint32_t n)
{
    anom_scan *scan = calloc(1, sizeof *scan);
    if (!scan) return NULL;
    scan->needles = calloc((size_t)n + 1, sizeof *scan->needles);
    scan->left_out = calloc((size_t)n + 1, sizeof *scan->left_out);
    int whole = scan->needles && scan->left_out;
    uint64_t counts[CLASSES] = {0, 0, 0};
    for (uint32_t i = 0; whole && i < n; i++) {
        uint32_t before = scan->n_entries;
        scan->needles[i] = needles[i];
        whole = is_in_range(&needles[i]) && take_keys(scan, i);
        if (whole) counts[class_of(needles[i].element_bytes)] += scan->n_entries - before;
    }
    for (uint32_t c = 0; whole && c < CLASSES; c++)
        whole = prepare(&scan->classes[c], counts[c]);
    if (whole) put_keys(scan);
    if (whole) return scan;
    anom_scan_free(scan);
    return NULL;
}

uint64_t anom_scan_left_out(const anom_scan *scan, uint32_t needle)
{
    return scan->left_out[needle];
}

/* Append a run. 0: there are too many. */
static int report(anom_scan *scan, anom_scan_run run)
{
    if (scan->n_runs == scan->room) {
        uint64_t room = scan->room ? 2 * scan->room : 1024;
        if (room > ANOM_SCAN_MOST_RUNS) return 0;
        anom_scan_run *runs = realloc(scan->runs, (size_t)room * sizeof *runs);
        if (!runs) return 0;
        scan->runs = runs;
        scan->room = room;
    }
    scan->runs[scan->n_runs++] = run;
    return 1;
}

/* Extend a key that stands at an offset to a whole run, and report that. 0: there are too many. */
static int extend(anom_scan *scan, const entry *key, const uint8_t *memory, uint64_t bytes, uint64_t at)
{
    const anom_scan_needle *of = &scan->needles[key->needle];
    uint64_t size = of->element_bytes;
    uint64_t back = key->back * size;
    const uint8_t *data = of->data + key->first * size;
    if (back && at >= back && memcmp(memory + at - back, data - back, (size_t)back) == 0)
        return 1; /* the key before stands there, too: the run was reported with it */
    uint64_t first = key->first;
    uint64_t start = at;
    while (first > 0 && start >= size && memcmp(memory + start - size, of->data + (first - 1) * size, size) == 0) {
        first--;
        start -= size;
    }
    uint64_t end = key->first;
    for (; end < of->elements && bytes - at >= size; end++, at += size)
        if (memcmp(memory + at, of->data + end * size, size) != 0) break;
    if (end - first < of->minimum) return 1;
    anom_scan_run run = {start, key->needle, (uint32_t)first, (uint32_t)(end - first), 0};
    return report(scan, run);
}

/* Look a hash up in a table. 0: there are too many runs. */
static int look_up(anom_scan *scan, uint32_t c, uint64_t hash, const uint8_t *memory, uint64_t bytes, uint64_t at)
{
    const key_class *in = &scan->classes[c];
    for (uint64_t i = hash >> in->slot_shift; in->slots[i].entry; i = (i + 1) & in->slot_mask) {
        if (in->slots[i].tag != (uint32_t)(hash >> 16)) continue;
        const entry *key = &scan->entries[in->slots[i].entry - 1];
        const anom_scan_needle *of = &scan->needles[key->needle];
        if (memcmp(memory + at, of->data + (size_t)key->first * of->element_bytes, KEY_BYTES[c]) != 0) continue;
        if (!extend(scan, key, memory, bytes, at)) return 0;
    }
    return 1;
}

/* Hashes of the keys of all classes at the offsets of a block. Their words of the bitmaps are fetched meanwhile. */
static void hash_block(const anom_scan *scan, const uint8_t *memory, uint64_t hashes[CLASSES][BLOCK])
{
    for (uint32_t i = 0; i < BLOCK; i++) {
        hashes[0][i] = hash_8(memory + i);
        hashes[1][i] = hash_16(memory + i, hashes[0][i]);
        hashes[2][i] = hash_32(memory + i, hashes[1][i]);
        for (uint32_t c = 0; c < CLASSES; c++)
            PREFETCH(&scan->classes[c].bitmap[hashes[c][i] >> scan->classes[c].bitmap_shift]);
    }
}

/* 1: a number of bytes, a multiple of 8, is 0. */
static int is_zero(const uint8_t *memory, uint32_t bytes)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < bytes; i += 8)
        any |= word(memory + i);
    return any == 0;
}

/* Look up the keys of a class at an offset. 0: there are too many runs. */
static int look_at(anom_scan *scan, uint32_t c, uint64_t hash, const uint8_t *memory, uint64_t bytes, uint64_t at)
{
    return !in_bitmap(&scan->classes[c], hash) || look_up(scan, c, hash, memory, bytes, at);
}

int32_t anom_scan_search(anom_scan *scan, const uint8_t *memory, uint64_t bytes)
{
    uint64_t hashes[CLASSES][BLOCK];
    uint64_t at = 0;
    int more = 1;
    scan->n_runs = 0;
    for (; at + BLOCK + 32 <= bytes && more; at += BLOCK) {
        if (is_zero(memory + at, BLOCK + 8)) continue;
        hash_block(scan, memory + at, hashes);
        for (uint32_t i = 0; i < BLOCK && more; i++) {
            if (word(memory + at + i) == 0) continue; /* no key begins so */
            for (uint32_t c = 0; c < CLASSES; c++)
                more &= look_at(scan, c, hashes[c][i], memory, bytes, at + i);
        }
    }
    for (; at + 8 <= bytes && more; at++) { /* the end, where longer keys have no room */
        if (word(memory + at) == 0) continue;
        for (uint32_t c = 0; c < CLASSES && at + KEY_BYTES[c] <= bytes; c++)
            more &= look_at(scan, c, hash_of(memory + at, KEY_BYTES[c]), memory, bytes, at);
    }
    return !more;
}

const anom_scan_run *anom_scan_runs(const anom_scan *scan)
{
    return scan->runs;
}

uint64_t anom_scan_n_runs(const anom_scan *scan)
{
    return scan->n_runs;
}
