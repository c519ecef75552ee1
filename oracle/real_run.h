/* real_run: what the files real*.c share, and nobody else. All of it lives in the child process, but for the state that
 * it shares with its parent.
 *
 * Threads: an instance has a host, which starts its lanes and waits for them, and a lane for each of the program's
 * threads. A lane is one pthread at a time: a record `end` ends that, and a later record of the lane begins another.
 * Slots are the only memory of an instance that its lanes share; who has claimed one owns it. Everything else that
 * lanes write is their own, or a relaxed counter: nothing but the malloc under test, and slots that are handed over,
 * orders one lane after another. */
#ifndef HAKMEM_ORACLE_REAL_RUN_H
#define HAKMEM_ORACLE_REAL_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "oracle/board.h"
#include "oracle/real.h"

/* Mapped by the parent, written by the child. */
struct real_shared {
    _Atomic uint32_t raised;   /* somebody is writing the verdict */
    _Atomic uint32_t told;     /* it is written */
    _Atomic uint32_t finished; /* all was carried out: only then is the end a good one */
    _Atomic uint32_t now;      /* virtual order: the record that runs, which may end the process */
    _Atomic uint64_t subject;  /* virtual order: the block that it is about, ... */
    _Atomic uint64_t subject_bytes;
    _Atomic uint32_t is_remote; /* ... and whether another thread allocated it, plus 1; 0: there is no block */
    _Atomic uint64_t progress;
    _Atomic uint64_t operations;
    _Atomic uint64_t skipped;
    _Atomic uint64_t not_carried;
    _Atomic uint64_t threads;
    _Atomic uint64_t times;
    enum check check;
    uint32_t record;
    char message[VERDICT_MESSAGE_BYTES_MAX];
    struct trial_counts faults;
    _Atomic uint8_t applied[PROGRAM_RECORDS_MAX];
};

struct real_slot {
    _Atomic uint32_t claimed;
    struct shadow_block block; /* start 0: empty */
    size_t aligned_to;         /* what an aligned request asked for, else 0 */
};

struct real_lane {
    struct real_instance *instance;
    pthread_t thread; /* the latest; in free order the last, under instance->lock */
    pthread_t before; /* free order: whose end the latest one waits for */
    bool has_before;
    bool alive;    /* to its host: in virtual order now, in free order ever */
    bool finished; /* free order; under instance->lock */
    bool leaves;   /* virtual order: it ends in its turn; under instance->lock */
    uint8_t index;
    uint32_t next; /* record, free order */
    uint32_t now;  /* record that runs; record_count at the end */
    struct record record;
    bool applied;
    uint32_t writes;
    struct journal_call call; /* the last one */
    uint64_t operations, skipped, not_carried;
};

enum { REAL_TURN_HOST = -1 };

struct real_instance {
    uint32_t index;
    pthread_t host;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int turn; /* virtual order: the lane that goes on, or REAL_TURN_HOST; under lock */
    struct real_lane lanes[PROGRAM_THREADS_MAX];
    struct real_slot slots[PROGRAM_SLOTS_MAX];
};

struct real {
    const struct real_plan *plan;
    const struct program *program;
    struct real_shared *shared;
    struct board board; /* place = instance * slot_count + slot */
    struct real_instance *instances;
    pthread_barrier_t start; /* of all first threads, free order */
    uint32_t threads;        /* of an instance */
    uint8_t threads_of[PROGRAM_RECORDS_MAX];
    uint16_t order[PROGRAM_RECORDS_MAX];
};
extern struct real real;

enum { REAL_EXIT_CLEAN = 0, REAL_EXIT_FINDING = 3, REAL_EXIT_CANNOT = 4 };

/* real_child.c: the program is carried out, and the process ends. */
_Noreturn void real_child(void);
/* A finding: the first one is told, and the process ends. */
_Noreturn void real_raise(const struct real_lane *lane, enum check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What is said before an operation that may not come to its end. Virtual order; nothing in the other one. */
void real_announce(const struct real_lane *lane);
/* What the operation, or the finding, is about from here on. Likewise. */
void real_subject(const struct real_lane *lane, uintptr_t start, size_t bytes, uint8_t born_on);
/* A block came or went. Likewise. */
void real_note(enum journal_kind kind, uint8_t slot, const struct shadow_block *block);
/* The backend's own proof, with so many live blocks; nothing where it has none. No thread may be inside. */
void real_prove(const struct real_lane *lane, size_t live_blocks);
/* The system refused something: no finding, but no run either. */
_Noreturn void real_cannot(const char *what, int error);

/* real_threads.c: all instances run once, each on threads of its own, and have ended when it returns. */
void real_run_instances(void);

/* real_ops.c: carry out the record in lane->record, whose slot this is, claimed by the lane. */
void real_on_slot(struct real_lane *lane, struct real_slot *slot);
/* Verify and free what is in the slot, which is not empty. */
void real_free_slot(struct real_lane *lane, struct real_slot *slot);
/* Before a call that is not about a slot, and after one that succeeded. */
void real_errno_begin(void);
void real_errno_kept(struct real_lane *lane, const char *call);

/* real_stamps.c: whether a block that is new, and not yet written to, shows an address. Keeps errno. */
enum journal_shows real_stamps_look(const void *block, size_t size_bytes);

/* real_operation.c: carry out the record in lane->record. */
void real_operation(struct real_lane *lane);
/* Whether the record is switched off, or means nothing. */
bool real_is_off(const struct record *record);
/* Verify and free what is left; how many blocks there are. */
void real_free_all(struct real_lane *lane);
size_t real_live_blocks(const struct real_instance *instance);

#endif
