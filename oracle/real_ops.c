/* real_ops: one operation on the malloc under test, and every check that a program can make of it. */
#include <errno.h>
#include <string.h>

#include "oracle/real_run.h"
#include "oracle/request.h"

static const struct backend *backend(void) {
    return real.plan->backend;
}

static size_t place_of(const struct real_lane *lane, const struct real_slot *slot) {
    size_t index = (size_t)(slot - lane->instance->slots);
    return lane->instance->index * (size_t)real.program->header.slot_count + index;
}

static uint8_t slot_number(size_t place) {
    return (uint8_t)(place % real.program->header.slot_count);
}

/* --- content --- */

/* No two lanes write the same. */
static uint64_t next_pattern(struct real_lane *lane) {
    return shadow_pattern(lane->writes++ * PROGRAM_THREADS_MAX * REAL_INSTANCES_MAX +
                          lane->instance->index * PROGRAM_THREADS_MAX + lane->index);
}

static void verify(const struct real_lane *lane, const struct real_slot *slot, const char *where) {
    const struct shadow_block *block = &slot->block;
    ptrdiff_t changed = shadow_verify(block, block->start, block->claimed_bytes);
    if (changed != SHADOW_INTACT) {
        real_raise(lane, CHECK_CONTENT_CHANGED, "slot s%u, byte %td of %zu changed%s",
                   slot_number(place_of(lane, slot)), changed, block->requested_bytes, where);
    }
}

static void write_new(struct real_lane *lane, struct real_slot *slot) {
    if (slot->block.claimed_bytes != 0 && slot->block.requested_bytes != 0) {
        slot->block.pattern = next_pattern(lane);
        shadow_fill_elsewhere(&slot->block);
    }
}

/* --- what must hold after a call --- */

static void note_errno(struct real_lane *lane) {
    lane->call.error = errno == ERRNO_BEFORE ? 0 : errno;
}

static void check_errno(struct real_lane *lane, int expected, const char *call) {
    note_errno(lane);
    if (errno == ERRNO_BEFORE && expected != ERRNO_BEFORE) {
        real_raise(lane, CHECK_ERRNO_CONTRACT, "errno is left alone by %s, where it was to be %s", call,
                   strerror(expected));
    }
    if (errno != expected) {
        real_raise(lane, CHECK_ERRNO_CONTRACT, "errno is %d after %s, where it was to be %s", errno, call,
                   expected == ERRNO_BEFORE ? "left alone" : strerror(expected));
    }
}

/* After success. C lets a function change errno that did not fail; hakmem does not. */
void real_errno_kept(struct real_lane *lane, const char *call) {
    note_errno(lane);
    if (backend()->strict) {
        check_errno(lane, ERRNO_BEFORE, call);
    }
}

void real_errno_begin(void) {
    errno = ERRNO_BEFORE;
}

/* `why` it is impossible, or NULL. */
static void check_possible(const struct real_lane *lane, const char *why) {
    if (why != NULL) {
        real_raise(lane, CHECK_IMPOSSIBLE_SUCCESS, "the request succeeded, but %s", why);
    }
}

static void check_clear(const struct real_lane *lane, size_t place, uintptr_t start, size_t bytes, bool is_new) {
    size_t other = 0;
    enum shadow_conflict conflict = board_enter(&real.board, place, start, bytes, &other);
    if (conflict == SHADOW_CLEAR) {
        return;
    }
    enum check check = !is_new ? CHECK_USABLE_OVERLAP : conflict == SHADOW_OVERLAP ? CHECK_OVERLAP : CHECK_DOUBLE_ALLOC;
    real_raise(lane, check, "slot s%u's %zu bytes meet the live block of slot s%u%s", slot_number(place), bytes,
               slot_number(other),
               other / real.program->header.slot_count == lane->instance->index ? "" : " of another instance");
}

static size_t natural_align(size_t size_bytes) {
    return size_bytes >= 16 ? 16 : 8;
}

static void check_address(const struct real_lane *lane, size_t place, void *address, size_t size_bytes,
                          size_t align_bytes) {
    real_subject(lane, (uintptr_t)address, size_bytes, lane->index);
    if ((uintptr_t)address % align_bytes != 0 || (uintptr_t)address % 8 != 0) {
        real_raise(lane, CHECK_MISALIGNED, "the address is a multiple of %zu, not of %zu",
                   (size_t)((uintptr_t)address & (0 - (uintptr_t)address)), align_bytes);
    }
    check_clear(lane, place, (uintptr_t)address, size_bytes == 0 ? 1 : size_bytes, true);
}

