/* scheduler: who runs next.
 *
 * Each access costs a counter and a comparison with `decide_at`, the number of the next yield at
 * which there is something to decide. */
#include "oracle/scheduler.h"

#include <errno.h>
#include <string.h>

#include "oracle/explore.h"
#include "oracle/feedback.h"
#include "oracle/lane.h"
#include "oracle/run.h"
#include "oracle/scheduler_first.h"
#include "oracle/transcript.h"

struct scheduler scheduler;
static struct scheduler_lane nobody; /* where threads are not switched */
struct scheduler_lane *scheduler_hot = &nobody;

static struct lane *lane_now(void) {
    return (struct lane *)(void *)scheduler_hot;
}

/* --- randomness --- */

static uint64_t mixed(uint64_t value) {
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static uint32_t random_below(struct lane *lane, uint32_t bound) {
    lane->random += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((mixed(lane->random) >> 32) * bound >> 32);
}

/* --- who may run --- */

static void set_can(const struct lane *lane, bool can) {
    uint32_t bit = UINT32_C(1) << lane->number;
    scheduler.can = can ? scheduler.can | bit : scheduler.can & ~bit;
}

static void set_hold(struct lane *lane, uint32_t hold) {
    uint32_t bit = UINT32_C(1) << lane->number;
    lane->hold = hold;
    scheduler.held = hold != 0 ? scheduler.held | bit : scheduler.held & ~bit;
}

/* Threads that can run, as bits: not held and near enough, else not held, else all. */
static uint32_t candidates(void) {
    uint32_t free = scheduler.can & ~scheduler.held;
    if (free == 0) {
        return scheduler.can;
    }
    if (scheduler.mode == MODE_GENES) {
        return free;
    }
    uint32_t near = scheduler.running, last = (uint32_t)rank_first() + scheduler.window;
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        near |= (uint32_t)(scheduler.ranks[i] <= last) << i;
    }
    return (free & near) != 0 ? free & near : free;
}

/* Bits of a set of threads: how many, and which. A table, because nobody can predict them. */
_Static_assert(PROGRAM_THREADS_MAX == 4, "the table is for four threads");
static const struct {
    uint8_t count;
    uint8_t nth[PROGRAM_THREADS_MAX];
} sets[1 << PROGRAM_THREADS_MAX] = {
    {0, {0}}, {1, {0}},    {1, {1}},    {2, {0, 1}},    {1, {2}},    {2, {0, 2}},    {2, {1, 2}},    {3, {0, 1, 2}},
    {1, {3}}, {2, {0, 3}}, {2, {1, 3}}, {3, {0, 1, 3}}, {2, {2, 3}}, {3, {0, 2, 3}}, {3, {1, 2, 3}}, {4, {0, 1, 2, 3}},
};

static uint8_t any_of(uint32_t threads, struct lane *random) {
    return sets[threads].nth[random_below(random, sets[threads].count)];
}

/* Of the candidates. Pre: there is one. */
static uint8_t choose(uint32_t threads, bool is_between) {
    struct lane *lane = lane_now();
    uint8_t chosen;
    if (scheduler.mode == MODE_PCT) {
        chosen = highest_priority(threads);
    } else if (scheduler.mode == MODE_RANDOM && (!is_between || random_below(lane, 2) == 0)) {
        uint32_t others = is_between ? threads : threads & ~(UINT32_C(1) << lane->number);
        chosen = others == 0 ? run.thread : any_of(others, lane);
    } else if (!is_between && lane->hold == 0 && (threads >> run.thread & 1) != 0) {
        chosen = run.thread;
    } else {
        chosen = lowest_rank(threads);
    }
    return chosen;
}

/* It is the turn of `next`, of the threads that can run: who goes on. */
static uint8_t redirect(uint8_t next, uint32_t threads, bool is_between) {
    uint8_t to = next;
    if (HAK_UNLIKELY(scheduler.explores)) {
        to = explore_choose(next, threads, is_between || (threads >> run.thread & 1) == 0);
    } else if (HAK_UNLIKELY(!scheduler.is_alone || scheduler.goes != 0)) {
        to = scheduler_genes_go(next);
        to = to != SCHEDULER_NOBODY && (threads >> to & 1) != 0 ? to : next;
        if (HAK_UNLIKELY(scheduler.notes)) {
            transcript_note_choice(to, is_between);
        }
    }
    if (HAK_UNLIKELY((scheduler.held >> to & 1) != 0)) { /* nobody else could run */
        set_hold(&scheduler.lanes[to], 0);
    }
    return to;
}

