/* lane: the state of the scheduler, shared by the files scheduler*.c and by nobody else.
 *
 * A thread's lane says where it is and what keeps it from running. What is asked of all threads at once, whenever one
 * is chosen, lies side by side instead: ranks, and a bit for each thread. One OS thread. */
#ifndef HAKMEM_ORACLE_LANE_H
#define HAKMEM_ORACLE_LANE_H

#include "oracle/scheduler.h"

enum {
    RANK_NONE = UINT16_MAX,
    LOCKS_MAX = 32,
    YIELDS_MAX = 1 << 18,  /* of one operation; none that ends makes a tenth of it */
    YIELDS_FAIR = 1 << 14, /* so often every other thread gets its turn, whatever genes and priorities say */
    SITES_SHOWN = 4,
    WATCHED_YIELDS = 256,
    PRIORITY_FIRST = 256, /* those that threads begin with lie above what a gene can say */
};

struct lane {
    struct scheduler_lane hot;      /* first, so that the running thread's lane is where scheduler_hot points */
    uint8_t number;                 /* of the thread */
    uint32_t hold;                  /* records of others that must run first */
    int error;                      /* errno, while it is stopped inside */
    void *stack_mark;               /* what the thread has on its stack lies above; where schedules are explored */
    const volatile void *waits_for; /* word of a lock */
    uint64_t seed;                  /* of the record it is in */
    uint64_t random;
    uint32_t watched; /* sites noted towards a livelock */
    const struct hak_site *watch[SITES_SHOWN];
    uint32_t lock_count;
    const volatile void *locks[LOCKS_MAX]; /* last: only what counts is ever set */
};

struct scheduler {
    const struct program *program;
    uint8_t threads;
    enum program_mode mode;
    uint8_t seed;
    uint16_t window;  /* ranks that a record may be ahead of the first that is not finished */
    uint32_t gap;     /* mode random: yields between two switches, on average */
    uint32_t can;     /* threads that have records left and wait for nothing, as bits */
    uint32_t held;    /* threads that are held back, as bits */
    uint32_t running; /* threads that are in a record, as bits */
    /* Of the record that each thread is in, else of its next one, in the order of schedule.c; RANK_NONE: no more. */
    uint16_t ranks[PROGRAM_THREADS_MAX];
    uint32_t priorities[PROGRAM_THREADS_MAX];
    bool is_alone;    /* nobody else decides, or wants to know what is decided */
    bool keeps_order; /* is_alone, and mode genes: see scheduler_next */
    uint64_t named;   /* bit i: a gene names a record that is i modulo 64 */
    bool explores;    /* who goes on is explore.h's to say, and genes are none */
    bool plays;       /* the genes are too many to be here: transcript.h has them */
    bool notes;       /* transcript.h wants to know what is decided */
    uint32_t goes;    /* genes of kind go that were not used yet, as bits */
    uint32_t gene_count;
    struct gene genes[PROGRAM_GENES_MAX];
    uint16_t next_rank[PROGRAM_RECORDS_MAX]; /* of the same thread */
    struct lane lanes[PROGRAM_THREADS_MAX];
};
extern struct scheduler scheduler;

static inline bool lane_is_running(const struct lane *lane) {
    return (scheduler.running >> lane->number & 1) != 0;
}

static inline uint16_t lane_rank(const struct lane *lane) {
    return scheduler.ranks[lane->number];
}

/* scheduler_genes.c: whether a gene does something inside operations. */
bool scheduler_gene_acts(const struct gene *gene, enum program_mode mode);
/* The gene that says who goes on instead of the thread, where it stands, and its number; NULL: none. */
const struct gene *scheduler_gene_go_at(const struct lane *lane, uint32_t *number);
/* Who goes on where it is the turn of `next`, if a gene says so, which is used up; else SCHEDULER_NOBODY. */
uint8_t scheduler_genes_go(uint8_t next);

/* Everybody waits: raises "deadlock". */
_Noreturn void scheduler_deadlock(void);
/* The operation is far too long: notes where it is and, after some accesses more, raises "livelock". */
void scheduler_livelock_watch(struct lane *lane, const struct hak_site *site);

#endif