static void slot_fill(struct real_lane *lane, struct real_slot *slot, void *address, size_t size_bytes) {
    slot->block = (struct shadow_block){.start = (uintptr_t)address,
                                        .requested_bytes = size_bytes,
                                        .claimed_bytes = size_bytes == 0 ? 1 : size_bytes,
                                        .born = lane->now,
                                        .thread = lane->index};
    slot->aligned_to = 0;
    lane->call.answer = JOURNAL_BLOCK;
    if (real.plan->corners && backend()->usable_size != NULL) {
        lane->call.usable_bytes = backend()->usable_size(address);
    }
    write_new(lane, slot);
    real_note(JOURNAL_ALLOCATED, slot_number(place_of(lane, slot)), &slot->block);
}

/* --- requests --- */

/* A request of a machine's whole memory finds out how much it has. One that no machine can meet must fail. */
static bool is_reasonable(size_t size_bytes, size_t align_bytes) {
    enum { ADDRESS_BITS = 48 };
    bool hopeless = size_bytes >> ADDRESS_BITS != 0;
    return (size_bytes <= REAL_REQUEST_BYTES_MAX && align_bytes <= REAL_REQUEST_BYTES_MAX + 1UL) || hopeless;
}

/* Whether to go on: the backend has the function, and the request is one to make. */
static bool is_carried(struct real_lane *lane, bool exists, const struct request *request) {
    bool carried = exists && (request->overflows || is_reasonable(request->size_bytes, request->align_bytes)) &&
                   (backend()->strict || real.plan->corners || !request->is_open);
    lane->not_carried += !carried;
    return carried;
}

static void conclude(struct real_lane *lane, struct real_slot *slot, const struct request *request, void *address) {
    bool is_open = request->is_open && !backend()->strict;
    bool is_zero = request->size_bytes == 0 && !request->overflows && !request->bad_align && !backend()->strict;
    lane->applied = true;
    lane->call.fact = (uint8_t)(is_zero ? FACT_ZERO_SIZE : request->is_open ? request->fact : FACT_COUNT);
    lane->call.answer = JOURNAL_NULL;
    if (address == NULL && (is_open || is_zero || (request->no_standard && !backend()->strict))) {
        note_errno(lane);
        return;
    }
    if (address == NULL) {
        check_errno(lane, request->bad_align ? EINVAL : ENOMEM, request->call);
        return;
    }
    struct request judged = *request; /* a bad alignment is impossible only where that is fixed */
    judged.bad_align = request->bad_align && !is_open;
    real_errno_kept(lane, request->call);
    check_possible(lane, request_is_impossible(&judged));
    check_address(lane, place_of(lane, slot), address, request->size_bytes,
                  request->bad_align && is_open ? natural_align(request->size_bytes) : request->align_bytes);
    ptrdiff_t nonzero = request->zeroed ? shadow_nonzero(address, request->size_bytes) : SHADOW_INTACT;
    if (nonzero != SHADOW_INTACT) {
        real_raise(lane, CHECK_CALLOC_NONZERO, "byte %td of %zu is not zero", nonzero, request->size_bytes);
    }
    if (real.plan->corners && !request->zeroed) {
        lane->call.shows = (uint8_t)real_stamps_look(address, request->size_bytes);
    }
    slot_fill(lane, slot, address, request->size_bytes);
    slot->aligned_to = request->aligned && !request->bad_align ? request->align_bytes : 0;
}

static void op_malloc(struct real_lane *lane, struct real_slot *slot) {
    struct request request = {.call = "malloc", .size_bytes = record_size_bytes(&lane->record)};
    request.align_bytes = natural_align(request.size_bytes);
    if (is_carried(lane, true, &request)) {
        errno = ERRNO_BEFORE;
        conclude(lane, slot, &request, backend()->malloc(request.size_bytes));
    }
}

static bool product_overflows(size_t count, size_t size_bytes) {
    return size_bytes != 0 && count > SIZE_MAX / size_bytes;
}

static void op_calloc(struct real_lane *lane, struct real_slot *slot) {
    size_t size_bytes = record_size_bytes(&lane->record);
    size_t count = lane->record.argument;
    struct request request = {.call = "calloc",
                              .size_bytes = count * size_bytes,
                              .align_bytes = natural_align(count * size_bytes),
                              .overflows = product_overflows(count, size_bytes),
                              .zeroed = true};
    if (is_carried(lane, backend()->calloc != NULL, &request)) {
        errno = ERRNO_BEFORE;
        conclude(lane, slot, &request, backend()->calloc(count, size_bytes));
    }
}

