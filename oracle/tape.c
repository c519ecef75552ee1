/* tape: events to steps. */
#include "oracle/tape.h"

#include <stdlib.h>
#include <string.h>

#include "oracle/run.h"
#include "oracle/sim.h"

const char *const tape_kind_names[TAPE_KIND_COUNT] = {
#define TAPE_KIND_NAME(id, name) name,
    TAPE_KIND_TABLE(TAPE_KIND_NAME)
#undef TAPE_KIND_NAME
};

/* Room for one more element; false, and the tape is cut, when there is no memory. */
static bool make_room(struct tape *tape, void **list, uint32_t count, uint32_t *room, size_t element_bytes) {
    if (count == *room) {
        uint32_t more = *room == 0 ? 64 : *room * 2;
        void *longer = realloc(*list, more * element_bytes);
        tape->is_cut = tape->is_cut || longer == NULL;
        *list = longer != NULL ? longer : *list;
        *room = longer != NULL ? more : *room;
    }
    return !tape->is_cut;
}

/* --- what a step did to blocks --- */

static void add_change(struct tape *tape, enum tape_change_kind kind, uint8_t slot, const struct tape_slot *block) {
    void *list = tape->changes;
    bool has_room = make_room(tape, &list, tape->change_count, &tape->change_room, sizeof *tape->changes);
    tape->changes = list;
    if (!has_room) {
        return;
    }
    uint32_t heap = block->place.heap;
    uint8_t owner = heap < sizeof tape->heap_threads ? (uint8_t)(tape->heap_threads[heap] - 1) : TAPE_NOBODY;
    tape->changes[tape->change_count++] = (struct tape_change){
        .kind = (uint8_t)kind,
        .slot = slot,
        .born_on = block->thread,
        .is_remote = kind == TAPE_FREED && heap != 0 && heap != tape->heap_before[run.thread],
        .owner = owner,
        .offset = sim_offset((const void *)block->start),
        .bytes = kind == TAPE_GREW ? block->claimed_bytes : block->requested_bytes,
        .place = block->place,
    };
}

/* The slots as they are now, against those that are known. */
static void note_changes(struct tape *tape) {
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        const struct shadow_block *now = &run.shadow.blocks[slot];
        struct tape_slot *known = &tape->slots[slot];
        bool is_same = now->start == known->start && (now->start == 0 || now->born == known->born);
        if (is_same && (now->start == 0 || now->claimed_bytes == known->claimed_bytes)) {
            continue;
        }
        if (!is_same && known->start != 0) {
            add_change(tape, TAPE_FREED, slot, known);
        }
        *known = (struct tape_slot){
            .start = now->start,
            .requested_bytes = now->requested_bytes,
            .claimed_bytes = now->claimed_bytes,
            .born = now->born,
            .thread = now->thread,
        };
        if (now->start != 0) {
            known->place = tape_place_of((const void *)now->start);
            add_change(tape, is_same ? TAPE_GREW : TAPE_ALLOCATED, slot, known);
        }
    }
}

/* For the operations that begin from here: slabs change hands, and a block that was freed tells nothing any more. */
static void note_places(struct tape *tape) {
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        if (tape->slots[slot].start != 0) {
            tape->slots[slot].place = tape_place_of((const void *)tape->slots[slot].start);
        }
    }
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        uint32_t heap = tape_heap_of(i);
        tape->heap_before[i] = tape->inside[i] ? tape->heap_before[i] : heap;
        if (heap != 0 && heap < sizeof tape->heap_threads) {
            tape->heap_threads[heap] = (uint8_t)(i + 1);
        }
    }
}

/* --- who changed what --- */

static struct tape_word *word_find(struct tape *tape, const volatile void *address) {
    for (uint32_t i = 0; i < tape->word_count && i < TAPE_WORDS; i++) {
        if (tape->words[i].address == address) {
            return &tape->words[i];
        }
    }
    return NULL;
}

static void word_changed(struct tape *tape, const struct world_event *event) {
    struct tape_word *word = word_find(tape, event->address);
    if (word == NULL) {
        word = &tape->words[tape->word_count++ % TAPE_WORDS]; /* the oldest goes */
    }
    *word = (struct tape_word){event->address, event->thread, tape->step_count};
}

/* --- steps --- */

static struct tape_step *add_step(struct tape *tape, enum tape_kind kind, const struct world_event *event) {
    void *list = tape->steps;
    uint32_t first_change = tape->change_count;
    note_changes(tape);
    bool has_room = make_room(tape, &list, tape->step_count, &tape->step_room, sizeof *tape->steps);
    tape->steps = list;
    if (!has_room) {
        return NULL;
    }
    struct tape_step *step = &tape->steps[tape->step_count++];
    bool may_apply = event->index < run.program->record_count;
    *step = (struct tape_step){
        .kind = (uint8_t)kind,
        .thread = event->thread,
        .begins = !tape->inside[event->thread],
        .ends = kind == TAPE_DONE || kind == TAPE_NOTHING || kind == TAPE_FINDING,
        .record = event->index,
        .offset = event->offset,
        .size_bytes = event->size_bytes,
        .error = event->error,
        .site = event->site,
        .yield = event->yield,
        .other = TAPE_NOBODY,
        .first_change = first_change,
        .change_count = tape->change_count - first_change,
    };
    const char *text = event->text != NULL ? event->text : event->placement != NULL ? event->placement : "";
    strncpy(step->text, text, sizeof step->text - 1);
    tape->inside[event->thread] = !step->ends;
    bool has_size = may_apply && (program_op_info[event->record.op].fields & FIELD_SIZE) != 0;
    tape_look(&step->state, (const void *)run.now->subject, has_size ? record_size_bytes(&event->record) : 0);
    note_places(tape);
    return step;
}

static void add_failure(struct tape *tape, const struct world_event *event) {
    struct tape_step *last = tape->step_count == 0 ? NULL : &tape->steps[tape->step_count - 1];
    if (last != NULL && last->kind == TAPE_FAILED && last->thread == event->thread && last->record == event->index &&
        last->site == event->site) {
        last->count++; /* over and over: one step */
        return;
    }
    const struct tape_word *word = word_find(tape, event->address);
    struct tape_step *step = add_step(tape, TAPE_FAILED, event);
    if (step == NULL) {
        return;
    }
    step->count = 1;
    if (word != NULL && word->thread != event->thread) {
        step->other = word->thread;
        step->other_step = word->step < tape->step_count - 1 ? word->step : tape->step_count - 1;
    }
}

void tape_observe(void *context, const struct world_event *event) {
    struct tape *tape = context;
    struct tape_step *step = NULL;
    if (tape->is_cut) {
        return;
    }
    switch (event->kind) {
    case WORLD_ENDS: {
        bool applied = event->applied || event->index >= run.program->record_count;
        add_step(tape, applied ? TAPE_DONE : TAPE_NOTHING, event);
        break;
    }
    case WORLD_SWITCHES:
        step = add_step(tape, TAPE_SWITCH, event);
        if (step != NULL) {
            step->other = event->to;
        }
        break;
    case WORLD_SEES_OLD:
        step = add_step(tape, TAPE_STALE, event);
        if (step != NULL) {
            step->count = event->age;
        }
        break;
    case WORLD_CHANGES:
        word_changed(tape, event);
        break;
    case WORLD_FAILS:
        add_failure(tape, event);
        break;
    case WORLD_FINDS:
        add_step(tape, TAPE_FINDING, event);
        break;
    }
}

void tape_free(struct tape *tape) {
    free(tape->steps);
    free(tape->changes);
    *tape = (struct tape){0};
}