/* --- decisions inside an operation --- */

static bool is_named(uint32_t record) {
    return (scheduler.named >> record % 64 & 1) != 0;
}

/* The first yield after `yields` at which something is decided. */
static uint32_t decide_next(struct lane *lane, uint32_t record) {
    uint32_t next = (lane->hot.yields / YIELDS_FAIR + 1) * YIELDS_FAIR;
    if (scheduler.explores || lane->hot.yields >= YIELDS_MAX) {
        return lane->hot.yields + 1;
    }
    if (scheduler.mode == MODE_RANDOM) {
        uint32_t random = lane->hot.yields + 1 + random_below(lane, 2 * scheduler.gap);
        next = random < next ? random : next;
    }
    if (HAK_UNLIKELY(scheduler.plays)) {
        return transcript_next(record, lane->hot.yields, next);
    }
    if (HAK_LIKELY(!is_named(record))) {
        return next;
    }
    for (uint32_t i = 0; i < scheduler.gene_count; i++) {
        const struct gene *gene = &scheduler.genes[i];
        if (gene->record == record && gene->yield > lane->hot.yields && gene->yield < next) {
            next = gene->yield;
        }
    }
    return next;
}

/* What the genes say of this place. */
static struct scheduler_twist genes_apply(struct lane *lane, uint32_t record) {
    struct scheduler_twist twist = {0};
    for (uint32_t i = 0; is_named(record) && i < scheduler.gene_count; i++) {
        const struct gene *gene = &scheduler.genes[i];
        if (gene->record != record || gene->yield != lane->hot.yields) {
            continue;
        }
        switch (gene->kind) {
        case GENE_HOLD:
            set_hold(lane, gene->value);
            break;
        case GENE_STALE:
            twist.stale = gene->value;
            break;
        case GENE_WEAK:
            twist.fails = gene->value != 0;
            break;
        case GENE_LOWER:
            scheduler.priorities[lane->number] = gene->value;
            break;
        case GENE_GO:
        case GENE_KIND_COUNT:
            break;
        }
    }
    return twist;
}

/* Who holds others up for long must let them run once each. */
static void be_fair(struct lane *lane) {
    uint32_t others = 0;
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        struct lane *other = &scheduler.lanes[i];
        if (other != lane) {
            set_hold(other, 0);
            others += lane_rank(other) != RANK_NONE;
        }
    }
    set_hold(lane, others);
    if (HAK_UNLIKELY(scheduler.notes)) {
        transcript_note_force(lane->number, others);
    }
}

/* The running thread stops where it is, if it is not chosen itself. */
static void give_way(void *running) {
    struct lane *lane = running;
    uint32_t threads = candidates();
    if (threads == 0) {
        scheduler_deadlock();
    }
    lane->error = errno;
    uint8_t next = redirect(choose(threads, false), threads, false);
    if (next == run.thread) {
        errno = lane->error;
        return;
    }
    run.now->overlapped = true;
    hak_shim.level = 0;
    run_trace((uint64_t)lane->hot.yields << 32 | (uint64_t)run.now->index << 16 | (unsigned)run.thread << 8 | next);
    feedback_switch(lane->hot.site, lane_is_running(&scheduler.lanes[next]) ? scheduler.lanes[next].hot.site : NULL);
    run_switch_to(next, lane->hot.site, lane->hot.yields);
    scheduler_hot = &lane->hot;
    hak_shim.level = run.level;
    errno = lane->error;
}

/* Who explores wants to know what the thread has on its stack, and nothing of what the scheduler has. */
static void stop(struct lane *lane) {
    if (scheduler.explores) {
        fiber_call_marked(&lane->stack_mark, give_way, lane);
        explore_scrub();
    } else {
        give_way(lane);
    }
}

struct scheduler_twist scheduler_decide(const struct hak_site *site) {
    struct lane *lane = lane_now();
    uint32_t record = run.now->index;
    struct scheduler_twist twist =
        scheduler.plays ? transcript_twist(record, lane->hot.yields) : genes_apply(lane, record);
    bool fair = lane->hot.yields % YIELDS_FAIR == 0;
    if (lane->hot.yields > YIELDS_MAX) {
        scheduler_livelock_watch(lane, site);
    }
    if (fair) {
        be_fair(lane);
    }
    uint32_t number;
    bool wants = lane->hold != 0 || scheduler.mode != MODE_GENES || scheduler.explores || scheduler.plays ||
                 scheduler_gene_go_at(lane, &number) != NULL;
    lane->hot.decide_at = decide_next(lane, record);
    if (wants) {
        stop(lane);
    }
    return twist;
}

