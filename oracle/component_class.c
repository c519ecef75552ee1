/* component class: the size classes, beside a search through the table of block sizes from its beginning.
 *
 *   malloc, realloc s3 SIZE           the class of that size; it is added to the set of the slot
 *   calloc, reallocarray s3 SIZE n=N  the class of N times that size, added as well
 *   malloc_many s3 SIZE n=N           the classes of N sizes from that one on, into sets from that slot on
 *   *align* s3 SIZE align=A           the class of that size with blocks aligned to A, for each largest block there
 *                                     is; an A that is no power of two is not asked for
 *   usable s3                         what is promised of the class with the slot's number, and of its neighbour
 *   free, free_*sized s3; free_many   the lowest class of the set is taken out
 *   write s3                          joins the set of the next slot into that of the slot
 *   verify s3; check                  compares that set; all sets and the whole table
 *
 * Sizes above the largest class have no class: nothing is asked. The model of a set is an array of truths. */
#include "allocator/class.h"

#include <string.h>

#include "allocator/class_set.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/run.h"

static struct {
    struct hak_class_set sets[PROGRAM_SLOTS_MAX];
    bool has[PROGRAM_SLOTS_MAX][HAK_CLASS_COUNT];
} state;

/* The first class with blocks of at least size_bytes that are multiples of align_bytes. With headers the class of 8
 * bytes is never used. */
static uint32_t search(size_t size_bytes, size_t align_bytes, size_t max_bytes) {
    for (uint32_t id = HAK_HEADER; id < HAK_CLASS_COUNT; id++) {
        size_t block_bytes = hak_class_bytes[id];
        if (block_bytes > max_bytes) {
            break;
        }
        if (block_bytes >= size_bytes && block_bytes % align_bytes == 0) {
            return id;
        }
    }
    return HAK_CLASS_NONE;
}

static void set_compare(uint8_t slot) {
    for (uint32_t id = 0; id < HAK_CLASS_COUNT; id++) {
        component_compare("a class in a set", hak_class_in(&state.sets[slot], id), state.has[slot][id]);
    }
}

static void class_ask(uint8_t slot, size_t size_bytes) {
    run.now->slot = slot;
    run.now->subject_bytes = size_bytes;
    if (size_bytes > HAK_CLASS_MAX_BYTES) {
        return;
    }
    run.now->applied = true;
    uint32_t id = hak_class_of(size_bytes);
    run_trace(id);
    component_compare("class of a size", id, search(size_bytes, 1, SIZE_MAX));
    if (size_bytes <= HAK_TINY_MAX_BYTES) {
        component_compare("tiny class of a size", hak_class_of_tiny(size_bytes), id);
        component_compare("a class of a tiny size is tiny", id < HAK_TINY_CLASSES, true);
    }
    hak_class_add(&state.sets[slot], id);
    state.has[slot][id] = true;
}

/* Within every largest block, and one byte less. */
static void aligned_ask(size_t size_bytes, size_t align_bytes) {
    run.now->subject_bytes = size_bytes;
    if ((align_bytes & (align_bytes - 1)) != 0) {
        return;
    }
    run.now->applied = true;
    for (uint32_t i = 0; i < 2 * HAK_CLASS_COUNT; i++) {
        size_t max_bytes = hak_class_bytes[i / 2] - i % 2;
        uint32_t expected =
            align_bytes > HAK_SMALL_ALIGN_MAX_BYTES ? HAK_CLASS_NONE : search(size_bytes, align_bytes, max_bytes);
        uint32_t id = hak_class_aligned(size_bytes, align_bytes, max_bytes);
        run_trace(id);
        if (id < HAK_CLASS_COUNT && hak_class_bytes[id] % align_bytes != 0) {
            finding_raise(CHECK_MISALIGNED, NULL, "blocks of %u bytes for an alignment of %zu", hak_class_bytes[id],
                          align_bytes);
        }
        component_compare("class of a size and an alignment", id, expected);
    }
}

