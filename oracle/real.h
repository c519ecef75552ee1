/* real: carries programs out on real threads, with the real system underneath, on any malloc (backend.h). The other way
 * to carry them out is the simulated world (world.h).
 *
 * Each run is a process of its own, so that it begins as a process does, and may crash, hang or be stopped by a
 * sanitizer. In it `instances` copies of the program run at the same time, each with its slots and its threads, `times`
 * times over.
 *
 *   virtual order   records run one after the other, in the order of the simulated world where that does not switch
 *                   inside operations. Threads are real, but never in the malloc together. A program does the same
 *                   every time, and the same as in the world. So a finding has its record, even when that ended the
 *                   process, and its signature is "check/operation/size bucket/local|remote/virtual-order".
 *   free            every thread goes through its own records as fast as it can. A slot belongs to one operation at a
 *                   time; another operation on it meanwhile does nothing, and is counted as skipped. Signatures are
 *                   "check/operation/real-threads".
 *
 * Not carried out are: fork, clock, fail and option; what the backend does not have; and requests that would test the
 * machine's memory (REAL_REQUEST_BYTES_MAX).
 *
 * What is judged is what a program can see: overlap, content, alignment, usable size, zeroed memory, the prefix that
 * realloc keeps, errno, crashes and ends that do not come; hakmem's own proof of its heap besides, where the backend
 * has it. Everything is freed at the end. The oracle's data is in mappings of its own, not in the heap under test.
 *
 * One OS thread calls, which has no other threads: it forks. */
#ifndef HAKMEM_ORACLE_REAL_H
#define HAKMEM_ORACLE_REAL_H

#include "oracle/backend.h"
#include "oracle/journal.h"
#include "oracle/world.h"

enum {
    REAL_INSTANCES_MAX = 1024,
    REAL_REQUEST_BYTES_MAX = 1 << 26, /* more is asked for only where no machine can have it */
    REAL_SAID_BYTES_MAX = 16384,
};

enum real_order { REAL_ORDER_VIRTUAL, REAL_ORDER_FREE, REAL_ORDER_COUNT };
extern const char *const real_order_names[REAL_ORDER_COUNT];

struct real_plan {
    const struct backend *backend;
    const struct target_info *target; /* how many threads: 1 to 4 */
    enum real_order order;
    uint32_t instances;      /* 1 to REAL_INSTANCES_MAX */
    uint64_t times;          /* at least 1 */
    enum hak_fault fault;    /* to arm; HAK_FAULT_NONE where the backend has no trial */
    struct journal *journal; /* NULL: none is kept. All zero, shared with child processes; virtual order, 1 instance */
    bool corners;            /* carry out what C and POSIX leave open too, and judge nothing of it (contract.h) */
    void (*at_end)(void);    /* NULL, or called in the run's process when all was carried out, before that ends */
    unsigned patience_ms;    /* asleep, or of a processor, without an end of a record: it hangs. 0: what real.c has */
};

struct real_outcome {
    struct verdict verdict;               /* operations of all instances; trace_hash is 0 */
    uintptr_t subject;                    /* virtual order: the address that the finding is about, 0 for none */
    size_t subject_bytes;                 /* that were asked for there */
    uint64_t skipped;                     /* operations on a slot that another one was about */
    uint64_t not_carried;                 /* that cannot be carried out here */
    uint64_t threads;                     /* that were started */
    uint64_t times;                       /* that were completed */
    uint8_t applied[PROGRAM_RECORDS_MAX]; /* of the first instance's last time: the record did something */
    char said[REAL_SAID_BYTES_MAX];       /* on standard error, by the malloc or a sanitizer; ends in '\0' */
};

/* Fill *outcome. False with one line in `why` when the system refuses a process, a thread or memory. */
bool real_run(const struct real_plan *plan, const struct program *program, struct real_outcome *outcome, char *why,
              size_t why_bytes);

#endif