/* Drawn apart from the switches, which are the same whether memory is weak or not. */
uint32_t scheduler_age(void) {
    enum { ONE_IN = 8, OLDEST = 3 };
    const struct lane *lane = lane_now();
    if (scheduler.mode == MODE_GENES) {
        return 0;
    }
    uint64_t draw = mixed(~lane->seed ^ lane->hot.yields * UINT64_C(0x9e3779b97f4a7c15));
    return draw % ONE_IN == 0 ? 1 + (uint32_t)(draw >> 32) % OLDEST : 0;
}

/* --- locks --- */

void scheduler_lock(const volatile void *word, bool is_held) {
    struct lane *lane = lane_now();
    if (is_held && lane->lock_count < LOCKS_MAX) {
        lane->locks[lane->lock_count++] = word;
        return;
    }
    for (uint32_t i = 0; !is_held && i < lane->lock_count; i++) {
        if (lane->locks[i] == word) {
            lane->locks[i] = lane->locks[--lane->lock_count];
            return;
        }
    }
}

/* The thread's record is finished. Returns whether there is another. */
static bool go_on(struct lane *lane) {
    uint16_t *rank = &scheduler.ranks[lane->number];
    *rank = scheduler.next_rank[*rank];
    scheduler.running &= ~(UINT32_C(1) << lane->number);
    return *rank != RANK_NONE;
}

uint32_t scheduler_forget_others(void) {
    uint32_t cut_off = 0;
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        struct lane *lane = &scheduler.lanes[i];
        lane->lock_count = 0;
        if (i != run.thread && lane_is_running(lane)) {
            lane->waits_for = NULL;
            set_hold(lane, 0);
            set_can(lane, go_on(lane));
            cut_off++;
        }
    }
    return cut_off;
}

void scheduler_wait(_Atomic uint32_t *word, uint32_t expected) {
    struct lane *lane = lane_now();
    (void)scheduler_point(lane->hot.site); /* it may be released between the last look and the wait */
    if (*HAK_BARE(word) != expected) {
        return;
    }
    lane->waits_for = word;
    set_can(lane, false);
    lane->hot.yields++; /* where it goes on is another place than where it began to wait */
    stop(lane);
}

/* One of them: whose record is first in order. */
void scheduler_wake(_Atomic uint32_t *word) {
    uint32_t waiting = 0;
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        waiting |= (uint32_t)(scheduler.lanes[i].waits_for == word) << i;
    }
    uint8_t woken = lowest_rank(waiting);
    if (woken != SCHEDULER_NOBODY) {
        scheduler.lanes[woken].waits_for = NULL;
        set_can(&scheduler.lanes[woken], true);
        if (scheduler.mode == MODE_PCT) { /* it may come first now */
            struct lane *lane = lane_now();
            lane->hot.decide_at = lane->hot.yields + 1;
        }
    }
}

/* --- records --- */

/* Where the program's bytes and the seed lead. */
static uint64_t random_of(uint32_t record) {
    uint64_t bytes;
    memcpy(&bytes, program_unit(scheduler.program, record), sizeof bytes);
    return mixed(bytes ^ mixed(scheduler.seed));
}

uint32_t scheduler_take(void) {
    struct lane *lane = &scheduler.lanes[run.thread];
    scheduler_hot = &lane->hot;
    uint32_t record = run.order[lane_rank(lane)];
    if (scheduler.explores) {
        explore_scrub();
    }
    scheduler.running |= UINT32_C(1) << lane->number;
    lane->hot.yields = 0;
    if (HAK_UNLIKELY(lane->watched != 0)) {
        memset(lane->watch, 0, sizeof lane->watch);
        lane->watched = 0;
    }
    lane->random = lane->seed = scheduler.mode == MODE_GENES ? 0 : random_of(record);
    lane->hot.decide_at = decide_next(lane, record);
    lane->hot.is_watched =
        scheduler.mode == MODE_RANDOM || scheduler.explores || scheduler.plays || scheduler.notes || is_named(record);
    return record;
}

void scheduler_finish(void) {
    struct lane *lane = lane_now();
    if (!go_on(lane)) {
        set_can(lane, false);
    }
    for (uint32_t left = scheduler.held & ~(UINT32_C(1) << lane->number); left != 0; left &= left - 1) {
        struct lane *other = &scheduler.lanes[__builtin_ctz(left)];
        set_hold(other, other->hold - 1);
    }
    if (HAK_UNLIKELY(scheduler.notes)) {
        transcript_note_end_of_record(lane->number);
    }
}