/* What class.h promises of one class and the one before it. */
static void row_compare(uint32_t id) {
    size_t block_bytes = hak_class_bytes[id];
    size_t align_bytes = 1;
    while (align_bytes < HAK_SMALL_ALIGN_MAX_BYTES && block_bytes % (2 * align_bytes) == 0) {
        align_bytes *= 2;
    }
    component_compare("what blocks of a class are aligned to", hak_class_align_bytes(id), align_bytes);
    component_compare("the class of its own size", hak_class_of(block_bytes), search(block_bytes, 1, SIZE_MAX));
    component_compare("a tiny class is one by its size", id < HAK_TINY_CLASSES, block_bytes <= HAK_TINY_MAX_BYTES);
    if (id > 0) {
        size_t smaller_bytes = hak_class_bytes[id - 1];
        size_t step_bytes = block_bytes - smaller_bytes;
        component_compare("a class is a multiple of 16", block_bytes % 16, 0);
        component_compare("a step between classes is small enough",
                          block_bytes <= 128 ? step_bytes <= 16 : step_bytes * 8 <= smaller_bytes, true);
        component_compare("the class of one byte more", hak_class_of(smaller_bytes + 1), id);
    }
}

static void set_take(uint8_t slot) {
    uint32_t expected = 0;
    while (expected < HAK_CLASS_COUNT && !state.has[slot][expected]) {
        expected++;
    }
    uint32_t id = hak_class_next(&state.sets[slot]);
    run.now->slot = slot;
    run_trace(id);
    component_compare("the lowest class of a set", id, expected);
    if (id != HAK_CLASS_NONE) {
        run.now->applied = true;
        state.has[slot][id] = false;
    }
    set_compare(slot);
}

static void set_join(uint8_t slot) {
    uint8_t other = (uint8_t)((slot + 1U) % run.program->header.slot_count);
    run.now->applied = true;
    hak_class_join(&state.sets[slot], &state.sets[other]);
    for (uint32_t id = 0; id < HAK_CLASS_COUNT; id++) {
        state.has[slot][id] = state.has[slot][id] || state.has[other][id];
    }
    set_compare(slot);
}

static void compare_all(void) {
    for (uint8_t slot = 0; slot < run.program->header.slot_count; slot++) {
        set_compare(slot);
    }
    for (uint32_t id = 0; id < HAK_CLASS_COUNT; id++) {
        row_compare(id);
    }
}

static void begin(void) {
    memset(&state, 0, sizeof state);
}

static void record(void) {
    uint8_t slot = run.now->record.slot;
    uint32_t slots = run.program->header.slot_count;
    size_t size_bytes = record_size_bytes(&run.now->record);
    switch (run.now->record.op) {
    case OP_MALLOC:
    case OP_REALLOC:
        class_ask(slot, size_bytes);
        break;
    case OP_CALLOC:
    case OP_REALLOCARRAY:
        class_ask(slot, size_bytes * run.now->record.argument);
        break;
    case OP_MALLOC_MANY:
        for (uint32_t i = 0; i < run.now->record.argument && i < 4 * slots; i++) {
            class_ask((uint8_t)((slot + i) % slots), size_bytes + i);
        }
        break;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        aligned_ask(size_bytes, record_align_bytes(&run.now->record));
        break;
    case OP_USABLE:
        run.now->applied = true;
        row_compare(slot);
        row_compare(HAK_CLASS_COUNT - 1U - slot);
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        set_take(slot);
        break;
    case OP_FREE_MANY:
        component_each_slot(set_take);
        break;
    case OP_WRITE:
        set_join(slot);
        break;
    case OP_VERIFY:
        run.now->applied = true;
        set_compare(slot);
        break;
    case OP_CHECK:
        run.now->applied = true;
        compare_all();
        break;
    default:
        break;
    }
}

const struct component component_class = {.begin = begin, .record = record, .final = compare_all};
