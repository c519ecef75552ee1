/* beside: libc's side of target differential, and who of the two is not as the model says. */
#include "oracle/beside.h"

#include <malloc.h>
#include <stdlib.h>

#include "oracle/finding.h"
#include "oracle/reference.h"

enum { WORDS_BYTES = 120, ALIGN_BYTES_MAX = 1 << 16 };

/* In sanitizer builds libc's malloc is the sanitizer's. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static struct shadow_block blocks[PROGRAM_SLOTS_MAX]; /* libc's; start 0: none */
static size_t told_bytes[PROGRAM_SLOTS_MAX];          /* by hakmem, of the slot's block: its usable size, 0: not yet */
static uint32_t writes;

/* --- verdicts --- */

static enum fact judge(const struct reference_call *call, const struct reference_answer *answer, char *words) {
    return reference_judge(call, answer, words, WORDS_BYTES);
}

/* `libc` NULL: it was not asked. */
static void compare(const struct reference_call *call, const struct reference_answer *hakmem,
                    const struct reference_answer *libc, const void *subject) {
    char words[WORDS_BYTES], libc_words[WORDS_BYTES];
    const char *op = program_op_info[call->op].name;
    enum fact fact = judge(call, hakmem, words);
    struct reference_call libc_call = *call;
    libc_call.told_bytes = 0; /* it was hakmem that told */
    enum fact libc_fact = libc != NULL ? judge(&libc_call, libc, libc_words) : FACT_COUNT;
    if (fact != FACT_COUNT) {
        finding_raise(CHECK_DIVERGENCE, subject, "hakmem: %s, by %s: %s%s", fact_table[fact].name, op, words,
                      libc == NULL        ? "; libc was not asked"
                      : libc_fact == fact ? "; libc does the same"
                                          : "; not so the model and libc");
    }
    if (libc_fact != FACT_COUNT) {
        finding_raise(CHECK_DIVERGENCE, subject, "libc: %s, by %s: %s; not so the model and hakmem",
                      fact_table[libc_fact].name, op, libc_words);
    }
}

/* --- libc's side --- */

static bool is_for_libc(const struct reference_call *call) {
    bool is_multiple = call->align_bytes == 0 || call->size_bytes % call->align_bytes == 0;
    if (reference_is_hopeless(call)) {
        bool is_fixed = call->align_bytes == 0 || call->op == OP_POSIX_MEMALIGN;
        return is_fixed && __sanitizer_set_death_callback == NULL;
    }
    return call->size_bytes <= BESIDE_BYTES_MAX && call->align_bytes <= ALIGN_BYTES_MAX &&
           (is_multiple || call->op != OP_ALIGNED_ALLOC);
}

static void *libc_allocate(const struct reference_call *call, void *old) {
    const struct record *record = &run.now->record;
    switch (call->op) {
    case OP_CALLOC:
        return calloc(record->argument, record_size_bytes(record));
    case OP_REALLOC:
        return realloc(old, call->size_bytes);
    case OP_REALLOCARRAY:
        return reallocarray(old, record->argument, record_size_bytes(record));
    case OP_ALIGNED_ALLOC:
        return aligned_alloc(call->align_bytes, call->size_bytes);
    case OP_MEMALIGN:
        return memalign(call->align_bytes, call->size_bytes);
    case OP_POSIX_MEMALIGN: {
        void *address = NULL;
        int code = posix_memalign(&address, call->align_bytes, call->size_bytes);
        errno = code != 0 ? code : ERRNO_BEFORE;
        return code != 0 ? NULL : address;
    }
    default:
        return malloc(call->size_bytes);
    }
}

static ptrdiff_t changed_of(const struct shadow_block *block, uintptr_t start, size_t bytes) {
    return block->start == 0 ? SHADOW_INTACT : shadow_verify(block, start, bytes);
}

static void block_write(struct shadow_block *block, uintptr_t start, size_t size_bytes) {
    *block = (struct shadow_block){.start = start,
                                   .requested_bytes = size_bytes,
                                   .claimed_bytes = size_bytes,
                                   .pattern = shadow_pattern(writes++)};
    if (size_bytes != 0) {
        shadow_fill_elsewhere(block);
    }
}

/* What libc does with its block when hakmem's is resized or made; what it holds afterwards is the slot's. */
static struct reference_answer libc_answer(const struct reference_call *call, struct shadow_block *block) {
    struct shadow_block old = *block;
    struct reference_answer answer = {.was_refused = true, .nonzero = SHADOW_INTACT, .lost = SHADOW_INTACT};
    errno = ERRNO_BEFORE;
    answer.start = (uintptr_t)libc_allocate(call, (void *)old.start);
    answer.error = beside_error();
    if (answer.start == 0) {
        bool has_freed = old.start != 0 && call->size_bytes == 0 && !call->overflows;
        answer.lost = has_freed ? SHADOW_INTACT : changed_of(&old, old.start, old.claimed_bytes);
        block->start = has_freed ? 0 : old.start;
        return answer;
    }
    if (call->op == OP_CALLOC) {
        answer.nonzero = shadow_nonzero((const unsigned char *)answer.start, call->size_bytes);
    }
    size_t kept_bytes = old.claimed_bytes < call->size_bytes ? old.claimed_bytes : call->size_bytes;
    answer.lost = changed_of(&old, answer.start, kept_bytes);
    block_write(block, answer.start, call->size_bytes);
    return answer;
}

