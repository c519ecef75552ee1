/* Recordings: what is written is read again; nothing that is not a recording is believed; slices mean what they were
 * cut from; the table of live blocks agrees with a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include "tools/raw_live.h"
#include "tools/recording.h"
#include "tools/slice_choose.h"
#include "tools/slice_cut.h"

enum { OPS = 4000, THREADS = 5, FILE_BYTES_MAX = 1 << 20 };

static char path[] = "/tmp/test_recording-XXXXXX";
static struct recording_op ops[OPS]; /* as they are written, then as they must be read */
static struct recording_totals written;

static uint32_t draw(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* A made-up history: half of the time something is made, else a live block is freed or reallocated. */
static void make_history(void) {
    static uint32_t live[OPS];
    uint32_t live_count = 0, objects = 0, threads = 0;
    uint64_t state = 1;
    for (unsigned i = 0; i < OPS; i++) {
        struct recording_op *op = &ops[i];
        *op = (struct recording_op){.thread = draw(&state) % THREADS};
        op->thread = op->thread < threads ? op->thread : threads;
        threads += op->thread == threads;
        if (live_count == 0 || draw(&state) % 2 == 0) {
            op->kind = (enum recording_kind)(RECORDING_MALLOC + draw(&state) % 5);
            op->object = objects++;
            op->size_bytes = (uint64_t)draw(&state) >> draw(&state) % 32;
            op->align_shift = recording_is_aligned(op->kind) ? (uint8_t)(4 + draw(&state) % 9) : 0;
            live[live_count++] = op->object;
        } else {
            uint32_t which = draw(&state) % live_count;
            op->object = live[which];
            op->kind = draw(&state) % 3 == 0 ? RECORDING_REALLOC : RECORDING_FREE;
            op->size_bytes = op->kind == RECORDING_REALLOC ? draw(&state) % 5000 : 0;
            if (op->kind == RECORDING_FREE) {
                live[which] = live[--live_count];
            }
        }
    }
    ops[OPS - 1] = (struct recording_op){.kind = RECORDING_THREAD_END, .thread = THREADS - 1};
}

static int write_history(void **state) {
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    make_history();
    struct recording_writer *writer =
        recording_create(path, &(struct recording_head){.program = "test", .inherited = 3});
    assert_non_null(writer);
    for (unsigned i = 0; i < OPS; i++) {
        recording_put(writer, &ops[i]);
    }
    assert_true(recording_finish(writer, &written));
    return 0;
}

static int remove_history(void **state) {
    (void)state;
    return unlink(path);
}

/* --- reading and writing --- */

static void test_what_is_written_is_read(void **state) {
    (void)state;
    char why[RECORDING_WHY_BYTES];
    struct recording_reader *reader = recording_open(path, why);
    assert_non_null(reader);
    assert_string_equal(recording_head(reader)->program, "test");
    assert_int_equal(recording_head(reader)->inherited, 3);
    static uint64_t sizes[OPS];
    static uint32_t owners[OPS];
    uint64_t live_bytes = 0, peak_bytes = 0, remote = 0;
    for (unsigned i = 0; i < OPS; i++) {
        struct recording_op op;
        assert_int_equal(recording_next(reader, &op, why), RECORDING_OP);
        assert_int_equal(op.kind, ops[i].kind);
        assert_int_equal(op.thread, ops[i].thread);
        if (op.kind == RECORDING_THREAD_END) {
            continue;
        }
        assert_int_equal(op.object, ops[i].object);
        assert_int_equal(op.align_shift, ops[i].align_shift);
        if (!recording_kinds[op.kind].makes) {
            assert_int_equal(op.before_bytes, sizes[op.object]);
            assert_int_equal(op.owner, owners[op.object]);
            live_bytes -= sizes[op.object];
            remote += owners[op.object] != op.thread;
        }
        if (op.kind == RECORDING_FREE) {
            assert_int_equal(op.size_bytes, sizes[op.object]);
        } else {
            assert_int_equal(op.size_bytes, ops[i].size_bytes);
            live_bytes += op.size_bytes;
        }
        sizes[op.object] = op.size_bytes;
        owners[op.object] = op.thread;
        peak_bytes = live_bytes > peak_bytes ? live_bytes : peak_bytes;
    }
    struct recording_op none;
    assert_int_equal(recording_next(reader, &none, why), RECORDING_END);
    const struct recording_totals *totals = recording_totals(reader);
    assert_memory_equal(totals, &written, sizeof written);
    assert_int_equal(totals->operations, OPS);
    assert_int_equal(totals->threads, THREADS);
    assert_int_equal(totals->live_bytes, live_bytes);
    assert_int_equal(totals->peak_live_bytes, peak_bytes);
    assert_int_equal(totals->remote_frees, remote);
    recording_close(reader);
}

/* Read to the end; what came of it. */
static enum recording_read read_through(const char *name, char *why) {
    struct recording_reader *reader = recording_open(name, why);
    enum recording_read outcome = reader != NULL ? RECORDING_OP : RECORDING_DAMAGED;
    struct recording_op op;
    while (outcome == RECORDING_OP) {
        outcome = recording_next(reader, &op, why);
    }
    if (reader != NULL) {
        recording_close(reader);
    }
    return outcome;
}

static void write_file(const char *name, const unsigned char *bytes, size_t size_bytes) {
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size_bytes, file), size_bytes);
    assert_int_equal(fclose(file), 0);
}