/* Returns the address, with errno as a failure of the others leaves it. */
static void *call_posix_memalign(struct real_lane *lane, const struct request *request) {
    void *const untouched = &real;
    void *address = untouched;
    int code = backend()->posix_memalign(&address, request->align_bytes, request->size_bytes);
    real_errno_kept(lane, request->call);
    if ((code == 0 && address == untouched) || (code != 0 && address != untouched && backend()->strict)) {
        real_raise(lane, CHECK_ERRNO_CONTRACT, "posix_memalign returned %d and %s the pointer", code,
                   code == 0 ? "left" : "changed");
    }
    if (code != 0) {
        errno = code;
        return NULL;
    }
    return address;
}

static void op_aligned(struct real_lane *lane, struct real_slot *slot) {
    enum program_op op = lane->record.op;
    size_t align_bytes = record_align_bytes(&lane->record);
    struct request request = {.call = program_op_info[op].name,
                              .size_bytes = record_size_bytes(&lane->record),
                              .align_bytes = align_bytes,
                              .aligned = true,
                              .no_standard = op == OP_MEMALIGN,
                              .bad_align = (align_bytes & (align_bytes - 1)) != 0};
    bool exists = op == OP_POSIX_MEMALIGN  ? backend()->posix_memalign != NULL
                  : op == OP_ALIGNED_ALLOC ? backend()->aligned_alloc != NULL
                                           : backend()->memalign != NULL;
    request.bad_align = request.bad_align || (op == OP_POSIX_MEMALIGN && align_bytes % sizeof(void *) != 0);
    bool is_multiple = request.bad_align || request.size_bytes % align_bytes == 0; /* C11 asks that of aligned_alloc */
    request.is_open =
        op == OP_ALIGNED_ALLOC ? request.bad_align || !is_multiple : op == OP_MEMALIGN && request.bad_align;
    request.fact = op == OP_MEMALIGN ? FACT_MEMALIGN_BAD : request.bad_align ? FACT_ALIGNED_BAD : FACT_ALIGNED_SIZE;
    if (!is_carried(lane, exists, &request)) {
        return;
    }
    errno = ERRNO_BEFORE;
    void *address = op == OP_POSIX_MEMALIGN  ? call_posix_memalign(lane, &request)
                    : op == OP_ALIGNED_ALLOC ? backend()->aligned_alloc(align_bytes, request.size_bytes)
                                             : backend()->memalign(align_bytes, request.size_bytes);
    conclude(lane, slot, &request, address);
}

/* --- realloc --- */

static void realloc_succeeded(struct real_lane *lane, struct real_slot *slot, const struct shadow_block *old,
                              void *address, size_t size_bytes) {
    check_address(lane, place_of(lane, slot), address, size_bytes, natural_align(size_bytes));
    size_t shared_bytes = old->requested_bytes < size_bytes ? old->requested_bytes : size_bytes;
    ptrdiff_t changed = shadow_verify(old, (uintptr_t)address, shared_bytes);
    if (changed != SHADOW_INTACT) {
        real_raise(lane, CHECK_REALLOC_PREFIX, "byte %td of the %zu that both sizes share is lost", changed,
                   shared_bytes);
    }
    slot_fill(lane, slot, address, size_bytes);
}

static void realloc_failed(struct real_lane *lane, struct real_slot *slot, const struct shadow_block *old) {
    check_errno(lane, ENOMEM, "realloc");
    check_clear(lane, place_of(lane, slot), old->start, old->claimed_bytes, true);
    ptrdiff_t changed = shadow_verify(old, old->start, old->claimed_bytes);
    if (changed != SHADOW_INTACT) {
        real_raise(lane, CHECK_REALLOC_HARMED, "byte %td of the old block changed", changed);
    }
}

static void op_realloc(struct real_lane *lane, struct real_slot *slot) {
    bool is_array = lane->record.op == OP_REALLOCARRAY;
    size_t size_bytes = record_size_bytes(&lane->record);
    size_t count = is_array ? lane->record.argument : 1;
    struct request request = {.call = "realloc",
                              .size_bytes = count * size_bytes,
                              .align_bytes = natural_align(count * size_bytes),
                              .overflows = product_overflows(count, size_bytes)};
    struct shadow_block old = slot->block;
    bool frees = old.start != 0 && request.size_bytes == 0 && !request.overflows;
    bool exists = is_array ? backend()->reallocarray != NULL : backend()->realloc != NULL;
    request.is_open = frees;
    request.fact = FACT_REALLOC_ZERO;
    if (!is_carried(lane, exists, &request)) {
        return;
    }
    if (old.start != 0) {
        verify(lane, slot, " before realloc");
        board_leave(&real.board, place_of(lane, slot));
    }
    errno = ERRNO_BEFORE;
    void *address = is_array ? backend()->reallocarray((void *)old.start, count, size_bytes)
                             : backend()->realloc((void *)old.start, size_bytes);
    if (old.start == 0) {
        conclude(lane, slot, &request, address);
        return;
    }
    lane->applied = true;
    lane->call.answer = JOURNAL_NULL;
    lane->call.fact = (uint8_t)(frees ? FACT_REALLOC_ZERO : FACT_COUNT);
    if (address != NULL) {
        real_errno_kept(lane, "realloc");
        check_possible(lane, request_is_impossible(&request));
        check_possible(lane, frees && backend()->strict ? "the size is 0, which frees" : NULL);
        real_note(JOURNAL_FREED, slot_number(place_of(lane, slot)), &old);
        realloc_succeeded(lane, slot, &old, address, request.size_bytes);
    } else if (frees) {
        real_errno_kept(lane, "realloc to 0");
        real_note(JOURNAL_FREED, slot_number(place_of(lane, slot)), &old);
        slot->block.start = 0;
    } else {
        realloc_failed(lane, slot, &old);
    }
}

