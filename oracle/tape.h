/* tape: what happened in one run, step by step, from which all views of it are made.
 *
 * A *step* is a stretch of one operation on one thread that ends where something can be seen: the operation is done,
 * another thread goes on in the middle of it, a load shows something old, a compare-exchange fails, or the finding
 * comes up. So an operation that nobody interrupts is one step, and the steps of a run are in the order in which they
 * happened. Each has what it did to blocks, and the allocator's state right after it.
 *
 * What a step did to blocks is read off the shadow map, so it is what the user sees: blocks leave it when free is
 * called and enter it when malloc returns. States are looked at without following anything further than it can be
 * trusted, as a finding leaves them behind too.
 *
 * Fill a tape by world_observe(tape_observe, &tape) around one world_run. Uses malloc of the process. One OS thread. */
#ifndef HAKMEM_ORACLE_TAPE_H
#define HAKMEM_ORACLE_TAPE_H

#include "oracle/world.h"

enum { TAPE_NOBODY = 0xff, TAPE_HEAPS_MAX = 6, TAPE_TEXT_BYTES = 224 };

/* How a step ended, as enum suffix and name in JSON: the operation is done, or did not apply; another thread goes on in
 * the middle of it; a load showed an older value; a compare-exchange failed, or a lock was taken; the finding came up.
 */
#define TAPE_KIND_TABLE(X)                                                                                             \
    X(DONE, "done")                                                                                                    \
    X(NOTHING, "nothing")                                                                                              \
    X(SWITCH, "switch")                                                                                                \
    X(STALE, "stale")                                                                                                  \
    X(FAILED, "failed")                                                                                                \
    X(FINDING, "finding")

enum tape_kind {
#define TAPE_KIND_ENUM(id, name) TAPE_##id,
    TAPE_KIND_TABLE(TAPE_KIND_ENUM)
#undef TAPE_KIND_ENUM
        TAPE_KIND_COUNT
};
extern const char *const tape_kind_names[TAPE_KIND_COUNT];

enum tape_change_kind { TAPE_ALLOCATED, TAPE_FREED, TAPE_GREW };

/* Where a block lies: extent of the block as the allocator cut it, and of the slab; of runs and big blocks both are the
 * same. Offsets from the start of the arena. `slab_bytes` is what blocks can take there. */
struct tape_place {
    uint8_t kind;  /* enum hak_place_kind */
    uint32_t heap; /* number of the owner, 0 none */
    uint64_t start;
    size_t bytes;
    uint64_t slab_start;
    size_t slab_bytes;
};

/* A block was allocated or freed, or its user knows of more bytes. */
struct tape_change {
    uint8_t kind;
    uint8_t slot;
    uint8_t born_on; /* thread that allocated it */
    bool is_remote;  /* FREED: the slab belongs to another heap than the thread's */
    uint8_t owner;   /* thread that has that heap, or had it last; TAPE_NOBODY: not known */
    uint64_t offset;
    size_t bytes; /* requested; GREW: usable */
    struct tape_place place;
};

struct tape_heap {
    uint32_t id;
    uint8_t state;    /* enum hak_heap_state */
    uint8_t thread;   /* that has it, or TAPE_NOBODY */
    bool is_closed;   /* its remote queue */
    uint32_t parcels; /* that wait there */
    uint32_t blocks;  /* in them, as far as labels tell */
    uint32_t pending; /* blocks of others that are gathered here, to be handed over */
};

/* After a step: the slab it is about, the cache of that class in the thread's heap, and what all share. */
struct tape_state {
    struct tape_place place; /* kind 0 (foreign) and start 0: none */
    uint32_t used, carved, capacity;
    uint32_t free_blocks; /* in the slab's free list, or withdrawn */
    bool has_cache;
    uint32_t cache_heap, cache_class_bytes, cached, cache_capacity;
    uint32_t heap_count;
    struct tape_heap heaps[TAPE_HEAPS_MAX];
    size_t superslabs, lazy, bigs_cached, big_bytes_cached, reserved_bytes;
    uint64_t clock_ms;
};

struct tape_step {
    uint8_t kind;
    uint8_t thread;
    bool begins, ends;           /* the operation, with this step */
    uint32_t record;             /* record_count: after the last one */
    uint64_t offset;             /* of the block it returned or freed, or that the finding is about */
    size_t size_bytes;           /* that was asked for */
    int error;                   /* errno */
    const struct hak_site *site; /* where in the allocator it stands; NULL: not inside */
    uint32_t yield;              /* which of the record's accesses that is */
    uint8_t other;               /* SWITCH: goes on; FAILED: changed the word last; else TAPE_NOBODY */
    uint32_t count;              /* STALE: how many stores old; FAILED: how often in a row */
    uint32_t other_step;         /* FAILED, with another thread: where that was */
    uint32_t first_change, change_count;
    char text[TAPE_TEXT_BYTES]; /* where the operation's block lies; of a switch or stale load a sentence */
    struct tape_state state;
};

/* Who changed a word last. */
enum { TAPE_WORDS = 64 };
struct tape_word {
    const volatile void *address;
    uint8_t thread;
    uint32_t step;
};

struct tape_slot {
    uint64_t start;
    size_t requested_bytes, claimed_bytes;
    uint32_t born;
    uint8_t thread;
    struct tape_place place;
};

struct tape {
    struct tape_step *steps;
    uint32_t step_count, step_room;
    struct tape_change *changes;
    uint32_t change_count, change_room;
    bool is_cut; /* there was no memory for the rest */
    bool
        is_foreign; /* made outside the world: no state, no site; offsets are addresses, places the blocks themselves */
    struct tape_slot slots[PROGRAM_SLOTS_MAX];
    uint8_t heap_threads[256]; /* by the heap's number: who has it, or had it last, plus one */
    struct tape_word words[TAPE_WORDS];
    uint32_t word_count;
    bool inside[PROGRAM_THREADS_MAX];          /* the thread's last step did not end its operation */
    uint32_t heap_before[PROGRAM_THREADS_MAX]; /* of the thread, when its operation began */
};

/* An observer: `context` is a tape, all zero before the run. */
void tape_observe(void *context, const struct world_event *event);
void tape_free(struct tape *tape);

/* tape_state.c: the allocator as it is now. */
void tape_look(struct tape_state *state, const void *subject, size_t request_bytes);
struct tape_place tape_place_of(const void *address);
/* Number of the thread's heap, 0 none. */
uint32_t tape_heap_of(uint8_t thread);

#endif
