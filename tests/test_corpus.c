/* The corpus: every entry is readable, canonical and clean, and the seeds together reach what a fuzzer should not have
 * to find by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/geometry.h"
#include "oracle/mutate.h"
#include "oracle/world.h"
#include "tests/corpus_files.h"
#include "tests/world_fixture.h"

static struct corpus_file files[CORPUS_FILES_MAX];
static unsigned file_count;

static int open_all(void **state) {
    file_count = corpus_load_all(files);
    return open_world(state);
}

static int close_all(void **state) {
    for (unsigned i = 0; i < file_count; i++) {
        corpus_unload(&files[i]);
    }
    return close_world(state);
}

static void run_file(const struct corpus_file *file, struct verdict *verdict) {
    struct program program;
    program_read(&program, file->bytes, file->size_bytes);
    if (world_run(file->target, &program, stderr, verdict) != CHECK_NONE) {
        fail_msg("%s: %s: %s", file->path, check_table[verdict->check].id, verdict->message);
    }
}

/* --- one by one --- */

static void test_every_target_has_seeds(void **state) {
    (void)state;
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        unsigned seeds = 0;
        for (unsigned f = 0; f < file_count; f++) {
            seeds += files[f].target == &target_table[i] && strcmp(files[f].kind, "seed") == 0;
        }
        assert_true(seeds > 0);
    }
}

static void test_entries_say_what_they_are_for(void **state) {
    (void)state;
    for (unsigned i = 0; i < file_count; i++) {
        if (strncmp(files[i].text, "# ", 2) != 0 || strlen(files[i].text) < 20) {
            fail_msg("%s does not begin with a comment that says what it is for", files[i].path);
        }
        assert_true(text_looks_like((const uint8_t *)files[i].text, files[i].text_bytes));
    }
}

/* Words say all of it: no raw bytes, and the mutator would write the same. */
static void test_entries_are_canonical(void **state) {
    (void)state;
    for (unsigned i = 0; i < file_count; i++) {
        char *text = NULL;
        size_t length = 0, again_bytes;
        FILE *out = open_memstream(&text, &length);
        assert_non_null(out);
        assert_int_equal(text_disassemble(files[i].bytes, files[i].size_bytes, out), 0);
        assert_int_equal(fclose(out), 0);
        if (strchr(text, '!') != NULL) {
            fail_msg("%s is not canonical:\n%s", files[i].path, text);
        }
        uint8_t *again = corpus_assemble(text, length, files[i].path, &again_bytes);
        assert_int_equal(again_bytes, files[i].size_bytes);
        assert_memory_equal(again, files[i].bytes, again_bytes);
        assert_int_equal(mutate_canonical(files[i].bytes, files[i].size_bytes, again, again_bytes), again_bytes);
        assert_memory_equal(again, files[i].bytes, again_bytes);
        free(again);
        free(text);
    }
}

static void test_entries_are_clean_and_do_something(void **state) {
    (void)state;
    for (unsigned i = 0; i < file_count; i++) {
        struct verdict first, again;
        run_file(&files[i], &first);
        run_file(&files[i], &again);
        assert_true(first.operations > 0);
        assert_true(first.trace_hash == again.trace_hash);
    }
}

/* The engine has to find the planted fault; it must not be handed to it. */
static void test_seeds_do_not_trip_a_planted_fault(void **state) {
    (void)state;
    for (unsigned i = 0; i < file_count; i++) {
        struct verdict verdict;
        if (files[i].target->planted_fault[0] != '\0') {
            assert_true(world_arm_fault(files[i].target->planted_fault));
            run_file(&files[i], &verdict);
            assert_true(world_arm_fault(""));
        }
    }
}

static void test_no_entry_twice(void **state) {
    (void)state;
    for (unsigned i = 0; i < file_count; i++) {
        for (unsigned j = 0; j < i; j++) {
            bool same_kind = files[i].target == files[j].target && strcmp(files[i].kind, "seed") == 0 &&
                             strcmp(files[j].kind, "seed") == 0;
            if (same_kind && files[i].size_bytes == files[j].size_bytes &&
                memcmp(files[i].bytes, files[j].bytes, files[i].size_bytes) == 0) {
                fail_msg("%s is the same program as %s", files[i].path, files[j].path);
            }
        }
    }
}

/* --- all together --- */

