/* detect: how many executions until a fault of the catalogue is found, from an empty corpus.
 *
 * A *series* is one fault looked for by one engine, which may go without some guides, in several *trials* with seeds 1,
 * 2, 3... The pool (detect_pool.c) carries out all trials of all series, each in a process of its own, some side by
 * side; a store keeps what is done. What is left over are outcomes, which the writers put in tables. Trials that find
 * nothing are cut off, and counted as that. */
#ifndef HAKMEM_TOOLS_DETECT_H
#define HAKMEM_TOOLS_DETECT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/fault.h"
#include "oracle/world.h"
#include "tools/propose.h"
#include "tools/stats.h"
#include "tools/tally.h"

enum { DETECT_TRIALS_MAX = 1000, DETECT_JOBS_MAX = 256, DETECT_WITHOUT_BYTES_MAX = 160 };

enum { DETECT_SECONDS_MAX = 600 }; /* of a trial, unless told; engine real only */

struct detect_trial {
    bool done; /* false: not carried out, or interrupted */
    bool found;
    bool without_fault;     /* the input that was found fails with the fault disarmed too: a bug, not this fault */
    uint64_t executions;    /* up to the finding, or all of them */
    uint64_t first_reached; /* execution that first passed the fault's place; 0 never or not known */
    uint64_t first_triggered;
    double seconds;      /* that it took, beside others */
    double core_seconds; /* processor time of all its processes */
    char check[TALLY_NAME_BYTES_MAX];
};

/* What a trial's process and the pool share. */
struct detect_shared {
    struct detect_trial trial;
    size_t size_bytes; /* of the input that was found; 0: not known */
    uint8_t bytes[PROGRAM_BYTES_MAX];
};

struct detect_plan {
    const struct detect_engine *engine;
    const struct fault_info *fault;
    const struct target_info *target; /* the fault's, unless another one is asked for */
    char
        without[DETECT_WITHOUT_BYTES_MAX]; /* guides that are taken away (guide.h), the engine's own too; "" for none */
    uint64_t max_runs;                     /* executions before a trial gives up */
    unsigned max_seconds;                  /* likewise; engine real only */
};

struct detect_engine {
    const char *name;
    const char *meaning;
    const char *binary;  /* what runs, in front of the target's name and seen from a build tree; "" this tool itself */
    const char *without; /* guides that it never has */
    bool reached_known;  /* also in trials that found nothing */
    bool alone;          /* one trial at a time has the machine to itself */
    bool dies;           /* programs run in the trial's own process: if that dies, it has found something */
    /* One trial, in a process of its own; what it stores is meaningful at any moment. False with a message when the
     * engine cannot run at all; a trial that is interrupted is not done. */
    bool (*run)(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared);
};

/* name, meaning, binary, without, reached_known, alone, dies, function */
#define DETECT_ENGINE_TABLE(X)                                                                                         \
    X("builtin", "makes programs and changes them, sees no coverage", "", "", true, false, true, detect_builtin)       \
    X("libfuzzer", "libFuzzer and our mutator", "../fuzz/fuzz_", "", false, false, false, detect_libfuzzer)            \
    X("afl", "AFL++ and our mutator", "../afl/fuzz_", "", false, false, false, detect_afl)                             \
    X("naive", "libFuzzer with the harness of an hour (oracle/naive.h), from nothing: the baseline", "../fuzz/fuzz_",  \
      "records,states,switch-pairs", false, false, false, detect_libfuzzer)                                            \
    X("naive-builtin", "the same harness on bytes that builtin makes, many at once", "", "records", true, false, true, \
      detect_builtin)                                                                                                  \
    X("real", "the programs of builtin on real threads", "", "", true, true, false, detect_real)

bool detect_builtin(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared);
bool detect_libfuzzer(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared);
bool detect_afl(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared);
bool detect_real(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared);

/* NULL when there is none of that name. */
const struct detect_engine *detect_engine_find(const char *name);
const char *detect_engine_name(unsigned i); /* NULL behind the last */
/* The binary that a plan's trials run, to be freed; NULL when it is not built, and then says so. */
char *detect_binary(const struct detect_plan *plan);

/* --- carrying out --- */

struct detect_series {
    struct detect_plan plan;
    struct detect_trial *trials; /* trials[i] has seed i + 1 */
    uint64_t binary_hash;        /* of what runs; 0 without a store */
};

struct detect_list {
    struct detect_series *series;
    unsigned count, capacity;
    unsigned trials; /* of each */
};
/* Append a series and return its index; SIZE_MAX, with a message, when there is no memory or names are too long. */
size_t detect_list_add(struct detect_list *list, const struct detect_plan *plan);
void detect_list_free(struct detect_list *list);

