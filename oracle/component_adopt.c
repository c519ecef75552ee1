/* component adopt: heaps that lose their owners with blocks out and on their way, and those who take them over, beside
 * the set of blocks that are out.
 *
 * Four threads, each with a heap of its own. To begin with every slot below 16 has a block of the heap of thread N
 * modulo 4: of 96 bytes in slots 0 to 7, of 8 in the others, whose blocks have no room for a label. So every record may
 * be one that matters.
 *
 *   malloc, malloc_many s3 SIZE    as for the whole allocator, with the size of slot s3; SIZE means nothing
 *   free, free_sized, free_many    as for the whole allocator: into the cache, or to the owner, gathered or not
 *   verify, write, usable s3       as for the whole allocator
 *   end                            the thread ends: its heap becomes an orphan or a spare; not of thread 0
 *   free, free_many                of a thread that ended: as its last destructors do it, without a heap
 *   start, or any other record     of a thread that ended: it is born anew, and claims a heap when it needs one
 *   realloc s3 SIZE                the thread's heap takes over all that an orphan has
 *   calloc s3 SIZE n=N             it takes over a slab with room for a block of the slot's size
 *   trim; clock ms=N               what is free goes; time passes, so that others look after the queues of the idle
 *   option                         as for the whole allocator
 *
 * The set is the shadow: a block leaves it when free is called, and joins it when malloc returns. Whenever nobody is
 * inside, every carved block is in exactly one place: in the set, in the cache of its slab's owner, gathered or in a
 * queue, or in its slab's free list; and each heap is one thread's, or an orphan or a spare with empty caches. So none
 * is lost and none comes twice, whoever adopted what meanwhile. */
#include "allocator/class.h"
#include "allocator/process.h"
#include "allocator/root.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/run.h"

enum { BEGIN_SLOTS = 16, LARGER_SLOTS = 8, LARGER_BYTES = 96, SMALLER_BYTES = 8 };

static size_t size_of_slot(uint8_t slot) {
    return slot < LARGER_SLOTS ? LARGER_BYTES : SMALLER_BYTES;
}

/* The record says the size of its slot. */
static void record_resize(struct record *record) {
    record->distance = 0;
    for (record->boundary = 0; program_boundaries[record->boundary].value_bytes != size_of_slot(record->slot);) {
        record->boundary++;
    }
}

/* Whoever has ended keeps no heap. */
static void prove_ended(void) {
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        const struct hak_thread *root = component_thread_root(i);
        component_compare("a thread that has ended has a heap", root->ended && root->heap != &hak_heap_none, false);
    }
}

static void prove(void) {
    if (run.inside == 0) {
        prove_ended();
        component_prove_heaps();
        run_prove_heap();
    }
}

/* Thread i allocates. All threads know of what was done here: nobody is told of it. */
static void block_begin(uint8_t slot) {
    uint8_t thread = run.thread;
    struct hak_thread root = hak_thread;
    struct hak_thread *other = &run.threads[slot % PROGRAM_THREADS_MAX].root;
    run.thread = slot % PROGRAM_THREADS_MAX;
    if (run.thread != thread) {
        hak_thread = *other;
    }
    run.now->record = (struct record){.op = OP_MALLOC, .slot = slot};
    record_resize(&run.now->record);
    run_record();
    if (run.thread != thread) {
        *other = hak_thread;
        hak_thread = root;
    }
    run.thread = thread;
}

static void begin(void) {
    uint32_t level = run.level;
    run.level = 0;
    component_begin_threads();
    for (uint8_t slot = 0; slot < BEGIN_SLOTS && slot < run.program->header.slot_count; slot++) {
        block_begin(slot);
    }
    run.level = level;
}

static void adopt(uint32_t class_id) {
    run.now->applied = hak_thread_has_heap();
    if (run.now->applied) {
        run_enter(NO_SLOT);
        (void)hak_heap_adopt(hak_thread.heap, class_id);
        run_leave(NO_SLOT);
    }
}

static void record(void) {
    switch (run.now->record.op) {
    case OP_REALLOC:
        adopt(HAK_CLASS_NONE);
        break;
    case OP_CALLOC:
        adopt(hak_class_of(size_of_slot(run.now->record.slot) + HAK_HEADER_BYTES));
        break;
    case OP_MALLOC:
    case OP_MALLOC_MANY:
        record_resize(&run.now->record);
        run_record();
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_MANY:
    case OP_USABLE:
    case OP_VERIFY:
    case OP_WRITE:
    case OP_TRIM:
    case OP_CLOCK:
    case OP_THREAD_END:
    case OP_OPTION:
        run_record();
        break;
    default:
        return;
    }
    prove();
}

/* Owners are there until the last block is home: what adoption does is the program's to show. */
static void final(void) {
    prove();
    while (run.shadow.count > 0) {
        run_free_slot(run.shadow.slots[run.shadow.count - 1], OP_FREE);
    }
    run_forget_subject();
    if (hak_thread_has_heap()) {
        hak_pending_send(hak_thread.heap);
    }
    component_end_threads();
    run_final_free();
}

const struct component component_adopt = {.begin = begin, .record = record, .final = final, .frees_behind_end = true};
