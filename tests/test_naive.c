/* test_naive: what bytes mean to the naive harness (oracle/naive.h), and what engines read without some guides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocator/geometry.h"
#include "oracle/guide.h"
#include "oracle/guided.h"
#include "oracle/mutate.h"
#include "oracle/naive.h"
#include "oracle/program.h"
#include "oracle/repertoire.h"

enum { INPUTS = 300, INPUT_BYTES_MAX = 400 };

static uint8_t bytes[PROGRAM_BYTES_MAX];

static struct program read_naively(enum target target, const uint8_t *input, size_t size_bytes) {
    struct program program;
    program_read(&program, bytes, naive_program(&target_table[target], input, size_bytes, bytes, sizeof bytes));
    return program;
}

static size_t random_input(struct mutate_random *random, uint8_t *input) {
    size_t size_bytes = mutate_below(random, INPUT_BYTES_MAX);
    for (size_t i = 0; i < size_bytes; i++) {
        input[i] = (uint8_t)mutate_next(random);
    }
    return size_bytes;
}

/* Every input is a program without genes, weak memory or switched-off operations, of what the target carries out. */
static void test_is_total_and_plain(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 1);
    for (unsigned i = 0; i < INPUTS; i++) {
        uint8_t input[INPUT_BYTES_MAX];
        enum target target = (enum target)(i % TARGET_COUNT);
        const struct repertoire repertoire = repertoire_of(&target_table[target]);
        size_t size_bytes = random_input(&random, input);
        struct program program = read_naively(target, input, size_bytes);
        assert_int_equal(program.gene_count + program.tail_bytes + program.header.weak + program.header.mode, 0);
        assert_int_equal(program.header.ops_off, 0);
        assert_int_equal(program.header.slot_count, NAIVE_SLOTS);
        assert_true(program.record_count <= size_bytes);
        for (uint32_t r = 0; r < program.record_count; r++) {
            struct record record = program_record(&program, r);
            assert_true(repertoire.weights[record.op] > 0);
            assert_true(record.thread < target_table[target].threads);
        }
    }
    assert_int_equal(read_naively(TARGET_THREADS, NULL, 0).record_count, 0);
}

/* The n-th live block: an allocation takes the first free slot, and what is done to a block is done to one that lives.
 */
static void test_names_live_blocks(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 2);
    unsigned freed = 0;
    for (unsigned i = 0; i < INPUTS; i++) {
        uint8_t input[INPUT_BYTES_MAX];
        struct program program = read_naively(TARGET_SEQUENCE, input, random_input(&random, input));
        uint64_t live = 0;
        for (uint32_t r = 0; r < program.record_count; r++) {
            struct record record = program_record(&program, r);
            uint64_t slot = UINT64_C(1) << record.slot;
            bool frees = record.op == OP_FREE || record.op == OP_FREE_SIZED || record.op == OP_FREE_ALIGNED_SIZED;
            bool makes = record.op == OP_MALLOC || record.op == OP_CALLOC || record.op == OP_MEMALIGN ||
                         record.op == OP_ALIGNED_ALLOC || record.op == OP_POSIX_MEMALIGN ||
                         ((record.op == OP_REALLOC || record.op == OP_REALLOCARRAY) && live == 0);
            if ((program_op_info[record.op].fields & FIELD_SLOT) != 0) {
                assert_true(((live & slot) == 0) == makes);
                assert_true(!makes || (live & (slot - 1)) == slot - 1);
            }
            live = frees ? live & ~slot : makes ? live | slot : live;
            freed += frees;
        }
    }
    assert_true(freed > INPUTS);
}

/* Integers come from the end, so what stands in front has no effect on the first operations, and one byte at the end
 * moves the meaning of the rest: that is what records do away with. */
static void test_reads_from_the_end(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 3);
    uint8_t input[INPUT_BYTES_MAX], first[PROGRAM_HEADER_BYTES + 4 * PROGRAM_RECORD_BYTES];
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (uint8_t)mutate_next(&random);
    }
    assert_true(read_naively(TARGET_SEQUENCE, input, sizeof input).record_count > 20);
    memcpy(first, bytes, sizeof first);
    input[0] ^= 0xff;
    read_naively(TARGET_SEQUENCE, input, sizeof input);
    assert_memory_equal(first, bytes, sizeof first);
    unsigned moved = 0; /* a byte of an operation that does not apply can go */
    for (size_t cut = 1; cut <= 8; cut++) {
        read_naively(TARGET_SEQUENCE, input, sizeof input - cut);
        moved += memcmp(first, bytes, sizeof first) != 0;
    }
    assert_true(moved > 4);
}

