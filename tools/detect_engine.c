/* detect_engine: the unguided engine: generate programs, mutate recent ones. It is the baseline a guided engine has to
 * beat, and it needs nothing but this process. One random generator a trial, seeded by the trial's number, decides
 * everything. */
#include <string.h>

#include "oracle/mutate.h"
#include "oracle/program.h"
#include "tools/detect.h"
#include "tools/guard.h"

enum {
    RECENT = 64,       /* programs that can be mutated or crossed */
    RECORDS_LEAST = 8, /* of a generated program */
    RECORDS_SPAN = 121,
    REPLAY_EVERY = 64, /* an input in so many runs twice: what differs is nondeterminism */
};

struct engine {
    struct mutate_random random;
    unsigned count;
    size_t sizes_bytes[RECENT];
    uint8_t recent[RECENT][DETECT_CANDIDATE_BYTES_MAX];
    struct detect_candidate *candidate; /* what runs next */
};

static void generate(struct engine *engine) {
    unsigned records = RECORDS_LEAST + mutate_below(&engine->random, RECORDS_SPAN);
    engine->candidate->size_bytes =
        mutate_generate(&engine->random, records, engine->candidate->bytes, DETECT_CANDIDATE_BYTES_MAX);
}

static void propose(struct engine *engine) {
    uint32_t die = mutate_below(&engine->random, 8);
    if (engine->count < RECENT || die < 2) {
        generate(engine);
        return;
    }
    uint32_t a = mutate_below(&engine->random, RECENT);
    if (die == 2) {
        uint32_t b = mutate_below(&engine->random, RECENT);
        engine->candidate->size_bytes =
            mutate_cross(&engine->random, engine->recent[a], engine->sizes_bytes[a], engine->recent[b],
                         engine->sizes_bytes[b], engine->candidate->bytes, DETECT_CANDIDATE_BYTES_MAX);
        return;
    }
    memcpy(engine->candidate->bytes, engine->recent[a], engine->sizes_bytes[a]);
    engine->candidate->size_bytes = engine->sizes_bytes[a];
    for (uint32_t rounds = 1 + mutate_below(&engine->random, 4); rounds > 0; rounds--) {
        engine->candidate->size_bytes = mutate(&engine->random, engine->candidate->bytes, engine->candidate->size_bytes,
                                               DETECT_CANDIDATE_BYTES_MAX);
    }
}

static void keep(struct engine *engine) {
    uint32_t at = engine->count < RECENT ? engine->count++ : mutate_below(&engine->random, RECENT);
    memcpy(engine->recent[at], engine->candidate->bytes, engine->candidate->size_bytes);
    engine->sizes_bytes[at] = engine->candidate->size_bytes;
}

/* Run the candidate; CHECK_NONDETERMINISM when it is one of those that run twice and differs. */
static enum check run_candidate(const struct detect_plan *plan, const struct engine *engine, struct detect_trial *trial,
                                struct verdict *verdict) {
    const struct target_info *target = plan->target;
    struct program program;
    program_read(&program, engine->candidate->bytes, engine->candidate->size_bytes);
    enum check check = world_run(target, &program, NULL, verdict);
    trial->executions++;
    if (trial->first_reached == 0 && verdict->fault_reached > 0) {
        trial->first_reached = trial->executions;
    }
    if (trial->first_triggered == 0 && verdict->fault_triggered > 0) {
        trial->first_triggered = trial->executions;
    }
    if (check == CHECK_NONE && trial->executions % REPLAY_EVERY == 0 && trial->executions < plan->max_runs) {
        struct verdict again;
        world_run(target, &program, NULL, &again);
        trial->executions++;
        if (again.check != CHECK_NONE || again.trace_hash != verdict->trace_hash) {
            check = CHECK_NONDETERMINISM;
        }
    }
    return check;
}

void detect_run_trial(const struct detect_plan *plan, uint64_t seed, struct detect_trial *trial,
                      struct detect_candidate *candidate) {
    static struct engine engine;
    memset(&engine, 0, sizeof engine);
    engine.candidate = candidate;
    mutate_seed_for(&engine.random, seed, plan->target);
    world_arm_fault(plan->fault->name);
    while (trial->executions < plan->max_runs) {
        struct verdict verdict;
        propose(&engine);
        guard_begin(plan->fault->name);
        enum check check = run_candidate(plan, &engine, trial, &verdict);
        if (check != CHECK_NONE) {
            trial->found = true;
            snprintf(trial->check, sizeof trial->check, "%s", check_table[check].id);
            break;
        }
        keep(&engine);
    }
    guard_end();
    trial->done = true;
}