static void libc_release(struct shadow_block *block) {
    free((void *)block->start);
    block->start = 0;
}

/* --- calls --- */

void beside_allocated(uint8_t slot, const struct request *request, const struct shadow_block *old, const void *address,
                      int error, bool was_refused) {
    struct shadow_block *block = &blocks[slot];
    const struct reference_call call = {.op = run.now->record.op == OP_MALLOC_MANY ? OP_MALLOC : run.now->record.op,
                                        .size_bytes = request->size_bytes,
                                        .align_bytes = request->aligned ? request->align_bytes : 0,
                                        .block_bytes = old != NULL ? old->requested_bytes : 0,
                                        .overflows = request->overflows,
                                        .has_block = old != NULL};
    const struct reference_answer hakmem = {.start = (uintptr_t)address,
                                            .error = error,
                                            .was_refused = was_refused,
                                            .nonzero = SHADOW_INTACT, /* looked at before: world_ops.c */
                                            .lost = SHADOW_INTACT};
    bool is_asked = is_for_libc(&call) && (old == NULL) == (block->start == 0);
    bool has_freed = address == NULL && old != NULL && call.size_bytes == 0 && !call.overflows;
    bool is_in_step = address == NULL;
    told_bytes[slot] = address != NULL ? 0 : told_bytes[slot];
    if (is_asked) {
        struct reference_answer libc = libc_answer(&call, block);
        is_in_step = (libc.start != 0) == (address != NULL);
        compare(&call, &hakmem, &libc, address);
        if (!is_in_step && request->size_bytes != 0 && !was_refused) {
            finding_raise(CHECK_DIVERGENCE, address, "%s: %s, by %s: NULL, where %s finds %zu bytes",
                          address == NULL ? "hakmem" : "libc", fact_table[FACT_SUCCESS].name,
                          program_op_info[call.op].name, address == NULL ? "libc" : "hakmem", request->size_bytes);
        }
    } else {
        compare(&call, &hakmem, NULL, address);
    }
    if (!is_in_step || has_freed || (address == NULL && old == NULL)) {
        libc_release(block);
    }
}

void beside_freed(uint8_t slot, enum program_op op, const struct shadow_block *block, int error) {
    const struct reference_call call = {
        .op = op, .block_bytes = block != NULL ? block->requested_bytes : 0, .has_block = block != NULL};
    const struct reference_answer hakmem = {.error = error, .nonzero = SHADOW_INTACT, .lost = SHADOW_INTACT};
    struct reference_answer libc = hakmem;
    struct shadow_block *libcs = &blocks[slot];
    libc.lost = changed_of(libcs, libcs->start, libcs->claimed_bytes);
    errno = ERRNO_BEFORE;
    libc_release(libcs);
    libc.error = beside_error();
    told_bytes[slot] = 0;
    compare(&call, &hakmem, &libc, block != NULL ? (const void *)block->start : NULL);
}

void beside_usable(uint8_t slot, const struct shadow_block *block, size_t usable_bytes) {
    const struct reference_call call = {
        .op = OP_USABLE, .block_bytes = block->requested_bytes, .told_bytes = told_bytes[slot], .has_block = true};
    const struct reference_answer hakmem = {.usable_bytes = usable_bytes};
    void *libcs_block = (void *)blocks[slot].start;
    const struct reference_answer libc = {.usable_bytes = malloc_usable_size(libcs_block)};
    told_bytes[slot] = usable_bytes;
    compare(&call, &hakmem, libcs_block != NULL ? &libc : NULL, (const void *)block->start);
}

void beside_verified(uint8_t slot) {
    struct shadow_block *block = &blocks[slot];
    ptrdiff_t changed = changed_of(block, block->start, block->claimed_bytes);
    if (changed != SHADOW_INTACT) {
        finding_raise(CHECK_DIVERGENCE, NULL, "libc: %s, by %s: byte %td of %zu changed while nobody wrote to it",
                      fact_table[FACT_CONTENT].name, program_op_info[run.now->record.op].name, changed,
                      block->requested_bytes);
    }
    if (block->start != 0 && run.now->record.op == OP_WRITE) {
        block_write(block, block->start, block->requested_bytes);
    }
}

void beside_end(void) {
    for (unsigned slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        libc_release(&blocks[slot]);
        told_bytes[slot] = 0;
    }
    writes = 0;
}
