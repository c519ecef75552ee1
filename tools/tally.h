/* tally: counts equal outcomes, so that "10 of 10 equal" or the list of different ones can be said. */
#ifndef HAKMEM_TOOLS_TALLY_H
#define HAKMEM_TOOLS_TALLY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TALLY_ENTRIES_MAX = 32, TALLY_NAME_BYTES_MAX = 128 };

struct tally_entry {
    char name[TALLY_NAME_BYTES_MAX]; /* signature, or what stood in its place: "(clean)" */
    uint64_t trace_hash;             /* 0: not known */
    uint64_t count;
};

/* Zero-initialise. */
struct tally {
    struct tally_entry entries[TALLY_ENTRIES_MAX];
    unsigned entry_count;
    uint64_t others; /* outcomes beyond the table */
    uint64_t total;
};

void tally_add(struct tally *tally, const char *name, uint64_t trace_hash);
/* How many outcomes were this one. An unknown hash on either side equals any. */
uint64_t tally_equal(const struct tally *tally, const char *name, uint64_t trace_hash);
void tally_print(const struct tally *tally, FILE *out);
cJSON *tally_json(const struct tally *tally);
/* "double-alloc 4, overlap 1"; cuts at capacity. */
void tally_words(const struct tally *tally, char *buffer, size_t capacity);

#endif