/* --- the others --- */

/* Of a block that no aligned request made, free_sized is the one that is allowed. */
static void free_as(struct real_lane *lane, enum program_op op, struct real_slot *slot) {
    void *address = (void *)slot->block.start;
    size_t size_bytes = slot->block.requested_bytes;
    bool aligned = op == OP_FREE_ALIGNED_SIZED && slot->aligned_to != 0;
    bool exists = aligned ? backend()->free_aligned_sized != NULL : backend()->free_sized != NULL;
    bool sized = op == OP_FREE_ALIGNED_SIZED || (op == OP_FREE_SIZED && slot->aligned_to == 0);
    verify(lane, slot, " before free");
    board_leave(&real.board, place_of(lane, slot));
    real_note(JOURNAL_FREED, slot_number(place_of(lane, slot)), &slot->block);
    slot->block.start = 0;
    errno = ERRNO_BEFORE;
    if (sized && exists && aligned) {
        backend()->free_aligned_sized(address, slot->aligned_to, size_bytes);
    } else if (sized && exists) {
        backend()->free_sized(address, size_bytes);
    } else {
        backend()->free(address);
    }
    check_errno(lane, ERRNO_BEFORE, "free"); /* POSIX.1-2024 */
}

void real_free_slot(struct real_lane *lane, struct real_slot *slot) {
    real_subject(lane, slot->block.start, slot->block.requested_bytes, slot->block.thread);
    free_as(lane, OP_FREE, slot);
}

static void op_usable(struct real_lane *lane, struct real_slot *slot) {
    struct shadow_block *block = &slot->block;
    if (backend()->usable_size == NULL) {
        lane->not_carried++;
        return;
    }
    verify(lane, slot, "");
    errno = ERRNO_BEFORE;
    size_t usable_bytes = backend()->usable_size((void *)block->start);
    real_errno_kept(lane, "malloc_usable_size");
    if (usable_bytes < block->requested_bytes) {
        real_raise(lane, CHECK_USABLE_SMALL, "usable size %zu of a block of %zu bytes", usable_bytes,
                   block->requested_bytes);
    }
    lane->applied = true;
    if (usable_bytes != 0) {
        check_clear(lane, place_of(lane, slot), block->start, usable_bytes, false);
        block->claimed_bytes = usable_bytes;
        block->pattern = next_pattern(lane);
        shadow_fill_elsewhere(block);
        real_note(JOURNAL_GREW, slot_number(place_of(lane, slot)), block);
    }
}

void real_on_slot(struct real_lane *lane, struct real_slot *slot) {
    bool empty = slot->block.start == 0;
    if (!empty) {
        real_subject(lane, slot->block.start, slot->block.requested_bytes, slot->block.thread);
    }
    switch (lane->record.op) {
    case OP_MALLOC:
    case OP_MALLOC_MANY:
        if (empty) {
            op_malloc(lane, slot);
        }
        break;
    case OP_CALLOC:
        if (empty) {
            op_calloc(lane, slot);
        }
        break;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        if (empty) {
            op_aligned(lane, slot);
        }
        break;
    case OP_REALLOC:
    case OP_REALLOCARRAY:
        op_realloc(lane, slot);
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
    case OP_FREE_MANY:
        if (!empty) {
            lane->applied = true;
            free_as(lane, lane->record.op, slot);
        } else if (lane->record.op != OP_FREE_MANY) {
            backend()->free(NULL);
        }
        break;
    case OP_USABLE:
        if (!empty) {
            op_usable(lane, slot);
        }
        break;
    case OP_WRITE:
    case OP_VERIFY:
        if (!empty) {
            lane->applied = true;
            verify(lane, slot, "");
            if (lane->record.op == OP_WRITE) {
                write_new(lane, slot);
            }
        }
        break;
    default:
        break;
    }
}
