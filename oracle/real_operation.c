/* real_operation: one record on real threads: which slots it is about, who may have them now, and what it does to the
 * malloc as a whole. The calls themselves are real_ops.c's. */
#include <stdatomic.h>

#include "oracle/real_run.h"

/* Who claims a slot acquires what the last one did with it: it was handed over. */
static void claim_and_do(struct real_lane *lane, uint32_t index) {
    struct real_slot *slot = &lane->instance->slots[index];
    uint32_t seen = 0;
    if (!atomic_compare_exchange_strong_explicit(&slot->claimed, &seen, 1, memory_order_acquire,
                                                 memory_order_relaxed)) {
        lane->skipped++;
        return;
    }
    bool applied_before = lane->applied;
    lane->applied = false;
    real_on_slot(lane, slot);
    lane->operations += lane->applied;
    lane->applied |= applied_before;
    atomic_store_explicit(&slot->claimed, 0, memory_order_release);
}

static void op_whole(struct real_lane *lane) {
    const struct backend *backend = real.plan->backend;
    char text[4096];
    bool alone = real.plan->order == REAL_ORDER_VIRTUAL && real.plan->instances == 1;
    bool exists = lane->record.op == OP_TRIM     ? backend->trim != NULL
                  : lane->record.op == OP_REPORT ? backend->stats_json != NULL
                  : lane->record.op == OP_CHECK  ? backend->trial.prove != NULL && alone
                                                 : false;
    if (!exists) {
        lane->not_carried++;
        return;
    }
    real_errno_begin();
    if (lane->record.op == OP_TRIM) {
        (void)backend->trim(0);
        real_errno_kept(lane, "malloc_trim");
    } else if (lane->record.op == OP_REPORT) {
        (void)backend->stats_json(text, sizeof text);
        real_errno_kept(lane, "statistics");
    } else {
        real_prove(lane, real_live_blocks(lane->instance));
    }
    lane->applied = true;
    lane->operations++;
}

bool real_is_off(const struct record *record) {
    return record->op == OP_NOP || (real.program->header.ops_off >> record->op & 1) != 0;
}

void real_operation(struct real_lane *lane) {
    enum program_op op = lane->record.op;
    uint32_t slots = real.program->header.slot_count;
    lane->applied = false;
    lane->call = (struct journal_call){.fact = FACT_COUNT};
    if (op == OP_MALLOC_MANY || op == OP_FREE_MANY) {
        for (uint32_t i = 0; i < lane->record.argument && i < slots; i++) {
            claim_and_do(lane, (lane->record.slot + i) % slots);
        }
    } else if ((program_op_info[op].fields & FIELD_SLOT) != 0) {
        claim_and_do(lane, lane->record.slot);
    } else if (op != OP_THREAD_START && op != OP_THREAD_END) {
        op_whole(lane);
    }
}

void real_free_all(struct real_lane *lane) {
    lane->record.op = OP_FREE;
    for (uint32_t i = 0; i < real.program->header.slot_count; i++) {
        struct real_slot *slot = &lane->instance->slots[i];
        if (slot->block.start != 0) {
            real_free_slot(lane, slot);
        }
    }
}

size_t real_live_blocks(const struct real_instance *instance) {
    size_t count = 0;
    for (uint32_t i = 0; i < real.program->header.slot_count; i++) {
        count += instance->slots[i].block.start != 0;
    }
    return count;
}
