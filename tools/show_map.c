/* show_map: the blocks around the fault, by address: those of the slab, or on another malloc those that are live. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocator/check.h"
#include "tools/show.h"
#include "tools/terminal.h"

enum { LINE_BYTES = 512, AROUND = 6 };

/* A line in a colour, or "" for none, without the blanks that columns leave at its end. */
void show_line(const char *colour, char *line, FILE *out) {
    size_t length = strlen(line);
    while (length > 0 && line[length - 1] == ' ') {
        length--;
    }
    line[length] = '\0';
    fprintf(out, "%s%s%s\n", colour, line, *colour != '\0' ? colour_end(out) : "");
}

/* --- the slab --- */

/* Who lives at the block of the slab that begins at `start`, when the run was over: the last that was allocated there
 * and not freed. NULL: nobody. */
static const struct tape_change *tenant(const struct tape *tape, uint64_t start, uint64_t end) {
    const struct tape_change *found = NULL;
    for (uint32_t i = 0; i < tape->change_count; i++) {
        const struct tape_change *change = &tape->changes[i];
        if (change->offset >= start && change->offset < end) {
            found = change->kind == TAPE_FREED ? NULL : change;
        }
    }
    return found;
}

static void print_cell(const struct showing *showing, const struct tape_state *state, uint32_t cell, FILE *out) {
    const struct tape_step *finding = &showing->tape.steps[show_finding_step(showing)];
    uint64_t start = state->place.slab_start + cell * state->place.bytes, end = start + state->place.bytes;
    const struct tape_change *block = tenant(&showing->tape, start, end);
    bool is_fault = finding->offset >= start && finding->offset < end;
    const char *colour = is_fault ? colour_bad(out) : block == NULL ? colour_faint(out) : "";
    char line[LINE_BYTES], what[16];
    snprintf(what, sizeof what, cell < state->carved ? "free" : "-");
    if (block != NULL) {
        snprintf(what, sizeof what, "s%u", block->slot);
    }
    size_t used = (size_t)snprintf(line, sizeof line, "   %c 0x%-8" PRIx64 " %-5s", is_fault ? '>' : ' ', start, what);
    if (block != NULL) {
        snprintf(line + used, sizeof line - used, " %zu B asked for, by t%u", block->bytes, block->born_on);
    }
    show_line(colour, line, out);
}

/* The blocks of the finding's slab, near the one it is about. */
static void print_slab(const struct showing *showing, FILE *out) {
    const struct tape_step *finding = &showing->tape.steps[show_finding_step(showing)];
    const struct tape_state *state = &finding->state;
    if (state->place.kind == HAK_PLACE_FOREIGN || state->capacity == 0 || state->place.bytes == 0) {
        return;
    }
    uint32_t at = finding->offset < state->place.slab_start
                      ? 0
                      : (uint32_t)((finding->offset - state->place.slab_start) / state->place.bytes);
    uint32_t first = at > AROUND ? at - AROUND : 0;
    fprintf(out,
            "\nmap: the slab at 0x%" PRIx64 ", %zu B a block, of heap %" PRIu32 ": %" PRIu32 " used, %" PRIu32
            " carved of %" PRIu32 "; '-' was never carved, 'free' is free, cached or on its way\n",
            state->place.slab_start, state->place.bytes, state->place.heap, state->used, state->carved,
            state->capacity);
    for (uint32_t cell = first; cell < state->capacity && cell <= at + AROUND; cell++) {
        print_cell(showing, state, cell, out);
    }
}

/* --- what is live on another malloc --- */

struct neighbour {
    const struct tape_change *block;
    bool is_fault;
};

static int by_address(const void *a, const void *b) {
    const struct neighbour *x = a, *y = b;
    return (x->block->offset > y->block->offset) - (x->block->offset < y->block->offset);
}

/* What each slot has when the run is over. */
static uint32_t find_live(const struct showing *showing, const struct tape_step *finding,
                          struct neighbour live[PROGRAM_SLOTS_MAX]) {
    const struct tape_change *slots[PROGRAM_SLOTS_MAX] = {NULL};
    uint32_t count = 0;
    for (uint32_t i = 0; i < showing->tape.change_count; i++) {
        const struct tape_change *change = &showing->tape.changes[i];
        slots[change->slot] = change->kind == TAPE_FREED ? NULL : change;
    }
    uint64_t low = finding->offset, high = low + finding->size_bytes + (finding->size_bytes == 0);
    for (uint32_t i = 0; i < PROGRAM_SLOTS_MAX; i++) {
        if (slots[i] != NULL) {
            bool meets = slots[i]->offset < high && slots[i]->offset + slots[i]->bytes + (slots[i]->bytes == 0) > low;
            live[count++] = (struct neighbour){slots[i], finding->offset != 0 && meets};
        }
    }
    qsort(live, count, sizeof live[0], by_address);
    return count;
}

static void print_live(const struct showing *showing, FILE *out) {
    const struct tape_step *finding = &showing->tape.steps[show_finding_step(showing)];
    struct neighbour live[PROGRAM_SLOTS_MAX];
    uint32_t count = find_live(showing, finding, live), at = 0;
    if (count == 0 || finding->offset == 0) {
        return;
    }
    while (at + 1 < count && live[at].block->offset < finding->offset) {
        at++;
    }
    fprintf(out, "\nmap: live blocks around 0x%" PRIx64 ", %zu B\n", finding->offset, finding->size_bytes);
    for (uint32_t i = at > AROUND ? at - AROUND : 0; i < count && i <= at + AROUND; i++) {
        const struct tape_change *block = live[i].block;
        char line[LINE_BYTES], slot[8];
        snprintf(slot, sizeof slot, "s%u", block->slot);
        snprintf(line, sizeof line, "   %c 0x%-14" PRIx64 " %-5s %zu B %s, by t%u", live[i].is_fault ? '>' : ' ',
                 block->offset, slot, block->bytes, block->kind == TAPE_GREW ? "usable" : "asked for", block->born_on);
        show_line(live[i].is_fault ? colour_bad(out) : "", line, out);
    }
}

void show_map(const struct showing *showing, FILE *out) {
    if (showing->tape.is_foreign) {
        print_live(showing, out);
    } else {
        print_slab(showing, out);
    }
}
