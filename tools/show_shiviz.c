/* show_shiviz: a log for ShiViz. Its first line is the regular expression by which ShiViz reads the rest, then an empty
 * line; each event is two lines: the thread with its vector clock, and what happened.
 *
 * Clocks follow what orders steps: the thread itself; whoever finds a block that another left in a slot; a remote free,
 * which the owner learns of at its next step; and a change of a word that a compare-exchange then failed for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/show.h"

struct clocks {
    uint32_t of[PROGRAM_THREADS_MAX][PROGRAM_THREADS_MAX];
    uint32_t waiting[PROGRAM_THREADS_MAX][PROGRAM_THREADS_MAX]; /* what remote frees bring to that thread */
    uint32_t slots[PROGRAM_SLOTS_MAX][PROGRAM_THREADS_MAX];
    uint32_t (*after)[PROGRAM_THREADS_MAX]; /* each step, the clock of its thread */
};

static void join(uint32_t to[PROGRAM_THREADS_MAX], const uint32_t from[PROGRAM_THREADS_MAX]) {
    for (uint32_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        to[i] = from[i] > to[i] ? from[i] : to[i];
    }
}

static void learn(struct clocks *clocks, const struct showing *showing, const struct tape_step *step) {
    uint32_t *now = clocks->of[step->thread];
    join(now, clocks->waiting[step->thread]);
    for (uint32_t i = 0; i < step->change_count; i++) {
        const struct tape_change *change = &showing->tape.changes[step->first_change + i];
        if (change->kind != TAPE_ALLOCATED) {
            join(now, clocks->slots[change->slot]);
        }
    }
    if (step->kind == TAPE_FAILED && step->other != TAPE_NOBODY) {
        join(now, clocks->after[step->other_step]);
    }
    now[step->thread]++;
}

static void teach(struct clocks *clocks, const struct showing *showing, const struct tape_step *step) {
    const uint32_t *now = clocks->of[step->thread];
    for (uint32_t i = 0; i < step->change_count; i++) {
        const struct tape_change *change = &showing->tape.changes[step->first_change + i];
        memcpy(clocks->slots[change->slot], now, sizeof clocks->slots[0]);
        if (change->is_remote && change->owner != TAPE_NOBODY) {
            join(clocks->waiting[change->owner], now);
        }
    }
}

/* What is 0 is left out, as is the custom. */
static void print_clock(const uint32_t clock[PROGRAM_THREADS_MAX], uint8_t thread, FILE *out) {
    const char *before = "";
    fprintf(out, "%s {", show_thread(thread));
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        if (clock[i] != 0) {
            fprintf(out, "%s\"%s\":%" PRIu32, before, show_thread(i), clock[i]);
            before = ", ";
        }
    }
    fputs("}\n", out);
}

bool show_shiviz(const struct showing *showing, FILE *out) {
    struct clocks clocks = {.after = calloc((size_t)showing->tape.step_count + 1, sizeof *clocks.after)};
    if (clocks.after == NULL) {
        return false;
    }
    fputs("(?<host>\\S+) (?<clock>\\{.*\\})\\n(?<event>.*)\n\n", out);
    for (uint32_t i = 0; i < showing->tape.step_count; i++) {
        const struct tape_step *step = &showing->tape.steps[i];
        char words[SHOW_WORDS_BYTES];
        learn(&clocks, showing, step);
        memcpy(clocks.after[i], clocks.of[step->thread], sizeof clocks.after[i]);
        print_clock(clocks.after[i], step->thread, out);
        show_step_words(showing, i, words, sizeof words);
        for (char *c = words; *c != '\0'; c++) {
            *c = (unsigned char)*c < ' ' ? ' ' : *c;
        }
        fprintf(out, "#%" PRIu32 " %s%s\n", i, step->kind == TAPE_FINDING ? "FINDING: " : "", words);
        teach(&clocks, showing, step);
    }
    free(clocks.after);
    return true;
}
