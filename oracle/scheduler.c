/* scheduler: who runs next.
 *
 * A thread's lane says where it is: its next record or the one it is in, by rank in the order of schedule.c, and what
 * keeps it from running. Each access costs a counter and a comparison with `decide_at`, the number of the next yield at
 * which there is something to decide. */
#include "oracle/scheduler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "allocator/root.h"
#include "allocator/shard.h"
#include "allocator/shards.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/site.h"
#include "oracle/switch_map.h"

enum {
    RANK_NONE = UINT16_MAX,
    LOCKS_MAX = 32,
    YIELDS_MAX = 1 << 18,  /* of one operation; the longest take some ten thousand */
    YIELDS_FAIR = 1 << 14, /* so often every other thread gets its turn, whatever genes and priorities say */
    SITES_SHOWN = 4,
    WATCHED_YIELDS = 256,
    PRIORITY_FIRST = 256, /* those that threads begin with lie above what a gene can say */
};

struct lane {
    struct scheduler_lane hot; /* first, so that the running thread's lane is where scheduler_hot points */
    uint16_t rank;             /* of the record it is in, else of its next one; RANK_NONE: no more */
    bool is_running;           /* in that record */
    uint32_t hold;             /* records of others that must run first */
    uint32_t priority;
    const volatile void *waits_for; /* word of a lock */
    uint64_t random;
    const volatile void *locks[LOCKS_MAX];
    uint32_t lock_count;
    uint32_t watched; /* sites noted towards a livelock */
    const struct hak_site *watch[SITES_SHOWN];
};

static struct {
    const struct program *program;
    uint8_t threads;
    enum program_mode mode;
    uint8_t seed;
    uint16_t window; /* ranks that a record may be ahead of the first that is not finished */
    uint32_t gap;    /* mode random: yields between two switches, on average */
    uint64_t named;  /* bit i: a gene names a record that is i modulo 64 */
    uint32_t gene_count;
    struct gene genes[PROGRAM_GENES_MAX];
    uint16_t next_rank[PROGRAM_RECORDS_MAX]; /* of the same thread */
    struct lane lanes[PROGRAM_THREADS_MAX];
} scheduler;

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

static bool can_run(const struct lane *lane) {
    return lane->rank != RANK_NONE && lane->waits_for == NULL;
}

static uint16_t rank_first(void) {
    uint16_t first = RANK_NONE;
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        first = scheduler.lanes[i].rank < first ? scheduler.lanes[i].rank : first;
    }
    return first;
}

/* Threads that can run, as bits: not held and near enough, else not held, else all. */
static uint32_t candidates(void) {
    uint32_t all = 0, free = 0, near = 0;
    uint32_t last = scheduler.mode == MODE_GENES ? RANK_NONE : (uint32_t)rank_first() + scheduler.window;
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        const struct lane *lane = &scheduler.lanes[i];
        uint32_t bit = (uint32_t)can_run(lane) << i;
        uint32_t free_bit = bit & -(uint32_t)(lane->hold == 0);
        all |= bit;
        free |= free_bit;
        near |= free_bit & -(uint32_t)((uint32_t)lane->is_running | (uint32_t)(lane->rank <= last));
    }
    return near != 0 ? near : free != 0 ? free : all;
}

static uint8_t lowest_rank(uint32_t threads) {
    uint8_t best = SCHEDULER_NOBODY;
    for (uint32_t left = threads; left != 0; left &= left - 1) {
        uint8_t i = (uint8_t)__builtin_ctz(left);
        best = best == SCHEDULER_NOBODY || scheduler.lanes[i].rank < scheduler.lanes[best].rank ? i : best;
    }
    return best;
}

static uint8_t highest_priority(uint32_t threads) {
    uint8_t best = SCHEDULER_NOBODY;
    for (uint32_t left = threads; left != 0; left &= left - 1) {
        uint8_t i = (uint8_t)__builtin_ctz(left);
        best = best == SCHEDULER_NOBODY || scheduler.lanes[i].priority > scheduler.lanes[best].priority ? i : best;
    }
    return best;
}

static uint8_t any_of(uint32_t threads, struct lane *random) {
    uint32_t count = 0;
    for (uint32_t left = threads; left != 0; left &= left - 1) {
        count++;
    }
    for (uint32_t skip = random_below(random, count); skip > 0; skip--) {
        threads &= threads - 1;
    }
    return (uint8_t)__builtin_ctz(threads);
}

/* Of the candidates. Pre: there is one. */
static uint8_t choose(uint32_t threads, bool is_between) {
    struct lane *lane = lane_now();
    uint8_t chosen;
    if (scheduler.mode == MODE_PCT) {
        chosen = highest_priority(threads);
    } else if (scheduler.mode == MODE_RANDOM && (!is_between || random_below(lane, 2) == 0)) {
        uint32_t others = is_between ? threads : threads & ~(UINT32_C(1) << run.thread);
        chosen = others == 0 ? run.thread : any_of(others, lane);
    } else {
        chosen = lowest_rank(threads);
    }
    scheduler.lanes[chosen].hold = 0; /* if it was held, nobody else could run */
    return chosen;
}

