/* world_ops: one operation on the allocator, and every check that can be made right there. */
#include <errno.h>
#include <string.h>

#include "allocator/hakmem.h"
#include "allocator/root.h"
#include "oracle/beside.h"
#include "oracle/finding.h"
#include "oracle/request.h"
#include "oracle/run.h"
#include "oracle/sim.h"

/* --- live blocks --- */

static void event_add(enum event_kind kind, uint8_t slot, uintptr_t start, size_t bytes) {
    run.events[run.event_count++ % EVENTS_KEPT] =
        (struct event){start, bytes, run.now->index, run.thread, slot, (uint8_t)kind};
}

static void subject_set(const struct shadow_block *block) {
    run.now->subject = block->start;
    run.now->subject_bytes = block->requested_bytes;
    run.now->subject_thread = block->thread;
    run.now->subject_known = true;
}

void run_verify_slot(uint8_t slot, const char *where) {
    const struct shadow_block *block = &run.shadow.blocks[slot];
    ptrdiff_t changed = shadow_verify(block, block->start, block->claimed_bytes);
    if (changed != SHADOW_INTACT) {
        subject_set(block);
        finding_raise(CHECK_CONTENT_CHANGED, (void *)block->start, "slot s%u, byte %td of %zu changed%s", slot, changed,
                      block->requested_bytes, where);
    }
}

static void block_enter(uint8_t slot, void *address, size_t size_bytes) {
    struct shadow_block block = {.start = (uintptr_t)address,
                                 .requested_bytes = size_bytes,
                                 .claimed_bytes =
                                     size_bytes == 0 ? 1 : size_bytes, /* even of 0 bytes: an address of its own */
                                 .pattern = size_bytes == 0 ? 0 : shadow_pattern(run.writes++),
                                 .born = run.now->index,
                                 .thread = run.thread};
    shadow_insert(&run.shadow, slot, &block);
    if (size_bytes != 0) {
        shadow_fill(&block);
    }
    run_user_gets(slot);
    subject_set(&block);
    event_add(EVENT_ALLOCATED, slot, block.start, size_bytes);
    run_trace(sim_offset(address));
}

/* --- the calls --- */

static const char *errno_name(int number) {
    return number == ENOMEM ? "ENOMEM" : number == EINVAL ? "EINVAL" : "left alone";
}

static void check_errno(int expected, const char *call) {
    if (errno == ERRNO_BEFORE && errno != expected) {
        finding_raise(CHECK_ERRNO_CONTRACT, NULL, "%s left errno alone, where %s was due", call, errno_name(expected));
    }
    if (errno != expected) {
        finding_raise(CHECK_ERRNO_CONTRACT, NULL, "errno is %d after %s, where it was to be %s", errno, call,
                      errno_name(expected));
    }
}

/* A request failed with NULL: it must have had a reason. */
static void check_refusal(size_t size_bytes, uint64_t refused_before, const char *call) {
    run_trace(UINT64_C(0xfa11));
    bool hopeless =
        size_bytes >> HAK_ADDRESS_BITS != 0; /* larger than the whole arena: it need not even be asked for */
    if (!hopeless && sim_refused() == refused_before) {
        finding_raise(CHECK_SPURIOUS_FAILURE, NULL, "%s of %zu bytes returned NULL, though the system refused nothing",
                      call, size_bytes);
    }
}

/* `why` it is impossible, or NULL. */
static void check_possible(const void *address, const char *why) {
    if (why != NULL) {
        finding_raise(CHECK_IMPOSSIBLE_SUCCESS, address, "the request succeeded, but %s", why);
    }
}

/* What a slot's caller asked for, 0 when it was no aligned request: what C23's free_aligned_sized is to be told. */
static size_t aligned_to[PROGRAM_SLOTS_MAX];

/* The world before a call that allocates. */
struct before {
    uint64_t refused;
    struct thrift thrift;
};

static struct before look_before(void) {
    return (struct before){sim_refused(), run_thrift_before()};
}

/* What every allocating call comes to: `address` and errno as it left them. */
static void conclude(uint8_t slot, const struct request *request, void *address, const struct before *before) {
    __builtin_prefetch(address, 1); /* its ends, which nobody may have touched in this run, are looked at last */
    __builtin_prefetch((const void *)((uintptr_t)address + request->size_bytes - 1), 1);
    run.now->applied = true;
    run_forget_subject();
    run.now->slot = slot;
    run.now->subject_bytes = request->size_bytes;
    if (address == NULL) {
        check_errno(request->bad_align ? EINVAL : ENOMEM, request->call);
        if (!request->bad_align && !request->overflows) {
            check_refusal(request->size_bytes, before->refused, request->call);
        }
        beside_tell_allocated(slot, request, NULL, address, before->refused);
        return;
    }
    check_errno(ERRNO_BEFORE, request->call);
    check_possible(address, request_is_impossible(request));
    block_check_address(address, request->size_bytes, request->align_bytes);
    if (!run.now->overlapped) {
        run_thrift_check(&before->thrift, address);
    }
    if (request->zeroed) {
        block_check_zero(address, request->size_bytes);
    } else {
        block_check_no_leak(address, 0, request->size_bytes);
    }
    block_enter(slot, address, request->size_bytes);
    aligned_to[slot] = request->aligned ? request->align_bytes : 0;
    beside_tell_allocated(slot, request, NULL, address, before->refused);
}

