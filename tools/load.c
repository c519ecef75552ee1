/* load: see the header. */
#include "tools/load.h"

#include <string.h>

enum { ENDING_STEPS = PROGRAM_SLOTS_MAX, UNNUMBERED = UINT8_MAX, HANDLES_MAX = 1 << 21 };

/* What steps of a phase have in common. */
enum sort { SORT_GIVES, SORT_RESIZES, SORT_TAKES, SORT_NONE };

struct maker {
    struct load *load;
    const struct program *program;
    uint64_t size_bytes[PROGRAM_SLOTS_MAX]; /* 0: empty */
    uint8_t align_shift[PROGRAM_SLOTS_MAX]; /* 0: no aligned request made it */
    uint8_t numbers[PROGRAM_SLOTS_MAX];     /* of slots, once they are used */
    uint64_t live_bytes;
    enum sort sort; /* of the phase */
    uint8_t thread; /* of the phase */
};

static enum sort sort_of(enum load_call call) {
    static const enum sort sorts[] = {
        [LOAD_MALLOC] = SORT_GIVES,     [LOAD_CALLOC] = SORT_GIVES,    [LOAD_ALIGNED] = SORT_GIVES,
        [LOAD_USABLE] = SORT_GIVES,     [LOAD_REALLOC] = SORT_RESIZES, [LOAD_FREE] = SORT_TAKES,
        [LOAD_FREE_SIZED] = SORT_TAKES, [LOAD_THREAD_END] = SORT_NONE,
    };
    return sorts[call];
}

static void end_phase(struct maker *maker) {
    struct load *load = maker->load;
    load->peak_bytes = maker->live_bytes > load->peak_bytes ? maker->live_bytes : load->peak_bytes;
}

static void add_step(struct maker *maker, uint8_t thread, unsigned slot, enum load_call call, uint64_t size_bytes,
                     uint8_t align_shift) {
    struct load *load = maker->load;
    enum sort sort = sort_of(call);
    if (load->step_count == 0 || sort != maker->sort || thread != maker->thread || sort == SORT_NONE) {
        end_phase(maker);
        load->phase_count++;
        maker->sort = sort;
        maker->thread = thread;
    }
    if (call != LOAD_THREAD_END && maker->numbers[slot] == UNNUMBERED) {
        maker->numbers[slot] = (uint8_t)load->slots++;
    }
    load->steps[load->step_count++] = (struct load_step){
        .call = (uint8_t)call,
        .thread = thread,
        .slot = call != LOAD_THREAD_END ? maker->numbers[slot] : 0,
        .align_shift = align_shift,
        .phase = load->phase_count - 1,
        .size_bytes = size_bytes,
        .old_bytes = call != LOAD_THREAD_END ? maker->size_bytes[slot] : 0,
    };
    load->calls += call != LOAD_THREAD_END;
    load->threads |= UINT32_C(1) << thread;
    if (call != LOAD_THREAD_END && call != LOAD_USABLE) {
        maker->live_bytes = maker->live_bytes - maker->size_bytes[slot] + size_bytes;
        maker->size_bytes[slot] = size_bytes;
    }
}

/* Whether the request is one to make. */
static bool is_carried(size_t count, size_t size_bytes) {
    return size_bytes != 0 && count != 0 && count <= LOAD_REQUEST_BYTES_MAX / size_bytes;
}

static void add_aligned(struct maker *maker, uint8_t thread, unsigned slot, const struct record *record) {
    size_t size_bytes = record_size_bytes(record), align_bytes = record_align_bytes(record);
    bool good = is_carried(1, size_bytes) && !record->align_odd && align_bytes <= LOAD_REQUEST_BYTES_MAX &&
                align_bytes >= sizeof(void *) && (record->op != OP_ALIGNED_ALLOC || size_bytes % align_bytes == 0);
    if (good && maker->size_bytes[slot] == 0) {
        add_step(maker, thread, slot, LOAD_ALIGNED, size_bytes, record->align_exponent);
        maker->align_shift[slot] = record->align_exponent;
    }
}