/* Carry out all trials that are not done, `jobs` at once, seeds in turn: whenever it is cut, each series has about as
 * many. `store` may be NULL. False, with a message, when an engine cannot run or somebody wants to stop. The world is
 * open. */
bool detect_run(struct detect_list *list, unsigned jobs, const char *store);

/* One line of JSON a trial, appended with one write each, so that it is whole whenever the tool ends. */
struct detect_store;
/* Take the trials that it has of these series, with the same seed and binary, as done, as far as the limits allow; say
 * on standard error how many were of other binaries. Nobody else may have it open. NULL with a message. */
struct detect_store *detect_store_open(const char *path, struct detect_list *list);
bool detect_store_add(struct detect_store *store, const struct detect_series *series, unsigned trial);
void detect_store_close(struct detect_store *store);

/* One trial of the unguided engine, in this process, which may die of it. */
void detect_run_trial(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared);

/* Memory that processes forked from here share; NULL with a message. */
void *detect_map_shared(size_t bytes);
/* Fork; the child's output is read by nobody: reports of a faulty allocator are not news here. It dies with us. */
int detect_fork_silent(void);
/* Run an input in a process of its own, with or without the plan's fault and without what the plan goes without.
 * Whether it fails, or takes the process down; then *verdict holds what is known of it. */
bool detect_replay(const struct detect_plan *plan, bool with_fault, const uint8_t *bytes, size_t size_bytes,
                   struct verdict *verdict);

/* --- what it comes to --- */

struct detect_outcome {
    const struct detect_series *series;
    unsigned trials; /* done */
    unsigned found;
    unsigned expected; /* of these: by one of the checks that the catalogue expects */
    unsigned reached;
    unsigned triggered;
    unsigned without_fault;
    struct stats executions;   /* trials that found nothing count with all their executions */
    double executions_mean;    /* restricted to max_runs */
    struct stats core_seconds; /* likewise */
    double seconds;            /* of the longest trial */
    bool median_is_bound;
    struct tally checks;
};
void detect_outcome_of(const struct detect_series *series, unsigned trials, struct detect_outcome *outcome);
/* Found in every trial, and by the fault's doing. */
bool detect_outcome_is_good(const struct detect_outcome *outcome);
/* Of the executions until found, cut off ones included. Returns how many points there are; points[0..trials). */
size_t detect_outcome_survival(const struct detect_series *series, unsigned trials, struct stats_point *points);
/* "12", ">200000" */
void detect_outcome_median(const struct detect_outcome *outcome, char *words, size_t capacity);
/* "12 / 3 / 90", ">200000 / 31 / 200000": median, least, most. */
void detect_outcome_spread(const struct detect_outcome *outcome, char *words, size_t capacity);
/* Ranks of the executions of one series against those of another. */
struct stats_ranks detect_outcome_ranks(const struct detect_outcome *left, const struct detect_outcome *right);

/* --- what is printed --- */

enum detect_view { DETECT_TEXT, DETECT_MARKDOWN, DETECT_JSON, DETECT_CSV, DETECT_HTML };

/* Outcomes of all faults and engines: faults in order, and of each the engines in order; with `against`, that engine's
 * outcomes are others[i] beside outcomes[i]. */
struct detect_result {
    const struct detect_list *list;
    unsigned faults, engines, trials;
    uint64_t max_runs;
    const struct detect_engine *against;   /* NULL: none */
    const struct detect_outcome *outcomes; /* faults * engines */
    const struct detect_outcome *others;   /* faults; NULL */
};
void detect_print_text(const struct detect_result *result, bool markdown, FILE *out);
void detect_print_pairs(const struct detect_result *result, FILE *out);
void detect_print_csv(const struct detect_result *result, FILE *out);
cJSON *detect_json(const struct detect_result *result);
/* False when there was no memory for it. */
bool detect_page(const struct detect_result *result, FILE *out);

/* detect_ablation.c: the trials again without each guide (guide.h), printed as a table in Markdown or, with `json`, as
 * an object. `fault` NULL: those of its own table; `target` NULL: that of the table or of the fault. Returns the exit
 * code. The world is open. */
struct detect_settings {
    unsigned trials, jobs, max_seconds;
    uint64_t max_runs;
    const char *store;
};
int detect_ablation(const struct detect_engine *engine, const struct fault_info *fault,
                    const struct target_info *target, const struct detect_settings *settings, bool json);

/* Ordinary mistakes in the allocator instead of the catalogue's: `--mutants` anywhere on the command line hands all the
 * rest of it to tools/mutants, which takes the place of this process. True when it is there; *code says how it failed.
 */
bool detect_mutants(int argc, char **argv, int *code);

#endif
