/* The mutator as AFL++ loads it: linked of nothing but what is in that library, so that nothing is missing there. It
 * learns the target from the command line, so this program calls itself with one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/program.h"

void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size_bytes, uint8_t **out, uint8_t *other, size_t other_bytes,
                       size_t capacity_bytes);
void afl_custom_deinit(void *data);

enum { MUTATIONS = 3000, BYTES = PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * 64 };

/* How often an operation stands in programs of many mutations each. */
static unsigned count_made(enum program_op op) {
    unsigned count = 0;
    void *mutator = afl_custom_init(NULL, 7);
    for (unsigned i = 0; i < MUTATIONS / 60; i++) {
        uint8_t bytes[BYTES] = {0}, *out = bytes;
        size_t size_bytes = PROGRAM_HEADER_BYTES;
        for (unsigned j = 0; j < 60; j++) {
            size_bytes = afl_custom_fuzz(mutator, bytes, size_bytes, &out, NULL, 0, sizeof bytes);
            assert_in_range(size_bytes, PROGRAM_HEADER_BYTES, sizeof bytes);
            memcpy(bytes, out, size_bytes);
        }
        struct program program;
        program_read(&program, bytes, size_bytes);
        for (uint32_t j = 0; j < program.record_count; j++) {
            count += program_record(&program, j).op == op;
        }
    }
    afl_custom_deinit(mutator);
    return count;
}

static const char *self; /* argv[0] */

/* What this program prints when it is called with these words, as afl-fuzz would be. */
static unsigned callocs_with(const char *environment, const char *words) {
    char command[1024];
    unsigned count = 0;
    snprintf(command, sizeof command, "%s '%s' count %s", environment, self, words);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_int_equal(fscanf(output, "%u", &count), 1);
    assert_int_equal(pclose(output), 0);
    return count;
}

/* calloc is nothing to the queues of remote frees. A bit flips by chance now and then, so a few are made. */
static void test_target_is_known_from_the_command_line(void **state) {
    (void)state;
    unsigned any = callocs_with("", "");
    assert_true(any > 50);
    assert_int_equal(callocs_with("", "-i fuzz_remote.d -o out -- ./no_fuzz_remote"), any);
    assert_true(callocs_with("", "-i seed -o fuzz_threads -- build/afl/fuzz_remote") * 10 < any);
    assert_true(callocs_with("", "-i seed -o fuzz_remote -- build/afl/fuzz_threads") * 2 > any);
}

static void test_target_may_be_taken_away(void **state) {
    (void)state;
    assert_int_equal(callocs_with("HAKMEM_WITHOUT=repertoire", "-- ./fuzz_remote"), callocs_with("", ""));
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc > 1 && strcmp(argv[1], "count") == 0) {
        printf("%u\n", count_made(OP_CALLOC));
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_is_known_from_the_command_line),
        cmocka_unit_test(test_target_may_be_taken_away),
    };
    return cmocka_run_group_tests_name("afl_mutator", tests, NULL, NULL);
}