static void test_damage_is_noticed(void **state) {
    (void)state;
    static unsigned char bytes[FILE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size_bytes = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(size_bytes > 1000 && size_bytes < sizeof bytes);
    char copy[sizeof path + 4], why[RECORDING_WHY_BYTES];
    snprintf(copy, sizeof copy, "%s.bad", path);
    write_file(copy, bytes, size_bytes);
    assert_int_equal(read_through(copy, why), RECORDING_END);
    for (size_t at = 0; at < size_bytes; at += at < 64 ? 1 : 97) {
        write_file(copy, bytes, at);
        assert_int_equal(read_through(copy, why), RECORDING_DAMAGED);
        assert_true(why[0] != '\0' && strchr(why, '\n') == NULL);
        bytes[at] ^= 0x10;
        write_file(copy, bytes, size_bytes);
        /* zstd's frame has a few bits that mean nothing; content that differs must not pass. */
        if (read_through(copy, why) != RECORDING_DAMAGED && at != 8 + 4) {
            fail_msg("byte %zu of %zu may be anything", at, size_bytes);
        }
        bytes[at] ^= 0x10;
    }
    unlink(copy);
}

/* Rules that checksums do not see: a writer that breaks them makes no recording. */
static void test_nonsense_is_not_written(void **state) {
    (void)state;
    static const struct recording_op nonsense[] = {
        {.kind = RECORDING_FREE, .object = 1},   /* not made yet */
        {.kind = RECORDING_MALLOC, .thread = 2}, /* thread 1 did not begin */
        {.kind = RECORDING_MALLOC, .size_bytes = RECORDING_SIZE_MAX + 1},
        {.kind = RECORDING_MEMALIGN, .align_shift = RECORDING_ALIGN_SHIFT_MAX + 1},
    };
    char copy[sizeof path + 4];
    snprintf(copy, sizeof copy, "%s.bad", path);
    for (unsigned i = 0; i <= sizeof nonsense / sizeof nonsense[0]; i++) {
        struct recording_writer *writer = recording_create(copy, &(struct recording_head){.program = "test"});
        struct recording_totals totals;
        recording_put(writer, &(struct recording_op){.kind = RECORDING_MALLOC, .size_bytes = 8});
        if (i < sizeof nonsense / sizeof nonsense[0]) {
            recording_put(writer, &nonsense[i]);
        }
        assert_int_equal(recording_finish(writer, &totals), i == sizeof nonsense / sizeof nonsense[0]);
    }
    unlink(copy);
}

/* The same rules where nobody wrote a proper file: a checksum says nothing about sense. */
static void test_nonsense_is_not_read(void **state) {
    (void)state;
    enum { MALLOC = 1, FREE = 7, END = 9, THREAD = 0x10 };
    static const struct {
        const char *why; /* NULL: it is fine */
        unsigned char bytes[24];
        unsigned size_bytes;
    } files[] = {
        {NULL, {0, 0, 0, 0, 0, 0, 0}, 7},
        {NULL, {0, 0, MALLOC, 8, FREE, 0, 0, 2, 1, 1, 8}, 11},
        {"totals", {0, 0, MALLOC, 8, FREE, 0, 0, 2, 1, 1, 9}, 11},
        {"totals", {0, 0, MALLOC, 8, FREE, 0, 0, 3, 1, 1, 8}, 11},
        {"not live", {0, 0, MALLOC, 8, FREE, 0, FREE, 0, 0, 3, 1, 1, 8}, 13},
        {"not live", {0, 0, MALLOC, 8, FREE, 1, 0, 2, 1, 1, 8}, 11},
        {"out of order", {0, 0, MALLOC | THREAD, 1, 8, 0, 1, 1, 1, 8}, 10},
        {"after its end", {0, 0, END, MALLOC, 8, 0, 2, 1, 1, 8}, 10},
        {"of no kind", {0, 0, 15, 0, 1, 0, 0, 0}, 8},
        {"of no kind", {0, 0, MALLOC | 0x20, 8, 0, 1, 1, 1, 8}, 9},
        {"inherits", {0, 1, 0, 0, 0, 0, 0}, 7},
        {"behind its end", {0, 0, 0, 0, 0, 0, 0, 0}, 8},
        {"ends inside", {0, 0, MALLOC}, 3},
        {"too long", {0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}, 12},
        {"name is too long", {64, 0}, 2},
        {"beyond all memory", {0, 0, 5, 8, 48, 0, 1, 1, 1, 8}, 10},
    };
    char copy[sizeof path + 4], why[RECORDING_WHY_BYTES];
    snprintf(copy, sizeof copy, "%s.bad", path);
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
        unsigned char file[200] = "hakrec1\n";
        size_t packed = ZSTD_compress(file + 8, sizeof file - 8, files[i].bytes, files[i].size_bytes, 1);
        assert_false(ZSTD_isError(packed));
        write_file(copy, file, packed + 8);
        enum recording_read outcome = read_through(copy, why);
        if (outcome != (files[i].why == NULL ? RECORDING_END : RECORDING_DAMAGED) ||
            (files[i].why != NULL && strstr(why, files[i].why) == NULL)) {
            fail_msg("file %u: '%s', not '%s'", i, why, files[i].why != NULL ? files[i].why : "fine");
        }
    }
    unlink(copy);
}