/* Priorities fall before the record begins, which may make another thread the one to run. */
static bool lowers_before(struct lane *lane) {
    uint32_t record = run.order[lane_rank(lane)], before = scheduler.priorities[lane->number];
    for (uint32_t i = 0; is_named(record) && i < scheduler.gene_count; i++) {
        const struct gene *gene = &scheduler.genes[i];
        if (gene->record == record && gene->yield == 0 && gene->kind == GENE_LOWER) {
            scheduler.priorities[lane->number] = gene->value;
        }
    }
    return scheduler.priorities[lane->number] != before;
}

/* As a rule nobody is held and no gene says otherwise: then the order decides, as `choose` would. */
uint8_t scheduler_next(void) {
    uint32_t free = scheduler.can & ~scheduler.held;
    if (HAK_LIKELY(scheduler.keeps_order && scheduler.goes == 0 && free != 0)) {
        return lowest_rank(free);
    }
    for (;;) {
        uint32_t threads = candidates();
        if (threads == 0 && rank_first() != RANK_NONE) {
            scheduler_deadlock();
        }
        if (threads == 0) {
            if (scheduler.explores) {
                explore_end();
            }
            return SCHEDULER_NOBODY;
        }
        uint8_t next = choose(threads, true);
        struct lane *lane = &scheduler.lanes[next];
        if (scheduler.mode != MODE_PCT || lane_is_running(lane) || !lowers_before(lane)) {
            return redirect(next, threads, true);
        }
    }
}

/* --- a run --- */

static void queues_make(uint32_t records) {
    uint16_t next[PROGRAM_THREADS_MAX];
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        next[i] = RANK_NONE;
    }
    for (uint32_t rank = records; rank-- > 0;) {
        uint8_t thread = run.threads_of[run.order[rank]];
        scheduler.next_rank[rank] = next[thread];
        next[thread] = (uint16_t)rank;
    }
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        struct lane *lane = &scheduler.lanes[i];
        memset(lane, 0, offsetof(struct lane, locks));
        lane->number = i;
        scheduler.ranks[i] = next[i];
        set_can(lane, next[i] != RANK_NONE);
    }
}

/* A permutation, by the seed. */
static void priorities_make(void) {
    struct lane random = {.random = mixed(scheduler.seed)};
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        uint32_t at = random_below(&random, i + 1U);
        scheduler.priorities[i] = scheduler.priorities[at];
        scheduler.priorities[at] = PRIORITY_FIRST + i;
    }
}

uint8_t scheduler_begin(const struct program *program, uint8_t threads) {
    static const uint16_t windows[] = {4, 8, 16, 64};
    static const uint8_t gaps[] = {2, 4, 8, 16, 24, 32, 64, 96};
    scheduler.program = program;
    scheduler.threads = threads;
    scheduler.mode = program->header.mode;
    scheduler.seed = program->header.mode_seed;
    scheduler.window = scheduler.mode == MODE_GENES ? PROGRAM_RECORDS_MAX : windows[scheduler.seed % 4];
    scheduler.gap = gaps[scheduler.seed / 4 % 8];
    scheduler.can = scheduler.held = scheduler.running = 0;
    scheduler.named = 0;
    scheduler.gene_count = 0;
    scheduler.goes = 0;
    scheduler.explores = explore_is_on();
    scheduler.notes = transcript_is_noting();
    scheduler.plays = transcript_is_long(program);
    transcript_note_begin();
    scheduler.is_alone = !scheduler.explores && !scheduler.notes && !scheduler.plays;
    scheduler.keeps_order = scheduler.is_alone && scheduler.mode == MODE_GENES;
    if (scheduler.plays) {
        transcript_play(program);
    }
    for (uint32_t i = 0; i < program->gene_count && !scheduler.plays; i++) {
        struct gene gene = program_gene(program, i);
        if (scheduler_gene_acts(&gene, scheduler.mode)) {
            scheduler.goes |= gene.kind == GENE_GO ? UINT32_C(1) << scheduler.gene_count : 0;
            scheduler.named |= UINT64_C(1) << gene.record % 64;
            scheduler.genes[scheduler.gene_count++] = gene;
        }
    }
    queues_make(program->record_count);
    if (scheduler.mode == MODE_PCT) {
        priorities_make();
    }
    scheduler_hot = &scheduler.lanes[0].hot;
    return scheduler_next();
}