struct reached {
    bool op[OP_COUNT];
    bool geometry[HAK_GEOMETRY_COUNT];
    bool placement[PLACEMENT_COUNT];
    unsigned remote_frees; /* of a small block, by a thread that did not allocate it */
    unsigned adoptions;    /* a live block's slab has another heap than before */
    unsigned refusals;
    unsigned out_of_order;
    uint32_t next_index, record_count;
    struct {
        uint8_t thread;
        unsigned heap; /* 0: not known, or no small block */
    } slots[PROGRAM_SLOTS_MAX];
};

static unsigned heap_of(const char *placement) {
    const char *found = strstr(placement, "heap ");
    return strncmp(placement, "tiny", 4) == 0 && found != NULL ? (unsigned)atoi(found + 5) : 0;
}

static bool allocates(enum program_op op) {
    return op == OP_MALLOC || op == OP_CALLOC || op == OP_ALIGNED_ALLOC || op == OP_POSIX_MEMALIGN ||
           op == OP_MEMALIGN || op == OP_REALLOC || op == OP_REALLOCARRAY;
}

/* Of operations on many slots only the last one's block is shown, so those forget their slots. */
static void watch(void *context, const struct world_event *step) {
    struct reached *reached = context;
    if (step->kind != WORLD_ENDS || step->index == reached->record_count) {
        return;
    }
    reached->out_of_order += step->index != reached->next_index++;
    reached->refusals += step->error != 0;
    if (!step->applied) {
        return;
    }
    reached->op[step->record.op] = true;
    if (step->record.op == OP_MALLOC_MANY || step->record.op == OP_FREE_MANY) {
        memset(reached->slots, 0, sizeof reached->slots);
        return;
    }
    unsigned heap = heap_of(step->placement);
    uint8_t slot = step->record.slot;
    if (allocates(step->record.op)) {
        reached->slots[slot].thread = step->thread;
        reached->slots[slot].heap = heap;
    } else if ((program_op_info[step->record.op].fields & FIELD_SLOT) != 0) {
        bool frees = step->record.op == OP_FREE || step->record.op == OP_FREE_SIZED;
        bool known = heap != 0 && reached->slots[slot].heap != 0;
        reached->remote_frees += known && frees && reached->slots[slot].thread != step->thread;
        reached->adoptions += known && reached->slots[slot].heap != heap;
        if (frees) {
            reached->slots[slot].heap = 0;
        }
    }
}

static struct reached reach_with_seeds(void) {
    static struct reached reached;
    world_observe(watch, &reached);
    for (unsigned i = 0; i < file_count; i++) {
        if (strcmp(files[i].kind, "seed") != 0) {
            continue;
        }
        struct program program;
        struct verdict verdict;
        program_read(&program, files[i].bytes, files[i].size_bytes);
        reached.geometry[program.header.geometry] = true;
        reached.placement[program.header.placement] = true;
        memset(reached.slots, 0, sizeof reached.slots);
        reached.next_index = 0;
        reached.record_count = program.record_count;
        run_file(&files[i], &verdict);
    }
    world_observe(NULL, NULL);
    return reached;
}

static void test_seeds_reach_everything(void **state) {
    (void)state;
    struct reached reached = reach_with_seeds();
    for (unsigned op = 0; op < OP_COUNT; op++) {
        if (op != OP_NOP && !reached.op[op]) {
            fail_msg("no seed has a %s that does something", program_op_info[op].name);
        }
    }
    for (unsigned i = 0; i < HAK_GEOMETRY_COUNT; i++) {
        if (!reached.geometry[i]) {
            fail_msg("no seed runs with geometry %s", hak_geometries[i].name);
        }
    }
    for (unsigned i = 0; i < PLACEMENT_COUNT; i++) {
        assert_true(reached.placement[i]);
    }
    assert_true(reached.remote_frees > 0);
    assert_true(reached.adoptions > 0);
    assert_true(reached.refusals > 0);
    assert_true(reached.out_of_order > 0); /* genes */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_target_has_seeds),
        cmocka_unit_test(test_entries_say_what_they_are_for),
        cmocka_unit_test(test_entries_are_canonical),
        cmocka_unit_test(test_entries_are_clean_and_do_something),
        cmocka_unit_test(test_seeds_do_not_trip_a_planted_fault),
        cmocka_unit_test(test_no_entry_twice),
        cmocka_unit_test(test_seeds_reach_everything),
    };
    return cmocka_run_group_tests_name("corpus", tests, open_all, close_all);
}