/* --- slices --- */

static void test_sizes_are_as_near_as_can_be(void **state) {
    (void)state;
    for (uint64_t size_bytes = 0; size_bytes < 5000; size_bytes++) {
        struct record record = {0};
        slice_size(size_bytes, &record);
        uint64_t said = record_size_bytes(&record);
        if (size_bytes <= 2048 + 127) {
            assert_int_equal(said, size_bytes);
        }
    }
    struct record record = {0};
    slice_size(24, &record); /* as far from 16 as from 32 */
    assert_int_equal(program_boundaries[record.boundary].value_bytes, 16);
    slice_size(3 * 1024 * 1024 - 5, &record); /* between 2m and 4m */
    assert_int_equal(record_size_bytes(&record), 2 * 1024 * 1024 + 127);
    slice_size(4 * 1024 * 1024 - 128, &record);
    assert_int_equal(record_size_bytes(&record), 4 * 1024 * 1024 - 128);
    slice_size(RECORDING_SIZE_MAX, &record);
    assert_true(record_size_bytes(&record) == RECORDING_SIZE_MAX);
}

static struct slice_source load(void) {
    struct slice_source source = {.ops = calloc(OPS, sizeof *source.ops), .places = calloc(OPS, 1)};
    char why[RECORDING_WHY_BYTES];
    struct recording_reader *reader = recording_open(path, why);
    for (unsigned i = 0; i < OPS; i++) {
        assert_int_equal(recording_next(reader, &source.ops[i], why), RECORDING_OP);
    }
    source.head = *recording_head(reader);
    source.totals = *recording_totals(reader);
    recording_close(reader);
    return source;
}

static void unload(struct slice_source *source) {
    free(source->ops);
    free(source->places);
}