static size_t natural_align(size_t size_bytes) {
    return size_bytes >= 16 ? 16 : 8;
}

static void op_malloc(uint8_t slot) {
    struct request request = {.call = "malloc", .size_bytes = record_size_bytes(&run.now->record)};
    request.align_bytes = natural_align(request.size_bytes);
    struct before before = look_before();
    errno = ERRNO_BEFORE;
    run_enter(slot);
    void *address = hak_malloc(request.size_bytes);
    run_leave(slot);
    conclude(slot, &request, address, &before);
}

static bool product_overflows(size_t count, size_t size_bytes) {
    return size_bytes != 0 && count > SIZE_MAX / size_bytes;
}

static void op_calloc(uint8_t slot) {
    size_t size_bytes = record_size_bytes(&run.now->record);
    size_t count = run.now->record.argument;
    struct request request = {.call = "calloc",
                              .size_bytes = count * size_bytes,
                              .align_bytes = natural_align(count * size_bytes),
                              .overflows = product_overflows(count, size_bytes),
                              .zeroed = true};
    struct before before = look_before();
    errno = ERRNO_BEFORE;
    run_enter(slot);
    void *address = hak_calloc(count, size_bytes);
    run_leave(slot);
    conclude(slot, &request, address, &before);
}

static void op_aligned(uint8_t slot) {
    size_t align_bytes = record_align_bytes(&run.now->record);
    struct request request = {.call = program_op_info[run.now->record.op].name,
                              .size_bytes = record_size_bytes(&run.now->record),
                              .align_bytes = align_bytes,
                              .aligned = true,
                              .bad_align = (align_bytes & (align_bytes - 1)) != 0};
    struct before before = look_before();
    void *address = NULL;
    errno = ERRNO_BEFORE;
    if (run.now->record.op == OP_POSIX_MEMALIGN) {
        void *const untouched = &request;
        address = untouched;
        request.bad_align = request.bad_align || align_bytes % sizeof(void *) != 0;
        run_enter(slot);
        int code = hak_posix_memalign(&address, align_bytes, request.size_bytes);
        run_leave(slot);
        check_errno(ERRNO_BEFORE, request.call);
        if ((code == 0) == (address == untouched)) {
            finding_raise(CHECK_ERRNO_CONTRACT, address, "posix_memalign returned %d and %s the pointer", code,
                          code == 0 ? "left" : "changed");
        }
        if (code != 0) {
            address = NULL;
            errno = code; /* the same contract as the others' errno */
        }
    } else {
        run_enter(slot);
        address = run.now->record.op == OP_MEMALIGN ? hak_memalign(align_bytes, request.size_bytes)
                                                    : hak_aligned_alloc(align_bytes, request.size_bytes);
        run_leave(slot);
    }
    conclude(slot, &request, address, &before);
}

/* The old block as the shadow knew it moves on: content that both sizes share must be there. */
static void realloc_succeeded(uint8_t slot, const struct shadow_block *old, void *address, size_t size_bytes) {
    event_add(EVENT_FREED, slot, old->start, old->requested_bytes);
    block_check_address(address, size_bytes, natural_align(size_bytes));
    size_t kept_bytes = old->requested_bytes < size_bytes ? old->requested_bytes : size_bytes;
    ptrdiff_t changed = shadow_verify(old, (uintptr_t)address, kept_bytes);
    if (changed != SHADOW_INTACT) {
        finding_raise(CHECK_REALLOC_PREFIX, address, "byte %td of the %zu that both sizes share was lost", changed,
                      kept_bytes);
    }
    if ((uintptr_t)address != old->start) {
        block_check_no_leak(address, old->claimed_bytes, size_bytes);
    }
    block_enter(slot, address, size_bytes);
    aligned_to[slot] = 0;
}

