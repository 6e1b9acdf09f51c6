/* Windows are read word by word. */
#ifdef __GNUC__
#define ALIGNED __attribute__((aligned(8)))
#else
#define ALIGNED
#endif

/* Room for what a case writes, at a multiple of 8 and at least 8 bytes from the next; NULL: there is too little. */
void *vectors_room(size_t size);
int32_t vectors_same(const void *found, const void *expected, size_t size);

#define ROOM 12288
#define ROOMS 8
#define MARGIN 64 /* after the last room */
#define UNTOUCHED 0xA5

static uint8_t room[ROOM];

static struct {
    size_t start;
    size_t end;
} rooms[ROOMS];
static int32_t n_rooms;
static size_t n_touched; /* bytes that the last case may have touched; 0: any */

void *vectors_room(size_t size)
{
    size_t start = (n_rooms > 0 ? rooms[n_rooms - 1].end : 0) + 8;
    start += (0 - ((uintptr_t)room + start)) & 7;
    if (n_rooms == ROOMS || start + MARGIN > ROOM || size > ROOM - MARGIN - start) return NULL;
    rooms[n_rooms].start = start;
    rooms[n_rooms].end = start + size;
    return room + rooms[n_rooms++].start;
}

int32_t vectors_same(const void *found, const void *expected, size_t size)
{
    const uint8_t *a = found;
    const uint8_t *b = expected;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i]) return 0;
    return 1;
}

static void before_case(void)
{
    size_t n = n_touched > 0 ? n_touched : ROOM;
    for (size_t i = 0; i < n; i++)
        room[i] = UNTOUCHED;
    n_touched = 0;
    n_rooms = 0;
}

/* Whether a case kept to its rooms. */
static int32_t after_case(void)
{
    size_t from = 0;
    n_touched = (n_rooms > 0 ? rooms[n_rooms - 1].end : 0) + MARGIN;
    for (int32_t i = 0; i <= n_rooms; i++) {
        size_t to = i < n_rooms ? rooms[i].start : n_touched;
        for (; from < to; from++)
            if (room[from] != UNTOUCHED) return 0;
        if (i < n_rooms) from = rooms[i].end;
    }
    return 1;
}
