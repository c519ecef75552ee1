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

/* A program of exactly 64 records; its size, or 0 when this seed gives another length. */
static size_t generate(uint64_t seed, uint8_t *bytes) {
    uint8_t wide[CAPACITY];
    struct mutate_random random;
    struct program program;
    mutate_seed(&random, seed);
    size_t size_bytes = mutate_generate(&random, THROUGHPUT_RECORDS, wide, sizeof wide);
    program_read(&program, wide, size_bytes);
    if (program.record_count < THROUGHPUT_RECORDS || program.tail_bytes != 0) {
        return 0;
    }
    size_t kept = PROGRAM_HEADER_BYTES + (size_t)THROUGHPUT_RECORDS * PROGRAM_RECORD_BYTES;
    size_t genes_bytes = (size_t)program.gene_count * PROGRAM_RECORD_BYTES;
    memcpy(bytes, wide, kept);
    struct program_header header = program.header;
    header.ops_off |= UINT32_C(1) << OP_MALLOC_MANY | UINT32_C(1) << OP_FREE_MANY;
    program_header_write(&header, bytes);
    memcpy(bytes + kept, wide + size_bytes - genes_bytes, genes_bytes);
    return kept + genes_bytes;
}

void throughput_pool_make(struct throughput_pool *pool, const struct target_info *target) {
    memset(pool, 0, sizeof *pool);
    pool->target = target;
    uint64_t operations = 0;
    for (uint64_t seed = 1;
         pool->count < THROUGHPUT_PROGRAMS && pool->findings < THROUGHPUT_PROGRAMS && seed <= SEEDS_MAX; seed++) {
        uint8_t *bytes = pool->bytes[pool->count];
        size_t size_bytes = generate(seed, bytes);
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