/* The old block is the caller's still, so nobody else may have got its bytes meanwhile. */
static void realloc_failed(uint8_t slot, const struct shadow_block *old, size_t size_bytes, bool overflows,
                           uint64_t refused_before) {
    uint8_t other;
    check_errno(ENOMEM, "realloc");
    if (!overflows) {
        check_refusal(size_bytes, refused_before, "realloc");
    }
    if (shadow_find(&run.shadow, old->start, old->claimed_bytes, &other) != SHADOW_CLEAR) {
        finding_raise(CHECK_REALLOC_HARMED, (void *)old->start, "the old block is slot s%u's too now", other);
    }
    shadow_insert(&run.shadow, slot, old);
    run_user_gets(slot);
    ptrdiff_t changed = shadow_verify(old, old->start, old->claimed_bytes);
    if (old->requested_bytes != 0 && changed != SHADOW_INTACT) {
        finding_raise(CHECK_REALLOC_HARMED, (void *)old->start, "byte %td of the old block changed", changed);
    }
}

static void op_realloc(uint8_t slot) {
    size_t size_bytes = record_size_bytes(&run.now->record);
    size_t count = run.now->record.op == OP_REALLOCARRAY ? run.now->record.argument : 1;
    bool overflows = product_overflows(count, size_bytes);
    struct shadow_block old = run.shadow.blocks[slot];
    struct before before = look_before();
    if (old.start != 0) {
        run_verify_slot(slot, " before realloc");
        run_user_has(slot);
        subject_set(&old);
        shadow_remove(&run.shadow, slot);
    }
    errno = ERRNO_BEFORE;
    run_enter(slot);
    void *address = run.now->record.op == OP_REALLOCARRAY ? hak_reallocarray((void *)old.start, count, size_bytes)
                                                          : hak_realloc((void *)old.start, size_bytes);
    run_leave(slot);
    size_t total_bytes = count * size_bytes;
    struct request request = {.call = "realloc", .size_bytes = total_bytes, .overflows = overflows};
    if (old.start == 0) {
        request.align_bytes = natural_align(total_bytes);
        conclude(slot, &request, address, &before);
        return;
    }
    run.now->applied = true;
    run_trace(sim_offset((void *)old.start));
    if (address != NULL) {
        check_errno(ERRNO_BEFORE, "realloc");
        check_possible(address, request_is_impossible(&request));
        check_possible(address, total_bytes == 0 ? "the size is 0, which frees" : NULL);
        realloc_succeeded(slot, &old, address, total_bytes);
        if (!run.now->overlapped) {
            run_thrift_check(&before.thrift, address);
        }
    } else if (total_bytes == 0 && !overflows) {
        check_errno(ERRNO_BEFORE, "realloc to 0");
        event_add(EVENT_FREED, slot, old.start, old.requested_bytes);
    } else {
        realloc_failed(slot, &old, total_bytes, overflows, before.refused);
    }
    beside_tell_allocated(slot, &request, &old, address, before.refused);
}

/* Of a block that no aligned request made, free_sized is the one that is allowed. */
static void free_as(enum program_op op, void *address, size_t size_bytes, size_t align_bytes) {
    if (op == OP_FREE_ALIGNED_SIZED && align_bytes != 0) {
        hak_free_aligned_sized(address, align_bytes, size_bytes);
    } else if (op == OP_FREE_SIZED || op == OP_FREE_ALIGNED_SIZED) {
        hak_free_sized(address, size_bytes);
    } else {
        hak_free(address);
    }
}

void run_free_slot(uint8_t slot, enum program_op op) {
    struct shadow_block block = run.shadow.blocks[slot];
    run.now->slot = slot;
    run_verify_slot(slot, " before free");
    run_user_has(slot);
    subject_set(&block);
    shadow_remove(&run.shadow, slot);
    event_add(EVENT_FREED, slot, block.start, block.requested_bytes);
    run_trace(~sim_offset((void *)block.start));
    errno = ERRNO_BEFORE;
    run_enter(slot);
    free_as(op, (void *)block.start, block.requested_bytes, aligned_to[slot]);
    run_leave(slot);
    check_errno(ERRNO_BEFORE, "free");
    beside_tell_freed(slot, op, &block);
}

static void op_free(uint8_t slot) {
    if (run.shadow.blocks[slot].start == 0) {
        errno = ERRNO_BEFORE;
        hak_free(NULL);
        beside_tell_freed(slot, run.now->record.op, NULL);
        return;
    }
    run.now->applied = true;
    run_free_slot(slot, run.now->record.op);
}