/* Every record applies: nothing is made where something is, nothing is freed where nothing is. */
static void check_piece(const struct slice_program *piece, unsigned records) {
    struct program program;
    program_read(&program, piece->bytes, piece->size_bytes);
    assert_true(program.record_count > 0 && program.record_count <= records);
    bool taken[PROGRAM_SLOTS_MAX] = {false};
    for (uint32_t i = 0; i < program.record_count; i++) {
        struct record record = program_record(&program, i);
        switch (record.op) {
        case OP_FREE:
        case OP_FREE_SIZED:
            assert_true(taken[record.slot]);
            taken[record.slot] = false;
            break;
        case OP_REALLOC:
            assert_true(taken[record.slot]);
            break;
        case OP_THREAD_END:
            assert_true(record.thread != 0);
            break;
        default:
            assert_false(taken[record.slot]);
            taken[record.slot] = true;
        }
        assert_true(i >= piece->before || record.op != OP_FREE);
    }
}

static void test_slices_are_whole(void **state) {
    (void)state;
    static struct slice_program piece, again;
    struct slice_source source = load();
    uint64_t end;
    unsigned from_before = 0, remote = 0, reallocs = 0;
    for (uint64_t first = 0; first < OPS; first += 111) {
        unsigned records = 8 + (unsigned)(first % 200);
        slice_cut(&source, first, records, &piece, &end);
        assert_true(end > first && end <= OPS);
        check_piece(&piece, records);
        slice_cut(&source, first, records, &again, &end);
        assert_memory_equal(&piece, &again, sizeof piece);
        from_before += piece.before;
        remote += piece.remote_frees;
        reallocs += piece.reallocs;
    }
    assert_true(from_before > 0 && remote > 0 && reallocs > 0);
    unload(&source);
}

static void test_windows_differ(void **state) {
    (void)state;
    struct slice_source source = load();
    /* A stretch that is like nothing else: it must be among the first that are chosen. */
    for (unsigned i = 1000; i < 1100; i++) {
        source.ops[i].kind = RECORDING_REALLOC;
        source.ops[i].object = 7;
        source.ops[i].size_bytes = 100 + i;
        source.ops[i].thread = 0;
    }
    uint64_t firsts[8];
    assert_int_equal(slice_choose(&source, 100, 8, firsts), 8);
    bool found = false;
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(firsts[i] % 100, 0);
        for (unsigned j = 0; j < i; j++) {
            assert_true(firsts[i] != firsts[j]);
        }
        found = found || (i < 2 && firsts[i] == 1000);
    }
    assert_true(found);
    assert_int_equal(slice_choose(&source, 2 * OPS, 8, firsts), 1);
    unload(&source);
}

/* --- live blocks --- */

static void test_live_blocks_are_found(void **state) {
    (void)state;
    enum { ADDRESSES = 3000, STEPS = 100000 };
    static bool live[ADDRESSES];
    struct raw_live table = {0};
    struct raw_block block;
    uint64_t random = 2;
    size_t count = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t which = draw(&random) % ADDRESSES;
        uint64_t address = 0x7f0000000010 + (uint64_t)which * 48;
        bool taken = raw_live_take(&table, address, &block);
        assert_int_equal(taken, live[which]);
        assert_true(!taken || (block.address == address && block.object == which));
        if (!taken) {
            assert_true(raw_live_put(&table, &(struct raw_block){.address = address, .object = which}));
        }
        live[which] = !taken;
        count = taken ? count - 1 : count + 1;
        assert_int_equal(table.count, count);
    }
    struct raw_block *list = raw_live_list(&table);
    for (size_t i = 1; i < count; i++) {
        assert_true(list[i - 1].object < list[i].object && live[list[i].object]);
    }
    free(list);
    raw_live_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_damage_is_noticed),
        cmocka_unit_test(test_nonsense_is_not_written),
        cmocka_unit_test(test_nonsense_is_not_read),
        cmocka_unit_test(test_sizes_are_as_near_as_can_be),
        cmocka_unit_test(test_slices_are_whole),
        cmocka_unit_test(test_windows_differ),
        cmocka_unit_test(test_live_blocks_are_found),
    };
    return cmocka_run_group_tests_name("recording", tests, write_history, remove_history);
}
