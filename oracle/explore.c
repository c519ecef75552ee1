/* explore: the search. What is still to be tried is a list of nodes for each number of preemptions; a node is a
 * decision, and by its parents all those before it. */
#include "oracle/explore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/finding.h"
#include "oracle/lane.h"
#include "oracle/run.h"

/* Instead of the thread that would go on, and stands there, another does. */
struct decision {
    uint32_t parent; /* node; 0: none before it */
    uint16_t record;
    uint16_t yield;
    uint8_t to;
    uint64_t step; /* the state, and who makes a step from it */
};

struct numbers {
    uint32_t *list;
    size_t count;
    size_t capacity;
};

struct seen {
    uint64_t key; /* 0: nothing is here */
    uint64_t run;
};

struct set {
    struct seen *table;
    size_t count;
    size_t capacity; /* a power of two */
};

enum { DECISIONS_MAX = 4096, STACK_CLEARED_BYTES = 16 << 10 };

static struct {
    bool on;
    bool unreduced;
    bool passive; /* the rest of the run is left to itself */
    struct decision *nodes;
    size_t node_count;
    size_t node_capacity;
    struct numbers now;  /* to be tried with the bound that is being searched */
    struct numbers next; /* with one preemption more */
    struct set steps;
    struct set states;
    uint32_t node;                  /* the last decision of this run */
    uint32_t prefix[DECISIONS_MAX]; /* nodes up to that one */
    uint32_t prefix_count;
    uint32_t replayed;
    uint64_t run;
    struct explore_counts counts;
} search;

bool explore_is_on(void) {
    return search.on;
}

/* --- memory of the process --- */

_Noreturn static void no_memory(void) {
    fputs("hakmem: no memory is left for the search; explore a smaller program, or with fewer preemptions\n", stderr);
    exit(2);
}

static void *grown(void *list, size_t count, size_t *capacity, size_t item_bytes) {
    if (count < *capacity) {
        return list;
    }
    *capacity = *capacity == 0 ? 1024 : *capacity * 2;
    list = realloc(list, *capacity * item_bytes);
    if (list == NULL) {
        no_memory();
    }
    return list;
}

static void numbers_push(struct numbers *numbers, uint32_t number) {
    numbers->list = grown(numbers->list, numbers->count, &numbers->capacity, sizeof *numbers->list);
    numbers->list[numbers->count++] = number;
}

static uint32_t node_make(struct decision decision) {
    search.nodes = grown(search.nodes, search.node_count, &search.node_capacity, sizeof *search.nodes);
    search.nodes[search.node_count] = decision;
    return (uint32_t)search.node_count++;
}

static struct seen *set_place(const struct set *set, uint64_t key) {
    size_t at = key & (set->capacity - 1);
    while (set->table[at].key != 0 && set->table[at].key != key) {
        at = (at + 1) & (set->capacity - 1);
    }
    return &set->table[at];
}

static void set_grow(struct set *set) {
    struct set larger = {.count = set->count, .capacity = set->capacity == 0 ? 1 << 12 : set->capacity * 2};
    larger.table = calloc(larger.capacity, sizeof *larger.table);
    if (larger.table == NULL) {
        no_memory();
    }
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->table[i].key != 0) {
            *set_place(&larger, set->table[i].key) = set->table[i];
        }
    }
    free(set->table);
    *set = larger;
}

static bool set_has(const struct set *set, uint64_t key) {
    return set->capacity != 0 && set_place(set, key)->key != 0;
}

/* 0 when it is new, else the run that added it. */
static uint64_t set_add(struct set *set, uint64_t key) {
    if (2 * set->count >= set->capacity) {
        set_grow(set);
    }
    struct seen *seen = set_place(set, key);
    if (seen->key != 0) {
        return seen->run;
    }
    *seen = (struct seen){key, search.run};
    set->count++;
    return 0;
}

/* --- inside a run --- */

static uint64_t mixed(uint64_t value) {
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return (value ^ value >> 31) | 1; /* 0 is no key */
}

static uint64_t step_of(uint64_t state, uint8_t thread) {
    return mixed(state + (thread + 1U) * UINT64_C(0x9e3779b97f4a7c15));
}

_Noreturn static void leave_run(void) {
    search.counts.pruned++;
    run_abandon();
}