static void add_on_slot(struct maker *maker, uint8_t thread, unsigned slot, const struct record *record) {
    static const enum load_call calls[OP_COUNT] = {
        [OP_MALLOC] = LOAD_MALLOC,   [OP_MALLOC_MANY] = LOAD_MALLOC,    [OP_CALLOC] = LOAD_CALLOC,
        [OP_REALLOC] = LOAD_REALLOC, [OP_REALLOCARRAY] = LOAD_REALLOC,  [OP_FREE] = LOAD_FREE,
        [OP_FREE_MANY] = LOAD_FREE,  [OP_FREE_SIZED] = LOAD_FREE_SIZED, [OP_FREE_ALIGNED_SIZED] = LOAD_FREE_SIZED,
        [OP_USABLE] = LOAD_USABLE,
    };
    size_t size_bytes = record_size_bytes(record);
    size_t count = record->op == OP_CALLOC || record->op == OP_REALLOCARRAY ? record->argument : 1;
    bool full = maker->size_bytes[slot] != 0, aligned = maker->align_shift[slot] != 0;
    switch (record->op) {
    case OP_MALLOC:
    case OP_MALLOC_MANY:
    case OP_CALLOC:
    case OP_REALLOC:
    case OP_REALLOCARRAY:
        if (is_carried(count, size_bytes) && (!full || calls[record->op] == LOAD_REALLOC)) {
            add_step(maker, thread, slot, calls[record->op], count * size_bytes, 0);
            maker->align_shift[slot] = 0;
        }
        break;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        add_aligned(maker, thread, slot, record);
        break;
    case OP_FREE:
    case OP_FREE_MANY:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        if (full) {
            add_step(maker, thread, slot, aligned ? LOAD_FREE : calls[record->op], 0, 0);
            maker->align_shift[slot] = 0;
        }
        break;
    case OP_USABLE:
        if (full) {
            add_step(maker, thread, slot, LOAD_USABLE, maker->size_bytes[slot], 0);
        }
        break;
    default:
        break;
    }
}

static void add_record(struct maker *maker, const struct target_info *target, const struct record *record) {
    const struct program_header *header = &maker->program->header;
    uint8_t thread = record->thread & (uint8_t)(target->threads - 1);
    bool many = record->op == OP_MALLOC_MANY || record->op == OP_FREE_MANY;
    if ((header->ops_off >> record->op & 1) != 0) {
        return;
    }
    if (record->op == OP_THREAD_END && thread != 0 && (maker->load->threads >> thread & 1) != 0) {
        add_step(maker, thread, 0, LOAD_THREAD_END, 0, 0);
    } else if ((program_op_info[record->op].fields & FIELD_SLOT) != 0) {
        for (unsigned i = 0; i < (many ? record->argument : 1U) && i < header->slot_count; i++) {
            add_on_slot(maker, thread, (record->slot + i) % header->slot_count, record);
        }
    }
}

void load_make(struct load *load, const struct target_info *target, const struct program *program) {
    struct maker maker = {.load = load, .program = program, .sort = SORT_NONE};
    memset(load, 0, sizeof *load);
    memset(maker.numbers, UNNUMBERED, sizeof maker.numbers);
    for (uint32_t i = 0; i < program->record_count; i++) {
        if (load->step_count + 2 * ENDING_STEPS > LOAD_STEPS_MAX) { /* a record may take as many as there are slots */
            break;
        }
        struct record record = program_record(program, i);
        add_record(&maker, target, &record);
    }
    end_phase(&maker);
    load->record_steps = load->step_count;
    load->left_bytes = maker.live_bytes;
    maker.sort = SORT_NONE; /* records are over: a phase of its own */
    for (unsigned slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        if (maker.size_bytes[slot] != 0) {
            add_step(&maker, 0, slot, LOAD_FREE, 0, 0);
        }
    }
}

uint32_t load_banks(const struct load *load, uint64_t live_bytes, uint32_t most) {
    uint64_t banks = load->peak_bytes > 0 ? live_bytes / load->peak_bytes : 1;
    uint64_t room = HANDLES_MAX / (load->slots > 0 ? load->slots : 1);
    banks = banks > room ? room : banks;
    banks = banks > most ? most : banks;
    return banks > 0 ? (uint32_t)banks : 1;
}
