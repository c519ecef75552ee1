/* world_fixture: an open world for a group of tests, and programs to run in it.
 *
 * Included, after cmocka.h, by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_WORLD_FIXTURE_H
#define HAKMEM_TESTS_WORLD_FIXTURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/mutate.h"
#include "oracle/text.h"
#include "oracle/world.h"

enum { PROGRAM_BYTES = 2048 };

static uint64_t opening_hash; /* of the world, before anything ran */

static inline int open_world(void **state) {
    (void)state;
    char why[256];
    if (world_open(why, sizeof why) != 0) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    opening_hash = world_state_hash();
    return 0;
}

static inline int close_world(void **state) {
    (void)state;
    world_close();
    return 0;
}

/* Each test leaves no fault and no observer behind, also when it fails. */
static inline int tidy(void **state) {
    (void)state;
    world_observe(NULL, NULL);
    return world_arm_fault("") ? 0 : -1;
}

/* --- programs --- */

struct owned {
    uint8_t bytes[PROGRAM_BYTES];
    struct program program;
};

static inline void generate(struct mutate_random *random, struct owned *owned) {
    size_t size_bytes = mutate_generate(random, 1 + mutate_below(random, 80), owned->bytes, sizeof owned->bytes);
    program_read(&owned->program, owned->bytes, size_bytes);
}

/* Lines of text form, without the first one. */
static inline void write_program(struct owned *owned, const char *lines) {
    char text[1024];
    struct text_error error;
    size_t size_bytes;
    int length = snprintf(text, sizeof text, "hakmem 1\n%s", lines);
    uint8_t *bytes = text_assemble(text, (size_t)length, &size_bytes, &error);
    if (bytes == NULL || size_bytes > sizeof owned->bytes) {
        fail_msg("line %u: %s", error.line, error.message);
    }
    memcpy(owned->bytes, bytes, size_bytes);
    free(bytes);
    program_read(&owned->program, owned->bytes, size_bytes);
}

static inline const struct target_info *target_of(unsigned i) {
    return &target_table[i % TARGET_COUNT];
}

static inline uint64_t run_clean(const struct target_info *target, const struct program *program) {
    struct verdict verdict;
    if (world_run(target, program, stderr, &verdict) != CHECK_NONE) {
        fail_msg("%s: %s", check_table[verdict.check].id, verdict.message);
    }
    return verdict.trace_hash;
}

#endif