/* Those who may go on instead are to be tried: one place, one state. */
static void others_push(struct decision here, uint32_t threads, uint64_t state, bool is_free) {
    for (uint8_t to = 0; to < scheduler.threads; to++) {
        if ((threads >> to & 1) != 0) {
            here.to = to;
            here.step = step_of(state, to);
            numbers_push(is_free ? &search.now : &search.next, node_make(here));
        }
    }
}

uint8_t explore_choose(uint8_t next, uint32_t threads, bool is_free) {
    const struct lane *lane = &scheduler.lanes[next];
    struct decision here = {.parent = search.node,
                            .record = run.order[lane_rank(lane)],
                            .yield = (uint16_t)(lane_is_running(lane) ? lane->hot.yields : 0)};
    if (search.passive) {
        return next;
    }
    if (search.replayed < search.prefix_count) {
        const struct decision *decision = &search.nodes[search.prefix[search.replayed]];
        bool is_here = decision->record == here.record && decision->yield == here.yield;
        search.replayed += is_here;
        return is_here ? decision->to : next;
    }
    if (lane_is_running(lane) && lane->hot.yields > UINT16_MAX) {
        search.passive = true; /* no gene could say so; it is on its way to a livelock */
        return next;
    }
    uint64_t state = explore_state();
    uint32_t others = threads & ~(UINT32_C(1) << next);
    if (set_add(&search.states, mixed(state)) == 0) {
        search.counts.states++;
        search.counts.states_hash += mixed(state);
    }
    uint64_t before = set_add(&search.steps, step_of(state, next));
    if (before == search.run && !search.unreduced) { /* in a circle: it does not go on by itself */
        others_push(here, others, state, true);
        if (others == 0) {
            search.passive = true;
            return next;
        }
    }
    if (before != 0 && !search.unreduced) {
        leave_run();
    }
    others_push(here, others, state, is_free);
    return next;
}

void explore_end(void) {
    uint64_t state = mixed(explore_state());
    if (search.replayed < search.prefix_count) {
        finding_raise(CHECK_NONDETERMINISM, NULL, "a schedule that was begun once could not be begun again");
    }
    bool is_new = set_add(&search.states, state) == 0;
    if (is_new) {
        search.counts.states++;
        search.counts.states_hash += state;
        search.counts.ends++;
        search.counts.ends_hash += state;
    } else if (!search.unreduced && !search.passive) {
        leave_run();
    }
    search.passive = true;
}

/* --- runs --- */

static void prefix_make(uint32_t node) {
    uint32_t count = 0;
    for (uint32_t at = node; at != 0; at = search.nodes[at].parent) {
        count++;
    }
    search.prefix_count = count < DECISIONS_MAX ? count : 0; /* no program is so long that it counts */
    for (uint32_t at = node, i = search.prefix_count; i > 0; at = search.nodes[at].parent) {
        search.prefix[--i] = at;
    }
    search.replayed = 0;
}

/* What a run before left on the stacks would make states look unequal. */
static void stacks_clear(void) {
    for (uint32_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        const struct fiber *fiber = &run.threads[i].fiber;
        memset((char *)fiber->stack + fiber->stack_bytes - STACK_CLEARED_BYTES, 0, STACK_CLEARED_BYTES);
    }
}

static enum check run_once(const struct target_info *target, const struct program *program, uint32_t node, FILE *report,
                           struct verdict *verdict) {
    search.run++;
    search.node = node;
    search.passive = false;
    prefix_make(node);
    stacks_clear();
    search.on = true;
    enum check check = world_run(target, program, report, verdict);
    search.on = false;
    search.counts.schedules += !run.abandoned;
    return check;
}

/* A node's step may have been made by a run that was tried before it. */
static bool is_stale(uint32_t node) {
    if (node == 0 || search.unreduced) {
        return false;
    }
    search.run++; /* what is seen there again is no circle of the run to come */
    bool stale = set_add(&search.steps, search.nodes[node].step) != 0;
    search.counts.pruned += stale;
    return stale;
}

static bool next_is_new(void) {
    bool is_new = false;
    for (size_t i = 0; i < search.next.count && !is_new; i++) {
        is_new = search.unreduced || !set_has(&search.steps, search.nodes[search.next.list[i]].step);
    }
    return is_new;
}

