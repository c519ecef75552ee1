/* world: runs a program on the real allocator inside the simulated world, and says what it found.
 *
 * One world a process (the arena has a fixed address, the allocator one state root). Calls must come from one OS
 * thread. Execution n never depends on n-1: world_run leaves the world as world_open made it. */
#ifndef HAKMEM_ORACLE_WORLD_H
#define HAKMEM_ORACLE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "oracle/check.h"
#include "oracle/program.h"
#include "oracle/target.h"

enum { SIGNATURE_BYTES_MAX = 96, VERDICT_MESSAGE_BYTES_MAX = 240 };

struct verdict {
    enum check check;                    /* CHECK_NONE: clean */
    char signature[SIGNATURE_BYTES_MAX]; /* "check/operation/size bucket/local|remote/slab state/switch", "" if clean */
    char message[VERDICT_MESSAGE_BYTES_MAX]; /* one sentence with the numbers, "" if clean */
    uint32_t record;                         /* index of the record that was running; record_count: final checks */
    uint32_t operations;                     /* operations that did something; malloc_many counts each of its calls */
    uint64_t trace_hash;                     /* equal for equal runs, in every build, on every machine */
    uint64_t fault_reached;                  /* how often the armed fault's place was passed, until it was triggered */
    uint64_t fault_triggered; /* 1: the bug's condition held there; what came after that is not counted (fault.h) */
};

/* Whether the armed fault was detected: a check failed after it was triggered. What fails before is something else. */
static inline bool verdict_detects_fault(const struct verdict *verdict) {
    return verdict->check != CHECK_NONE && verdict->fault_triggered > 0;
}

/* Map the arena, make fibers, install signal handlers. Returns 0, or -1 with a one-line reason in `why`. */
int world_open(char *why, size_t why_bytes);
void world_close(void);

/* Arm a fault of the catalogue by name for all runs from now on; "" disarms. False when there is no such fault. */
bool world_arm_fault(const char *name);

/* Run. Returns the check that failed, CHECK_NONE when clean, and fills *verdict. When a finding ends the run, the world
 * is reset all the same, after world_report has had its chance: set `report` to a stream to have the full report
 * printed at the time of the finding, NULL to stay silent. */
enum check world_run(const struct target_info *target, const struct program *program, FILE *report,
                     struct verdict *verdict);

/* The one machine-readable line: "hakmem-finding: {json}". */
void world_print_finding(const struct target_info *target, const struct verdict *verdict, FILE *out);

/* world_run, and a sample of runs is proven: every 64th input is replayed and must leave the same trace, after every
 * 4096th the world must hash as it did when it was opened (check nondeterminism). What every fuzzing loop should call.
 */
enum check world_run_sampled(const struct target_info *target, const struct program *program, FILE *report,
                             struct verdict *verdict);

/* Proof of reset: a hash over the state root and every resident page of the arena, as it is now between runs.
 * Equal to the hash taken after world_open, or reset is broken. */
uint64_t world_state_hash(void);

/* What happens in a run, told to the one who watches. Records begin and end on one thread, and what a thread does
 * inside one is told in between; a record that a finding ends has no end. The steps after the last record are told as
 * one record each, whose index is record_count. */
enum world_event_kind {
    WORLD_ENDS,     /* a record */
    WORLD_SWITCHES, /* inside an operation, `to` goes on */
    WORLD_SEES_OLD, /* a load shows a value that is `age` stores old */
    WORLD_CHANGES,  /* a read-modify-write changed `address`; where threads may be switched */
    WORLD_FAILS,    /* a compare-exchange there, or a lock that was taken; likewise */
    WORLD_FINDS,    /* the run ends with a finding; the allocator is as that left it */
};
/* Offsets are from the start of the arena; 0 stands for NULL or no result. */
struct world_event {
    enum world_event_kind kind;
    uint32_t index; /* of the record */
    struct record record;
    uint8_t thread;        /* it runs on, after the target's thread count is applied */
    bool applied;          /* ENDS. false: it did nothing, or is none */
    uint64_t offset;       /* ENDS, FINDS: of the block that was returned or freed, or that the finding is about */
    size_t size_bytes;     /* the same: requested */
    int error;             /* ENDS: errno after the call, 0 if untouched */
    const char *placement; /* ENDS: "tiny 96 B, slab 3/4 used, own" and the like; "" if none */
    const struct hak_site *site;  /* where inside the allocator; NULL: nowhere */
    uint32_t yield;               /* with a site: which of the record's yields */
    uint8_t to;                   /* SWITCHES */
    uint32_t age;                 /* SEES_OLD */
    const volatile void *address; /* CHANGES, FAILS */
    const char *text;             /* SWITCHES, SEES_OLD: a sentence that says where */
};
/* The event and its texts are valid during the call. Called on any fiber. */
typedef void world_observer(void *context, const struct world_event *event);
/* For later runs; NULL to stop. A run that nobody watches pays one branch a record. */
void world_observe(world_observer *observer, void *context);

/* For debuggers, to stop at: nothing happens in them. One is called with every finding, at the place where it was made;
 * the other before the record that world_stop_at names (UINT32_MAX: none), of each run. */
extern volatile uint32_t world_stop_at;
void world_at_finding(const struct verdict *verdict);
void world_at_operation(uint32_t index, uint8_t thread, const struct record *record);

/* Counters over the life of the world, for summaries and benchmarks. */
struct world_totals {
    uint64_t executions;
    uint64_t operations;
    uint64_t dirty_pages; /* cleared by resets */
    uint64_t switches;    /* inside operations */
};
struct world_totals world_totals(void);

#endif
