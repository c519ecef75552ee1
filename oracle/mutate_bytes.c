/* mutate_bytes: see the header. */
#include "oracle/mutate_bytes.h"

#include <string.h>

enum { PIECE_MAX_BYTES = 64, ROUNDS_MAX = 4, BIT_OR_BYTE_WAYS = 4, WAYS = 7 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t below(struct mutate_random *random, size_t bound) {
    return mutate_below(random, (uint32_t)bound);
}

static void change_one(struct mutate_random *random, uint8_t *byte, uint32_t way) {
    static const uint8_t interesting[] = {0, 1, 16, 32, 64, 100, 127, 128, 255};
    switch (way) {
    case 0:
        *byte ^= (uint8_t)(1U << mutate_below(random, 8));
        break;
    case 1:
        *byte = (uint8_t)mutate_next(random);
        break;
    case 2:
        *byte = interesting[mutate_below(random, sizeof interesting)];
        break;
    default:
        *byte = (uint8_t)(*byte + mutate_below(random, 71) - 35);
        break;
    }
}

static size_t insert(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes) {
    size_t count = smaller(1 + below(random, PIECE_MAX_BYTES), capacity_bytes - size_bytes);
    size_t at = below(random, size_bytes + 1);
    memmove(bytes + at + count, bytes + at, size_bytes - at);
    for (size_t i = 0; i < count; i++)
        bytes[at + i] = (uint8_t)mutate_next(random);
    return size_bytes + count;
}

static size_t erase(struct mutate_random *random, uint8_t *bytes, size_t size_bytes) {
    size_t at = below(random, size_bytes), count = smaller(1 + below(random, PIECE_MAX_BYTES), size_bytes - at);
    if (count == size_bytes)
        return size_bytes;
    memmove(bytes + at, bytes + at + count, size_bytes - at - count);
    return size_bytes - count;
}

/* A piece once more, over what stands elsewhere or in front of it. */
static size_t repeat(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes) {
    uint8_t piece[PIECE_MAX_BYTES];
    size_t from = below(random, size_bytes);
    size_t count = smaller(1 + below(random, PIECE_MAX_BYTES), size_bytes - from);
    memcpy(piece, bytes + from, count);
    size_t to = below(random, size_bytes + 1);
    if (mutate_below(random, 2) == 0) {
        memcpy(bytes + to, piece, smaller(count, size_bytes - to));
        return size_bytes;
    }
    count = smaller(count, capacity_bytes - size_bytes);
    memmove(bytes + to + count, bytes + to, size_bytes - to);
    memcpy(bytes + to, piece, count);
    return size_bytes + count;
}

static size_t change(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes) {
    uint32_t way = size_bytes == 0 ? BIT_OR_BYTE_WAYS : mutate_below(random, WAYS);
    if (way < BIT_OR_BYTE_WAYS) {
        change_one(random, &bytes[below(random, size_bytes)], way);
        return size_bytes;
    }
    return way == BIT_OR_BYTE_WAYS       ? insert(random, bytes, size_bytes, capacity_bytes)
           : way == BIT_OR_BYTE_WAYS + 1 ? erase(random, bytes, size_bytes)
                                         : repeat(random, bytes, size_bytes, capacity_bytes);
}

size_t mutate_bytes(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes) {
    size_bytes = smaller(size_bytes, capacity_bytes);
    for (uint32_t rounds = 1 + mutate_below(random, ROUNDS_MAX); rounds > 0 && capacity_bytes > 0; rounds--)
        size_bytes = change(random, bytes, size_bytes, capacity_bytes);
    return size_bytes;
}

size_t mutate_bytes_generate(struct mutate_random *random, size_t wanted_bytes, uint8_t *bytes, size_t capacity_bytes) {
    size_t size_bytes = smaller(wanted_bytes, capacity_bytes);
    for (size_t i = 0; i < size_bytes; i++)
        bytes[i] = (uint8_t)mutate_next(random);
    return size_bytes;
}

size_t mutate_bytes_cross(struct mutate_random *random, const uint8_t *a, size_t a_bytes, const uint8_t *b,
                          size_t b_bytes, uint8_t *out, size_t capacity_bytes) {
    size_t start = smaller(below(random, a_bytes + 1), capacity_bytes);
    size_t from = below(random, b_bytes + 1), count = smaller(b_bytes - from, capacity_bytes - start);
    if (start > 0)
        memcpy(out, a, start);
    if (count > 0)
        memcpy(out + start, b + from, count);
    return mutate_bytes(random, out, start + count, capacity_bytes);
}