static void op_usable(uint8_t slot) {
    struct shadow_block *block = &run.shadow.blocks[slot];
    run_verify_slot(slot, "");
    run_user_has(slot);
    subject_set(block);
    errno = ERRNO_BEFORE;
    run_enter(slot);
    size_t usable_bytes = hak_malloc_usable_size((void *)block->start);
    run_leave(slot);
    check_errno(ERRNO_BEFORE, "malloc_usable_size");
    run_trace(usable_bytes);
    beside_tell_usable(slot, block, usable_bytes);
    if (usable_bytes < block->requested_bytes) {
        finding_raise(CHECK_USABLE_SMALL, (void *)block->start, "usable size %zu of a block of %zu bytes", usable_bytes,
                      block->requested_bytes);
    }
    uint8_t other;
    if (shadow_reaches_next(&run.shadow, slot, usable_bytes, &other)) {
        finding_raise(CHECK_USABLE_OVERLAP, (void *)block->start, "usable size %zu reaches into slot s%u", usable_bytes,
                      other);
    }
    if (!sim_is_committed((void *)block->start, usable_bytes)) {
        finding_raise(CHECK_USABLE_OVERLAP, (void *)block->start, "usable size %zu reaches beyond committed memory",
                      usable_bytes);
    }
    block_check_open((void *)block->start, usable_bytes);
    block->claimed_bytes = usable_bytes;
    block->pattern = shadow_pattern(run.writes++);
    shadow_fill(block);
    run_user_gets(slot);
    event_add(EVENT_GREW, slot, block->start, usable_bytes);
}

/* Operations on a slot that must be live. */
static void op_on_live(uint8_t slot) {
    struct shadow_block *block = &run.shadow.blocks[slot];
    if (block->start == 0) {
        if (run.now->record.op == OP_USABLE && hak_malloc_usable_size(NULL) != 0) {
            finding_raise(CHECK_USABLE_OVERLAP, NULL, "malloc_usable_size of NULL is not 0");
        }
        return;
    }
    run.now->applied = true;
    if (run.now->record.op == OP_USABLE) {
        op_usable(slot);
        return;
    }
    run_verify_slot(slot, "");
    run_user_has(slot);
    beside_tell_verified(slot);
    if (run.now->record.op == OP_WRITE && block->requested_bytes != 0) {
        block->pattern = shadow_pattern(run.writes++);
        shadow_fill(block);
    }
    run_user_gets(slot);
}

static void op_many(void) {
    uint32_t slots = run.program->header.slot_count;
    uint32_t calls = 0;
    for (uint32_t i = 0; i < run.now->record.argument && i < slots; i++) {
        uint8_t slot = (uint8_t)((run.now->record.slot + i) % slots);
        bool live = run.shadow.blocks[slot].start != 0;
        if (run_is_claimed(slot)) {
            continue;
        }
        if (run.now->record.op == OP_MALLOC_MANY && !live) {
            op_malloc(slot);
            calls++;
        } else if (run.now->record.op == OP_FREE_MANY && live) {
            run_free_slot(slot, OP_FREE);
            calls++;
        }
    }
    if (calls != 0) {
        run.now->applied = true;
        run.operations += calls - 1; /* the step counts one for itself */
    }
}

void run_record(void) {
    uint8_t slot = run.now->record.slot;
    bool empty = run.shadow.blocks[slot].start == 0;
    if (run_is_claimed(slot) && (program_op_info[run.now->record.op].fields & FIELD_SLOT) != 0) {
        return;
    }
    switch (run.now->record.op) {
    case OP_MALLOC:
        if (empty) {
            op_malloc(slot);
        }
        break;
    case OP_CALLOC:
        if (empty) {
            op_calloc(slot);
        }
        break;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        if (empty) {
            op_aligned(slot);
        }
        break;
    case OP_REALLOC:
    case OP_REALLOCARRAY:
        op_realloc(slot);
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        op_free(slot);
        break;
    case OP_USABLE:
    case OP_WRITE:
    case OP_VERIFY:
        op_on_live(slot);
        break;
    case OP_TRIM:
        run.now->applied = true;
        errno = ERRNO_BEFORE;
        run_enter(NO_SLOT);
        (void)hak_malloc_trim(0);
        run_leave(NO_SLOT);
        check_errno(ERRNO_BEFORE, "malloc_trim");
        break;
    case OP_THREAD_END:
        run_thread_end();
        break;
    case OP_FORK:
        run_fork();
        break;
    case OP_CLOCK:
        run.now->applied = true;
        sim_advance_clock(run.now->record.argument);
        break;
    case OP_FAIL:
        run.now->applied = run.target->failures;
        if (run.now->applied) {
            sim_fail_next(run.now->record.argument);
        }
        break;
    case OP_CHECK:
        run.now->applied = run.inside == 0;
        if (run.now->applied) {
            run_prove_heap();
        }
        break;
    case OP_MALLOC_MANY:
    case OP_FREE_MANY:
        op_many();
        break;
    case OP_OPTION:
        if (run.inside == 0) {
            run_option();
        }
        break;
    case OP_REPORT:
        run.now->applied = run.inside == 0;
        if (run.now->applied) {
            run_report(run.now->record.argument);
        }
        break;
    case OP_NOP:
    case OP_THREAD_START: /* being named is enough to be born: world.c */
    case OP_COUNT:
        break;
    }
}