/* --- deadlock and livelock --- */

const char *scheduler_lock_name(const volatile void *word, char *buffer, size_t capacity) {
    const struct {
        const void *word;
        const char *name;
    } locks[] = {{&hak_root.heaps.lock.word, "heaps.lock"}, {&hak_root.pool.lock.word, "pool.lock"},
                 {&hak_root.runs.lock.word, "runs.lock"},   {&hak_root.bigs.lock.word, "big.lock"},
                 {&hak_root.map.lock.word, "map.lock"},     {&hak_root.meta.lock.word, "meta.lock"}};
    for (unsigned i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        if (word == locks[i].word) {
            return locks[i].name;
        }
    }
    for (struct hak_heap *heap = hak_load(&hak_root.heaps.known, relaxed); heap != NULL; heap = heap->next_known) {
        if (word == &heap->lock.word) {
            snprintf(buffer, capacity, "heap.lock of heap %" PRIu32, heap->id);
            return buffer;
        }
    }
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        if (hak_shards_at(i) != NULL && word == &hak_shards_at(i)->lock.word) {
            snprintf(buffer, capacity, "shard.lock of shard %" PRIu32, i);
            return buffer;
        }
    }
    return "a lock";
}

static uint8_t holder_of(const volatile void *word) {
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        const struct lane *lane = &scheduler.lanes[i];
        for (uint32_t k = 0; k < lane->lock_count; k++) {
            if (lane->locks[k] == word) {
                return i;
            }
        }
    }
    return SCHEDULER_NOBODY;
}

_Noreturn static void deadlock(void) {
    char message[VERDICT_MESSAGE_BYTES_MAX] = "";
    hak_shim.level = 0;
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        const struct lane *lane = &scheduler.lanes[i];
        if (lane->waits_for == NULL) {
            continue;
        }
        char site[64], name[40], holder[48] = "nobody we know";
        uint8_t by = holder_of(lane->waits_for);
        if (by != SCHEDULER_NOBODY) {
            snprintf(holder, sizeof holder, "t%u%s", by,
                     scheduler.lanes[by].is_running ? "" : ", which has left the allocator");
        }
        site_text(lane->hot.site, site, sizeof site);
        size_t used = strlen(message);
        snprintf(message + used, sizeof message - used, "%st%u waits at %s for %s, held by %s", used == 0 ? "" : "; ",
                 i, site, scheduler_lock_name(lane->waits_for, name, sizeof name), holder);
    }
    finding_raise(CHECK_DEADLOCK, NULL, "%s", message);
}

/* The operation is far too long: note where it is, for some yields more, then say so. */
static void livelock_watch(struct lane *lane, const struct hak_site *site) {
    bool is_known = false;
    for (unsigned i = 0; i < SITES_SHOWN; i++) {
        is_known = is_known || lane->watch[i] == site;
        if (!is_known && lane->watch[i] == NULL) {
            lane->watch[i] = site;
            is_known = true;
        }
    }
    if (++lane->watched < WATCHED_YIELDS) {
        return;
    }
    char text[VERDICT_MESSAGE_BYTES_MAX] = "";
    for (unsigned i = 0; i < SITES_SHOWN && lane->watch[i] != NULL; i++) {
        char one[64];
        site_text(lane->watch[i], one, sizeof one);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", used == 0 ? "" : ", ", one);
    }
    finding_raise(CHECK_LIVELOCK, NULL, "t%u made %" PRIu32 " accesses in one operation, and goes round at %s",
                  run.thread, lane->hot.yields, text);
}

/* --- decisions inside an operation --- */

static bool is_named(uint32_t record) {
    return (scheduler.named >> record % 64 & 1) != 0;
}

/* The first yield after `yields` at which something is decided. */
static uint32_t decide_next(struct lane *lane, uint32_t record) {
    uint32_t next = (lane->hot.yields / YIELDS_FAIR + 1) * YIELDS_FAIR;
    if (lane->hot.yields >= YIELDS_MAX) {
        return lane->hot.yields + 1;
    }
    if (scheduler.mode == MODE_RANDOM) {
        uint32_t random = lane->hot.yields + 1 + random_below(lane, 2 * scheduler.gap);
        next = random < next ? random : next;
    }
    for (uint32_t i = 0; is_named(record) && i < scheduler.gene_count; i++) {
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
            lane->hold = gene->value;
            break;
        case GENE_STALE:
            twist.stale = gene->value;
            break;
        case GENE_WEAK:
            twist.fails = gene->value != 0;
            break;
        case GENE_LOWER:
            lane->priority = gene->value;
            break;
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
            other->hold = 0;
            others += other->rank != RANK_NONE;
        }
    }
    lane->hold = others;
}