/* Small sizes are exact; others are the nearest that a record can say. */
static void test_says_sizes(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 4);
    unsigned small = 0, large = 0, huge = 0;
    for (unsigned i = 0; i < INPUTS; i++) {
        uint8_t input[INPUT_BYTES_MAX];
        struct program program = read_naively(TARGET_SEQUENCE, input, random_input(&random, input));
        for (uint32_t r = 0; r < program.record_count; r++) {
            struct record record = program_record(&program, r);
            size_t size_bytes = record_size_bytes(&record);
            if (record.op == OP_MALLOC) {
                small += size_bytes <= NAIVE_SMALL_BYTES;
                large += size_bytes > NAIVE_SMALL_BYTES && size_bytes <= NAIVE_LARGE_BYTES + 127;
                huge += size_bytes > NAIVE_LARGE_BYTES + 127;
            }
        }
    }
    assert_true(small > large && large > huge && huge > 0);
}

/* What is taken away does not come back, so it happens in another process. */
static void in_child(bool (*holds)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        _exit(holds() ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const uint8_t tiny_program[PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES] = {PROGRAM_VERSION};

static bool geometry_is_the_real_one(void) {
    struct program program;
    guided_read(&program, &target_table[TARGET_THREADS], tiny_program, sizeof tiny_program);
    bool good = program.header.geometry == HAK_GEOMETRY_TINY && guide_take_away("geometry");
    guided_read(&program, &target_table[TARGET_THREADS], tiny_program, sizeof tiny_program);
    return good && program.header.geometry == HAK_GEOMETRY_REAL && program.record_count == 1;
}

static bool records_are_naive(void) {
    struct program program;
    bool good = guide_take_away("records") && !guide_is_there(GUIDE_STRUCTURE);
    guided_read(&program, &target_table[TARGET_THREADS], tiny_program, sizeof tiny_program);
    return good && program.bytes != tiny_program && program.header.slot_count == NAIVE_SLOTS;
}

static bool there_are_no_genes(void) {
    struct mutate_random random;
    bool good = guide_take_away("genes");
    mutate_seed_for(&random, 5, &target_table[TARGET_THREADS]);
    for (unsigned i = 0; i < INPUTS && good; i++) {
        struct program program;
        size_t size_bytes = mutate_generate(&random, 30, bytes, sizeof bytes);
        program_read(&program, bytes, mutate(&random, bytes, size_bytes, sizeof bytes));
        good = program.gene_count == 0;
    }
    return good;
}

/* Bytes change without regard to records, and never leave their room. */
static bool bytes_are_mutated(void) {
    struct mutate_random random;
    bool good = guide_take_away("structure"), odd = false;
    uint8_t other[INPUT_BYTES_MAX];
    mutate_seed(&random, 6);
    size_t size_bytes = mutate_generate(&random, 4, bytes, INPUT_BYTES_MAX);
    for (unsigned i = 0; i < INPUTS && good; i++) {
        bytes[INPUT_BYTES_MAX] = 0xa5;
        size_bytes = mutate(&random, bytes, size_bytes, INPUT_BYTES_MAX);
        odd = odd || size_bytes % PROGRAM_RECORD_BYTES != 0;
        good = size_bytes > 0 && size_bytes <= INPUT_BYTES_MAX && bytes[INPUT_BYTES_MAX] == 0xa5;
        size_t crossed = mutate_cross(&random, bytes, size_bytes, bytes, size_bytes, other, sizeof other);
        good = good && crossed <= sizeof other;
    }
    return good && odd;
}

static void test_guides(void **state) {
    (void)state;
    in_child(geometry_is_the_real_one);
    in_child(records_are_naive);
    in_child(there_are_no_genes);
    in_child(bytes_are_mutated);
    assert_true(guide_among("swarm,records", GUIDE_STRUCTURE) && !guide_among("swarm", GUIDE_STRUCTURE));
    assert_true(guide_names_are_good("geometry,genes") && !guide_names_are_good("geometry,luck"));
    assert_true(guide_is_there(GUIDE_GEOMETRY));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_total_and_plain),
        cmocka_unit_test(test_names_live_blocks),
        cmocka_unit_test(test_reads_from_the_end),
        cmocka_unit_test(test_says_sizes),
        cmocka_unit_test(test_guides),
    };
    return cmocka_run_group_tests_name("naive", tests, NULL, NULL);
}
