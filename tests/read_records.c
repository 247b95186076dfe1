/* Reads a .rec file of packed samples, written from docs/records.md alone: prints key, counts and view sizes.
 *
 *     cc -O2 -o read_records read_records.c && ./read_records train-00000.rec
 *
 * One line per record: key, views, height x width, X x Y x Z, occupied cells, camera columns, then per view
 * "encoding:bytes"; exit code 1 and one sentence at the first record that is damaged. Views are not unpacked.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAGIC 0xced7230au
#define HEADER 64

static uint32_t get(const unsigned char *at, int bytes) {
    uint32_t value = 0;
    while (bytes--) value = value << 8 | at[bytes];
    return value;
}

static uint64_t get64(const unsigned char *at) { return get(at, 4) | (uint64_t)get(at + 4, 4) << 32; }

static int fail(long record, const char *why) {
    fprintf(stderr, "record %ld: %s\n", record, why);
    return 1;
}

/* xxh64 with seed 0 */
#define P1 0x9E3779B185EBCA87ull
#define P2 0xC2B2AE3D27D4EB4Full
#define P3 0x165667B19E3779F9ull
#define P4 0x85EBCA77C2B2AE63ull
#define P5 0x27D4EB2F165667C5ull
static uint64_t turn(uint64_t x, int by) { return x << by | x >> (64 - by); }
static uint64_t step(uint64_t sum, uint64_t word) { return turn(sum + word * P2, 31) * P1; }

static uint64_t xxh64(const unsigned char *at, size_t length) {
    const unsigned char *end = at + length;
    uint64_t sum = P5, lane[4] = {P1 + P2, P2, 0, 0 - P1};
    int i;
    if (length >= 32) {
        for (; end - at >= 32; at += 32)
            for (i = 0; i < 4; i++) lane[i] = step(lane[i], get64(at + 8 * i));
        sum = turn(lane[0], 1) + turn(lane[1], 7) + turn(lane[2], 12) + turn(lane[3], 18);
        for (i = 0; i < 4; i++) sum = (sum ^ step(0, lane[i])) * P1 + P4;
    }
    sum += length;
    for (; end - at >= 8; at += 8) sum = turn(sum ^ step(0, get64(at)), 27) * P1 + P4;
    if (end - at >= 4) {
        sum = turn(sum ^ get(at, 4) * P1, 23) * P2 + P3;
        at += 4;
    }
    while (at < end) sum = turn(sum ^ *at++ * P5, 11) * P1;
    sum = (sum ^ sum >> 33) * P2;
    sum = (sum ^ sum >> 29) * P3;
    return sum ^ sum >> 32;
}

static int show(long number, const unsigned char *at, size_t size) {
    uint64_t cells, names, cameras, views_at, place;
    uint32_t views, columns, i;
    unsigned long occupied = 0;
    if (size < HEADER + 8 || memcmp(at, "R2N2", 4)) return fail(number, "no record");
    if (get(at + 4, 2) != 1 || get(at + 6, 2) || get(at + 30, 2)) return fail(number, "another version");
    if (get(at + 8, 4) != size) return fail(number, "another length");
    if (xxh64(at, size - 8) != get64(at + size - 8)) return fail(number, "the checksum does not match");
    views = get(at + 16, 2);
    columns = get(at + 22, 2);
    cells = (uint64_t)get(at + 24, 2) * get(at + 26, 2) * get(at + 28, 2);
    cameras = HEADER + 12ull * views;
    place = cameras + 4ull * views * columns; /* of the voxels */
    names = place + (cells + 7) / 8;
    views_at = names + get(at + 12, 2) + get(at + 14, 2);
    if (!views || views_at > size - 8) return fail(number, "sections longer than the record");
    for (i = 0; i < cells; i++) occupied += at[place + i / 8] >> i % 8 & 1;
    printf("%.*s/%.*s %u %ux%u %ux%ux%u %lu %u", (int)get(at + 12, 2), (const char *)at + names, (int)get(at + 14, 2),
           (const char *)at + names + get(at + 12, 2), views, get(at + 18, 2), get(at + 20, 2), get(at + 24, 2),
           get(at + 26, 2), get(at + 28, 2), occupied, columns);
    for (i = 0; i < views; i++) {
        const unsigned char *row = at + HEADER + 12 * i;
        if (get(row, 4) != views_at) return fail(number, "a gap between views");
        views_at += get(row + 4, 4);
        printf(" %u:%u", get(row + 8, 4), get(row + 4, 4));
    }
    puts("");
    return views_at == size - 8 ? 0 : fail(number, "the views do not fill the record");
}

int main(int count, char **words) {
    unsigned char head[8], *record = NULL;
    size_t size = 0;
    long number = 0;
    FILE *file = count == 2 ? fopen(words[1], "rb") : NULL;
    if (!file) return fail(0, "give one .rec file");
    while (fread(head, 1, 8, file) == 8) { /* part by part */
        uint32_t flag = get(head + 4, 4) >> 29, length = get(head + 4, 4) & 0x1fffffff, padded = (length + 3) & ~3u;
        if (get(head, 4) != FRAME_MAGIC || flag > 3) return fail(number, "no part begins here");
        if ((flag < 2) != (size == 0 && record == NULL)) return fail(number, "parts out of order");
        record = realloc(record, size + padded + 8);
        if (!record) return fail(number, "too long");
        if (flag >= 2) { /* the magic at which the record was cut */
            memcpy(record + size, head, 4);
            size += 4;
        }
        if (fread(record + size, 1, padded, file) != padded) return fail(number, "cut short");
        size += length;
        if (flag == 0 || flag == 3) {
            if (show(number++, record, size)) return 1;
            free(record);
            record = NULL;
            size = 0;
        }
    }
    return record ? fail(number, "cut short") : 0;
}