/* The thread stops at `site`, if it is not chosen itself. */
static void give_way(struct lane *lane, const struct hak_site *site) {
    uint32_t threads = candidates();
    if (threads == 0) {
        deadlock();
    }
    uint8_t next = choose(threads, false);
    if (next == run.thread) {
        return;
    }
    int saved_errno = errno;
    run.now->overlapped = true;
    hak_shim.level = 0;
    run_trace((uint64_t)lane->hot.yields << 32 | (uint64_t)run.now->index << 16 | (unsigned)run.thread << 8 | next);
    switch_map_note(site, scheduler.lanes[next].is_running ? scheduler.lanes[next].hot.site : NULL);
    run_switch_to(next, site, lane->hot.yields);
    scheduler_hot = &lane->hot;
    hak_shim.level = run.level;
    errno = saved_errno;
}

struct scheduler_twist scheduler_decide(const struct hak_site *site) {
    struct lane *lane = lane_now();
    uint32_t record = run.now->index;
    struct scheduler_twist twist = genes_apply(lane, record);
    bool fair = lane->hot.yields % YIELDS_FAIR == 0;
    if (lane->hot.yields > YIELDS_MAX) {
        livelock_watch(lane, site);
    }
    if (fair) {
        be_fair(lane);
    }
    bool wants = lane->hold != 0 || scheduler.mode != MODE_GENES;
    lane->hot.decide_at = decide_next(lane, record);
    if (wants) {
        give_way(lane, site);
    }
    return twist;
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

void scheduler_forget_others(void) {
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        scheduler.lanes[i].lock_count = 0;
    }
}

void scheduler_wait(_Atomic uint32_t *word, uint32_t expected) {
    struct lane *lane = lane_now();
    (void)scheduler_point(lane->hot.site); /* it may be released between the last look and the wait */
    if (*HAK_BARE(word) != expected) {
        return;
    }
    lane->waits_for = word;
    give_way(lane, lane->hot.site);
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
    uint32_t record = run.order[lane->rank];
    lane->is_running = true;
    lane->hot.yields = lane->watched = 0;
    memset(lane->watch, 0, sizeof lane->watch);
    lane->random = scheduler.mode == MODE_GENES ? 0 : random_of(record);
    lane->hot.decide_at = decide_next(lane, record);
    lane->hot.is_watched = scheduler.mode == MODE_RANDOM || is_named(record);
    return record;
}

void scheduler_finish(void) {
    struct lane *lane = lane_now();
    lane->rank = scheduler.next_rank[lane->rank];
    lane->is_running = false;
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        struct lane *other = &scheduler.lanes[i];
        other->hold -= other != lane && other->hold != 0;
    }
}

/* Priorities fall before the record begins, which may make another thread the one to run. */
static bool lowers_before(struct lane *lane) {
    uint32_t record = run.order[lane->rank], before = lane->priority;
    for (uint32_t i = 0; is_named(record) && i < scheduler.gene_count; i++) {
        const struct gene *gene = &scheduler.genes[i];
        if (gene->record == record && gene->yield == 0 && gene->kind == GENE_LOWER) {
            lane->priority = gene->value;
        }
    }
    return lane->priority != before;
}

uint8_t scheduler_next(void) {
    for (;;) {
        uint32_t threads = candidates();
        if (threads == 0 && rank_first() != RANK_NONE) {
            deadlock();
        }
        if (threads == 0) {
            return SCHEDULER_NOBODY;
        }
        uint8_t next = choose(threads, true);
        struct lane *lane = &scheduler.lanes[next];
        if (scheduler.mode != MODE_PCT || lane->is_running || !lowers_before(lane)) {
            return next;
        }
    }
}

/* --- a run --- */

static bool acts_inside(const struct gene *gene, enum program_mode mode) {
    bool is_inside = gene->yield != 0 && gene->value != 0;
    return (is_inside && (gene->kind == GENE_HOLD || gene->kind == GENE_WEAK)) ||
           (gene->kind == GENE_LOWER && mode == MODE_PCT);
}

uint32_t scheduler_level(const struct program *program, uint8_t threads) {
    if (threads < 2 || program->record_count == 0) {
        return 0;
    }
    bool inside = program->header.mode != MODE_GENES;
    for (uint32_t i = 0; !inside && i < program->gene_count; i++) {
        struct gene gene = program_gene(program, i);
        inside = acts_inside(&gene, MODE_GENES);
    }
    return inside ? 1 : 0;
}

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
        *lane = (struct lane){.rank = next[i]};
    }
}

/* A permutation, by the seed. */
static void priorities_make(void) {
    struct lane random = {.random = mixed(scheduler.seed)};
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        uint32_t at = random_below(&random, i + 1U);
        scheduler.lanes[i].priority = scheduler.lanes[at].priority;
        scheduler.lanes[at].priority = PRIORITY_FIRST + i;
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
    scheduler.named = 0;
    scheduler.gene_count = 0;
    for (uint32_t i = 0; i < program->gene_count; i++) {
        struct gene gene = program_gene(program, i);
        if (acts_inside(&gene, scheduler.mode)) {
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
