/* detect_builtin: the unguided engine: generate programs, mutate recent ones. It needs nothing but this process, which
 * it may take down: a fault may overwrite the tool itself, and a sanitizer ends it. One random generator a trial,
 * seeded by the trial's number, decides everything. */
#include <signal.h>
#include <string.h>

#include "oracle/guide.h"
#include "oracle/guided.h"
#include "tools/detect.h"
#include "tools/guard.h"

enum { REPLAY_EVERY = 64 }; /* an input in so many runs twice: what differs is nondeterminism */

/* Run the candidate; CHECK_NONDETERMINISM when it is one of those that run twice and differs. */
static enum check run_candidate(const struct detect_plan *plan, const struct proposal *candidate,
                                struct detect_trial *trial, struct verdict *verdict) {
    const struct target_info *target = plan->target;
    struct program program;
    guided_read(&program, target, candidate->bytes, candidate->size_bytes);
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

void detect_run_trial(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared) {
    static struct proposer proposer;
    static struct proposal candidate;
    _Static_assert(sizeof candidate.bytes <= sizeof shared->bytes, "what is found can be kept");
    struct detect_trial *trial = &shared->trial;
    propose_begin(&proposer, seed, plan->target);
    world_arm_fault(plan->fault->name);
    while (trial->executions < plan->max_runs) {
        struct verdict verdict;
        propose(&proposer, &candidate);
        memcpy(shared->bytes, candidate.bytes, candidate.size_bytes);
        shared->size_bytes = candidate.size_bytes;
        guard_begin(plan->fault->name);
        enum check check = run_candidate(plan, &candidate, trial, &verdict);
        if (check != CHECK_NONE) {
            trial->found = true;
            snprintf(trial->check, sizeof trial->check, "%s", check_table[check].id);
            break;
        }
        propose_keep(&proposer, &candidate);
    }
    guard_end();
    trial->done = true;
}

bool detect_builtin(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared) {
    signal(SIGINT, SIG_IGN); /* it is the pool that is interrupted, and ends us */
    signal(SIGTERM, SIG_DFL);
    (void)guide_take_away(plan->without); /* names that were looked at */
    detect_run_trial(plan, seed, shared);
    return true;
}
