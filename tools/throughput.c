/* throughput: see the header. Programs come from the generator with seeds 1, 2, 3...; only those with exactly 64
 * records are taken, and malloc_many and free_many, which are many operations in one record, are switched off in their
 * headers: so an execution is 64 operations, of which some find nothing to do, as in fuzzing. */
#include "tools/throughput.h"

#include <string.h>

#include "oracle/mutate.h"
#include "oracle/program.h"
#include "oracle/world.h"
#include "tools/guard.h"
#include "tools/terminal.h"

enum { SEEDS_MAX = 1 << 16, CAPACITY = PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * 1024, BATCH = 64 };

_Static_assert(THROUGHPUT_BYTES_MAX ==
                   PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * (THROUGHPUT_RECORDS + PROGRAM_GENES_MAX),
               "a pool entry holds the largest program of 64 records");

/* Three threads, a few records each in turn, that are switched as often as in what the mutator makes; or none that are.
 */
static void set_schedule(struct program_header *header, uint8_t *units, uint8_t *genes, uint32_t gene_count,
                         enum throughput_schedule schedule, uint64_t seed) {
    enum { THREADS = 3, RECORDS_IN_TURN = 4, MODE_PERIOD = 6 };
    bool switching = schedule == THROUGHPUT_SWITCHING;
    header->mode = switching && seed % MODE_PERIOD < MODE_COUNT ? (enum program_mode)(seed % MODE_PERIOD) : MODE_GENES;
    header->mode_seed = (uint8_t)(seed * 37);
    header->weak = schedule == THROUGHPUT_WEAK;
    for (uint32_t i = 0; switching && i < THROUGHPUT_RECORDS; i++) {
        uint8_t *thread = units + (size_t)i * PROGRAM_RECORD_BYTES + 1;
        *thread = (uint8_t)((*thread + i / RECORDS_IN_TURN) % THREADS);
    }
    for (uint32_t i = 0; i < gene_count; i++) {
        struct gene gene = gene_read(genes + (size_t)i * PROGRAM_RECORD_BYTES);
        gene.yield = (uint8_t)(!switching ? 0 : gene.yield == 0 ? 1 : gene.yield);
        gene.kind = GENE_HOLD;
        gene_write(&gene, genes + (size_t)i * PROGRAM_RECORD_BYTES);
    }
}

/* A program of exactly 64 records; its size, or 0 when this seed gives another length. */
static size_t generate(uint64_t seed, enum throughput_schedule schedule, uint8_t *bytes) {
    uint8_t wide[CAPACITY];
    struct mutate_random random;
    struct program program;
    mutate_seed(&random, seed);
    size_t size_bytes = mutate_generate(&random, THROUGHPUT_RECORDS, wide, sizeof wide);
    program_read(&program, wide, size_bytes);
    if (program.record_count < THROUGHPUT_RECORDS || program.tail_bytes != 0 ||
        (schedule == THROUGHPUT_SWITCHING && program.gene_count == 0)) {
        return 0;
    }
    size_t kept = PROGRAM_HEADER_BYTES + (size_t)THROUGHPUT_RECORDS * PROGRAM_RECORD_BYTES;
    size_t genes_bytes = (size_t)program.gene_count * PROGRAM_RECORD_BYTES;
    memcpy(bytes, wide, kept);
    struct program_header header = program.header;
    header.ops_off |= UINT32_C(1) << OP_MALLOC_MANY | UINT32_C(1) << OP_FREE_MANY;
    memcpy(bytes + kept, wide + size_bytes - genes_bytes, genes_bytes);
    set_schedule(&header, bytes + PROGRAM_HEADER_BYTES, bytes + kept, program.gene_count, schedule, seed);
    program_header_write(&header, bytes);
    return kept + genes_bytes;
}

void throughput_pool_make(struct throughput_pool *pool, const struct target_info *target,
                          enum throughput_schedule schedule) {
    uint64_t switches_before = world_totals().switches;
    memset(pool, 0, sizeof *pool);
    pool->target = target;
    uint64_t operations = 0;
    for (uint64_t seed = 1;
         pool->count < THROUGHPUT_PROGRAMS && pool->findings < THROUGHPUT_PROGRAMS && seed <= SEEDS_MAX; seed++) {
        uint8_t *bytes = pool->bytes[pool->count];
        size_t size_bytes = generate(seed, schedule, bytes);
        struct program program;
        struct verdict verdict;
        program_read(&program, bytes, size_bytes);
        guard_begin("the pool of bench fuzz");
        if (size_bytes > 0 && world_run(target, &program, NULL, &verdict) == CHECK_NONE) {
            pool->sizes_bytes[pool->count++] = (uint32_t)size_bytes;
            operations += verdict.operations;
        } else if (size_bytes > 0) {
            pool->findings++;
        }
        guard_end();
    }
    pool->operations = pool->count > 0 ? (double)operations / pool->count : 0;
    pool->switches = pool->count > 0 ? (double)(world_totals().switches - switches_before) / pool->count : 0;
}

double throughput_measure(const struct throughput_pool *pool, double seconds) {
    uint64_t begin_ns = clock_ns();
    uint64_t limit_ns = (uint64_t)(seconds * 1e9);
    uint64_t elapsed_ns = 0;
    uint64_t executions = 0;
    for (unsigned next = 0; elapsed_ns < limit_ns || elapsed_ns == 0; elapsed_ns = clock_ns() - begin_ns) {
        guard_begin("the pool of bench fuzz");
        for (unsigned i = 0; i < BATCH; i++) {
            struct program program;
            struct verdict verdict;
            program_read(&program, pool->bytes[next], pool->sizes_bytes[next]);
            world_run(pool->target, &program, NULL, &verdict);
            next = next + 1 < pool->count ? next + 1 : 0;
        }
        executions += BATCH;
    }
    guard_end();
    return (double)executions * 1e9 / (double)elapsed_ns;
}

/* Mode random: seed modulo 4 is the window, a quarter of it the gap. Returns seconds an execution, and sets switches.
 */
static double measure_with_seed(struct throughput_pool *pool, uint8_t seed, double seconds, double *switches) {
    for (unsigned i = 0; i < pool->count; i++) {
        struct program program;
        program_read(&program, pool->bytes[i], pool->sizes_bytes[i]);
        program.header.mode = MODE_RANDOM;
        program.header.mode_seed = seed;
        program_header_write(&program.header, pool->bytes[i]);
    }
    struct world_totals before = world_totals();
    double per_second = throughput_measure(pool, seconds);
    struct world_totals after = world_totals();
    *switches = (double)(after.switches - before.switches) / (double)(after.executions - before.executions);
    return 1 / per_second;
}

double throughput_switch_ns(struct throughput_pool *pool, double seconds) {
    enum { WINDOW = 2, GAP_SHORTEST = 4 * 0, GAP_LONGEST = 4 * 7 };
    double many, few;
    double many_s = measure_with_seed(pool, WINDOW + GAP_SHORTEST, seconds / 2, &many);
    double few_s = measure_with_seed(pool, WINDOW + GAP_LONGEST, seconds / 2, &few);
    return (many_s - few_s) * 1e9 / (many - few);
}
