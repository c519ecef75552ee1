/* component: parts of the allocator that are fuzzed by themselves, each beside a plain model of it.
 *
 * A target may name a component (target.h). Its programs have the same form as all others and run in the same world,
 * and their records are carried out on the component alone; the opening of oracle/component_<name>.c says what each
 * record means there and what the model is. Where the target has several threads they may be switched inside the part,
 * and the model says when it follows. Records of threads and of fork mean nothing, but in remote, adopt and start.
 * Where the component does something else than its model the finding is "model", or the check that says it better.
 *
 * `fail n=N`, `option NAME=N` and what the header says of the world mean the same as everywhere.
 *
 * A component keeps its model in static memory that `begin` makes new; what it keeps in the allocator hangs off the
 * root and is reset with it. Called by the world only: begin on the fiber of the thread that is first, records on that
 * of their thread, final on thread 0's. */
#ifndef HAKMEM_ORACLE_COMPONENT_H
#define HAKMEM_ORACLE_COMPONENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_map_visitor;
struct hak_thread;

struct component {
    void (*begin)(void);  /* geometry and options are set, nothing was allocated */
    void (*record)(void); /* carry out run.record; run.applied says whether it did anything */
    void (*final)(void);  /* no request fails any more: compare all, give everything back, nothing may remain */
    const void *state;    /* the model, in whole words, where threads may interrupt each other; else NULL and 0 */
    size_t state_bytes;
    /* NULL: the process was started before begin, and a fork that finds others inside has no child. Else: neither, and
     * this is what the system does when the process starts. */
    void (*process_start)(void);
    /* NULL, or called when the allocator complains of a pointer that it was given. Returns where it should not have. */
    void (*complained)(void);
    /* What a thread frees behind its end it frees as destructors do that the system calls after the allocator's: it is
     * no other thread of its number yet. */
    bool frees_behind_end;
};

#define COMPONENT_TABLE(X)                                                                                             \
    X(class) X(map) X(run) X(bigcache) X(pool) X(lazy) X(option) X(remote) X(adopt) X(start) X(misuse)

#define COMPONENT_DECLARE(name) extern const struct component component_##name;
COMPONENT_TABLE(COMPONENT_DECLARE)
#undef COMPONENT_DECLARE

/* NULL when there is none of that name. */
const struct component *component_find(const char *name);

/* --- for the components themselves --- */

/* All four threads are there from the beginning. */
void component_begin_threads(void);
/* What the allocator knows of a thread. */
struct hak_thread *component_thread_root(uint8_t thread);
/* Each heap is exactly one thread's, or an orphan or a spare, with empty caches: else raises "model". Pre: nobody is
 * inside. */
void component_prove_heaps(void);
/* All but the running one. */
void component_end_threads(void);

/* Walk the region map. What the component has no visitor for should not be there: raises "model". */
void component_walk(struct hak_map_visitor visitor, void *context);

/* Whether what changed last at changed_ms is past every time to live and delay, so that nothing free may remain now. */
bool component_is_all_old(uint32_t changed_ms);
/* Whether nothing is purged now but by a trim, since the system refused to less than a second ago. */
bool component_is_purge_silent(void);

/* Raises "model" unless both are the same; `what` names the thing in the message. */
void component_compare(const char *what, uint64_t component_has, uint64_t model_has);
/* A request came to nothing: raises "spurious-failure" unless the system refused something since refused_before. */
void component_check_refusal(const char *call, size_t size_bytes, uint64_t refused_before);

/* A live block in a slot of the shadow. enter raises what is wrong with the place and makes it the subject, fill writes
 * a pattern to the ends of its claimed_bytes; verify raises "content-changed"; leave verifies and takes it out. */
void component_block_enter(uint8_t slot, void *address, size_t requested_bytes, size_t claimed_bytes,
                           size_t align_bytes);
void component_block_fill(uint8_t slot);
void component_block_verify(uint8_t slot, const char *where);
void component_block_leave(uint8_t slot);
/* The block of a slot is the subject of the operation. */
void component_block_subject(uint8_t slot);
/* The block, verified before, has another length now, or place: its content must be there up to kept_bytes. */
void component_block_change(uint8_t slot, void *address, size_t requested_bytes, size_t claimed_bytes,
                            size_t kept_bytes);

/* The length that a size is rounded up to, in the steps of runs and of big mappings: exact to eight pages, then eight
 * to each doubling. Sets the number of the step, from 1, unless step is NULL. Counts from the beginning, as a model
 * may. */
size_t component_length(size_t size_bytes, uint32_t *step);
/* The length of a mapping that grows to that length. */
size_t component_grown_length(size_t length_bytes);
/* Raises "calloc-nonzero" unless it reads as zero where patterns would be: at both ends of every page. */
void component_check_zero(const char *start, size_t size_bytes);

/* Carry out what means the same everywhere: fail, option. False when the record is another one. */
bool component_common(void);

/* For each slot that malloc_many and free_many name. */
void component_each_slot(void (*call)(uint8_t slot));

/* What records of slots come to, where the part makes blocks. */
struct component_slots {
    void (*take)(uint8_t slot, size_t size_bytes, size_t align_bytes);
    void (*take_any)(uint8_t slot);        /* one of many */
    size_t (*request_bytes)(size_t count); /* how much the record asks for, as lengths of this part go */
    void (*resize)(uint8_t slot);          /* a live block */
    void (*give)(uint8_t slot);
    void (*give_carefully)(uint8_t slot); /* by the sized frees */
    void (*look)(uint8_t slot);
};
/* Carry out the record. False when it is of no slot. */
bool component_slot_record(const struct component_slots *slots);

/* Nothing but metadata is reserved: raises "not-returned". */
void component_check_returned(size_t still_reserved_bytes);

#endif
