/* recording_rules: see the header. */
#include "tools/recording_rules.h"

#include <stdlib.h>
#include <string.h>

const struct recording_kind_info recording_kinds[RECORDING_KIND_COUNT] = {{"totals", false, false},
#define RECORDING_KIND_ROW(id, name, makes, ends) {name, makes, ends},
                                                                          RECORDING_KIND_TABLE(RECORDING_KIND_ROW)
#undef RECORDING_KIND_ROW
};

void recording_rules_free(struct recording_rules *rules) {
    free(rules->objects);
    free(rules->ended);
}

bool recording_grow(void *list, uint64_t *capacity, uint64_t wanted, size_t item_bytes) {
    if (wanted <= *capacity) {
        return true;
    }
    void *items;
    memcpy(&items, list, sizeof items);
    uint64_t more = wanted + wanted / 2 + 64;
    char *grown = realloc(items, more * item_bytes);
    if (grown == NULL) {
        return false;
    }
    memset(grown + *capacity * item_bytes, 0, (more - *capacity) * item_bytes);
    memcpy(list, &grown, sizeof grown);
    *capacity = more;
    return true;
}

static const char *apply_thread(struct recording_rules *rules, const struct recording_op *op) {
    if (op->thread > rules->totals.threads || op->thread >= RECORDING_THREADS_MAX) {
        return "a thread's number is out of order";
    }
    if (!recording_grow(&rules->ended, &rules->ended_capacity, (uint64_t)op->thread + 1, sizeof *rules->ended)) {
        return "there is no memory for its threads";
    }
    if (rules->ended[op->thread]) {
        return "a thread goes on after its end";
    }
    rules->totals.threads += op->thread == rules->totals.threads;
    rules->ended[op->thread] = op->kind == RECORDING_THREAD_END;
    return NULL;
}

static const char *apply_object(struct recording_rules *rules, struct recording_op *op) {
    struct recording_totals *totals = &rules->totals;
    if (op->size_bytes > RECORDING_SIZE_MAX || op->align_shift > RECORDING_ALIGN_SHIFT_MAX) {
        return "a size or an alignment is beyond all memory";
    }
    if (recording_kinds[op->kind].makes) {
        if (totals->objects > UINT32_MAX - 1 ||
            !recording_grow(&rules->objects, &rules->capacity, totals->objects + 1, sizeof *rules->objects)) {
            return "there is no memory for its objects";
        }
        op->object = (uint32_t)totals->objects++;
        totals->live_objects++;
    } else if (op->object >= totals->objects || !rules->objects[op->object].live) {
        return "a block is used that is not live";
    }
    struct recording_object *object = &rules->objects[op->object];
    op->before_bytes = object->size_bytes;
    op->owner = object->owner;
    if (recording_kinds[op->kind].ends) {
        op->size_bytes = object->size_bytes;
    }
    if (!recording_kinds[op->kind].makes) {
        totals->live_bytes -= object->size_bytes;
        totals->remote_frees += object->owner != op->thread;
    }
    if (!recording_kinds[op->kind].ends) {
        totals->sizes[op->size_bytes == 0 ? 0 : 64 - __builtin_clzll(op->size_bytes)]++;
    }
    object->owner = op->thread;
    object->live = !recording_kinds[op->kind].ends;
    if (object->live) {
        object->size_bytes = op->size_bytes & RECORDING_SIZE_MAX;
        if (__builtin_add_overflow(totals->live_bytes, op->size_bytes, &totals->live_bytes)) {
            return "its blocks are more than all memory";
        }
    } else {
        totals->live_objects--;
    }
    return NULL;
}

const char *recording_apply(struct recording_rules *rules, struct recording_op *op) {
    struct recording_totals *totals = &rules->totals;
    const char *wrong = apply_thread(rules, op);
    if (wrong == NULL && op->kind != RECORDING_THREAD_END) {
        wrong = apply_object(rules, op);
    }
    totals->operations++;
    if (totals->live_bytes > totals->peak_live_bytes) {
        totals->peak_live_bytes = totals->live_bytes;
        totals->peak_operation = totals->operations;
    }
    return wrong;
}
