/* execute_foreign: one run on another malloc than the world's, and its journal as a tape, so that all views of a run
 * are made from one thing. What nobody can see from outside is not there: such a tape has no states, no sites and no
 * switches inside operations; a block is where it was asked for, and its offset is its address. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/execute.h"

/* --- journal to tape --- */

enum { GROUP_BYTES = 1 << 16 }; /* blocks that lie so near are shown together */

/* The block as it was asked for, which is all that is known. */
static struct tape_place place_of(uintptr_t start, size_t bytes) {
    return (struct tape_place){
        .start = start, .bytes = bytes, .slab_start = start & ~(uint64_t)(GROUP_BYTES - 1), .slab_bytes = GROUP_BYTES};
}

static void add_changes(struct tape *tape, const struct journal *journal, uint32_t from,
                        const struct journal_entry *entry) {
    for (uint32_t i = from; i < entry->change_end; i++) {
        const struct journal_change *change = &journal->changes[i];
        bool is_remote = change->kind == JOURNAL_FREED && change->born_on != entry->thread;
        tape->changes[tape->change_count++] = (struct tape_change){.kind = change->kind,
                                                                   .slot = change->slot,
                                                                   .born_on = change->born_on,
                                                                   .is_remote = is_remote,
                                                                   .owner = is_remote ? change->born_on : TAPE_NOBODY,
                                                                   .offset = change->start,
                                                                   .bytes = change->bytes,
                                                                   .place = place_of(change->start, change->bytes)};
    }
}

_Static_assert((int)JOURNAL_ALLOCATED == (int)TAPE_ALLOCATED && (int)JOURNAL_FREED == (int)TAPE_FREED &&
                   (int)JOURNAL_GREW == (int)TAPE_GREW,
               "a change is of one kind in both");

static void add_step(struct tape *tape, const struct journal *journal, const struct journal_entry *entry) {
    uint32_t first_change = tape->change_count;
    uint32_t from = entry == journal->entries ? 0 : entry[-1].change_end;
    add_changes(tape, journal, from, entry);
    tape->steps[tape->step_count++] = (struct tape_step){
        .kind = !entry->ended    ? TAPE_FINDING
                : entry->applied ? TAPE_DONE
                                 : TAPE_NOTHING,
        .thread = entry->thread,
        .begins = true,
        .ends = true,
        .record = entry->record,
        .offset = entry->start,
        .size_bytes = entry->size_bytes,
        .error = entry->call.error,
        .other = TAPE_NOBODY,
        .first_change = first_change,
        .change_count = tape->change_count - first_change,
    };
}

/* Of a finding that came up outside of all operations, and of what it is about. */
static void add_finding(struct tape *tape, const struct real_outcome *outcome) {
    bool is_there = tape->step_count > 0 && tape->steps[tape->step_count - 1].kind == TAPE_FINDING;
    if (!is_there) {
        tape->steps[tape->step_count++] = (struct tape_step){.kind = TAPE_FINDING,
                                                             .begins = true,
                                                             .ends = true,
                                                             .record = outcome->verdict.record,
                                                             .other = TAPE_NOBODY};
    }
    struct tape_step *finding = &tape->steps[tape->step_count - 1];
    finding->offset = outcome->subject;
    finding->size_bytes = outcome->subject_bytes;
    finding->state.place = place_of(outcome->subject, outcome->subject_bytes);
}

static bool tape_fill(struct tape *tape, const struct journal *journal, const struct real_outcome *outcome) {
    tape->is_foreign = true;
    tape->steps = calloc((size_t)journal->entry_count + 1, sizeof *tape->steps);
    tape->changes = calloc((size_t)journal->change_count + 1, sizeof *tape->changes);
    if (tape->steps == NULL || tape->changes == NULL) {
        tape->is_cut = true;
        return false;
    }
    for (uint32_t i = 0; i < journal->entry_count; i++) {
        add_step(tape, journal, &journal->entries[i]);
    }
    if (outcome->verdict.check != CHECK_NONE) {
        add_finding(tape, outcome);
    }
    return true;
}

/* --- the run --- */

bool execute_foreign(const struct choice *choice, const struct program *program, struct tape *tape,
                     struct execution *execution) {
    static struct real_outcome outcome;
    char why[VERDICT_MESSAGE_BYTES_MAX];
    struct real_plan plan = malloc_plan(choice->malloc, choice->target, choice->fault);
    bool has_journal = tape != NULL && plan.order == REAL_ORDER_VIRTUAL;
    void *journal = has_journal ? mmap(NULL, sizeof *plan.journal, PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                : NULL;
    memset(execution, 0, sizeof *execution);
    if (journal == MAP_FAILED) {
        fputs("hakfuzz: there is no memory for the recording\n", stderr);
        return false;
    }
    plan.journal = journal;
    bool ran = real_run(&plan, program, &outcome, why, sizeof why);
    if (ran) {
        execution->verdict = outcome.verdict;
        execution->said = strdup(outcome.said);
        execution->not_carried = outcome.not_carried;
        ran = !has_journal || tape_fill(tape, journal, &outcome);
    } else {
        fprintf(stderr, "hakfuzz: %s\n", why);
    }
    if (has_journal) {
        munmap(journal, sizeof *plan.journal);
    }
    return ran;
}