/* All that one bound allows. */
static enum check search_bound(const struct target_info *target, const struct program *program,
                               const struct explore_limits *limits, FILE *report, struct verdict *verdict) {
    enum check check = CHECK_NONE;
    while (check == CHECK_NONE && search.now.count > 0 && !search.counts.stopped) {
        uint32_t node = search.now.list[--search.now.count];
        if (is_stale(node)) {
            continue;
        }
        check = run_once(target, program, node, report, verdict);
        search.counts.stopped = limits->goes_on != NULL && !limits->goes_on(limits->context, &search.counts);
    }
    return check;
}

/* The program with the decisions that the run made up to its finding as genes; they must fit. */
static void write_input(const struct target_info *target, const struct program *program,
                        struct explore_result *result) {
    if (search.prefix_count > PROGRAM_GENES_MAX) {
        return;
    }
    struct program_header header = program->header;
    header.gene_count = (uint8_t)search.prefix_count;
    size_t size_bytes = program->size_bytes + search.prefix_count * (size_t)PROGRAM_RECORD_BYTES;
    uint8_t *bytes = malloc(size_bytes);
    if (bytes == NULL) {
        return;
    }
    memcpy(bytes, program->bytes, program->size_bytes);
    program_header_write(&header, bytes);
    for (uint32_t i = 0; i < search.prefix_count; i++) {
        const struct decision *decision = &search.nodes[search.prefix[i]];
        const struct gene gene = {decision->record, decision->yield, decision->to, GENE_GO};
        gene_write(&gene, bytes + program->size_bytes + i * (size_t)PROGRAM_RECORD_BYTES);
    }
    struct program with_genes;
    struct verdict verdict;
    program_read(&with_genes, bytes, size_bytes);
    world_run(target, &with_genes, NULL, &verdict);
    result->bytes = bytes;
    result->size_bytes = size_bytes;
    result->replays = strcmp(verdict.signature, result->verdict.signature) == 0;
}

static void search_free(void) {
    free(search.nodes);
    free(search.now.list);
    free(search.next.list);
    free(search.steps.table);
    free(search.states.table);
    memset(&search, 0, sizeof search);
}

/* What a run knows of by address stands at the same place in every search, or states would not be equal. */
static struct {
    uint8_t bytes[PROGRAM_HEADER_BYTES + PROGRAM_RECORDS_MAX * PROGRAM_RECORD_BYTES];
    struct program program;
    struct verdict verdict;
} bare;

/* Without genes, mode and tail: header and records. */
static void bare_make(const struct program *program) {
    size_t records_bytes = program->record_count * (size_t)PROGRAM_RECORD_BYTES;
    struct program_header header = program->header;
    header.gene_count = 0;
    header.mode = MODE_GENES;
    header.mode_seed = 0;
    header.weak = false;
    program_header_write(&header, bare.bytes);
    if (records_bytes != 0) {
        memcpy(bare.bytes + PROGRAM_HEADER_BYTES, program_unit(program, 0), records_bytes);
    }
    program_read(&bare.program, bare.bytes, PROGRAM_HEADER_BYTES + records_bytes);
}

enum check explore(const struct target_info *target, const struct program *program, const struct explore_limits *limits,
                   FILE *report, struct explore_result *result) {
    enum check check = CHECK_NONE;
    bare_make(program);
    *result = (struct explore_result){.bytes = NULL};
    search.unreduced = limits->unreduced;
    (void)node_make((struct decision){.parent = 0}); /* the number of no decision */
    numbers_push(&search.now, 0);
    for (;;) {
        check = search_bound(target, &bare.program, limits, report, &bare.verdict);
        search.counts.complete = check == CHECK_NONE && !search.counts.stopped && !next_is_new();
        if (check != CHECK_NONE || search.counts.stopped || search.counts.complete ||
            search.counts.preemptions == limits->preemptions) {
            break;
        }
        struct numbers done = search.now;
        search.now = search.next;
        search.next = done;
        search.counts.preemptions++;
    }
    result->counts = search.counts;
    if (check != CHECK_NONE) {
        result->verdict = bare.verdict;
        write_input(target, &bare.program, result);
    }
    search_free();
    return check;
}
