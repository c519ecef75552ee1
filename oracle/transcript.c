/* transcript: see the header. Long lists are searched from end to end: runs are short, and reductions soon make the
 * lists so, too. */
#include "oracle/transcript.h"

#include <string.h>

#include "oracle/lane.h"
#include "oracle/run.h"

static struct {
    struct gene *genes;
    uint32_t capacity;
    uint32_t *count;
    uint32_t holds[PROGRAM_THREADS_MAX]; /* those by force, which mode genes has too; not those that genes said */
} notes;

static struct {
    const struct program *program;
    bool used[TRANSCRIPT_GENES_MAX];
} played;

/* --- notes --- */

void transcript_note(struct gene *genes, uint32_t capacity, uint32_t *count) {
    notes.genes = genes;
    notes.capacity = capacity;
    notes.count = count;
}

bool transcript_is_noting(void) {
    return notes.genes != NULL;
}

static void note(uint32_t record, uint32_t yield, uint32_t value, enum gene_kind kind) {
    if (yield > UINT16_MAX) {
        return;
    }
    uint32_t at = (*notes.count)++;
    if (at < notes.capacity) {
        notes.genes[at] =
            (struct gene){.record = (uint16_t)record, .yield = (uint16_t)yield, .value = (uint8_t)value, .kind = kind};
    }
}

void transcript_note_begin(void) {
    memset(notes.holds, 0, sizeof notes.holds);
}

void transcript_note_force(uint8_t thread, uint32_t others) {
    transcript_note_begin();
    notes.holds[thread] = others;
}

void transcript_note_end_of_record(uint8_t thread) {
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        notes.holds[i] -= i != thread && notes.holds[i] != 0;
    }
}

/* Whose turn it would be in mode genes, where records without genes run as they stand. */
static uint8_t turn_of(bool is_between) {
    uint8_t best = SCHEDULER_NOBODY;
    uint32_t threads = scheduler.can;
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        threads &= ~((uint32_t)(notes.holds[i] != 0) << i);
    }
    threads = threads != 0 ? threads : scheduler.can;
    if (!is_between && notes.holds[run.thread] == 0 && (threads >> run.thread & 1) != 0) {
        return run.thread;
    }
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        bool can = (threads >> i & 1) != 0;
        if (can && (best == SCHEDULER_NOBODY || run.order[scheduler.ranks[i]] < run.order[scheduler.ranks[best]])) {
            best = i;
        }
    }
    return best;
}

void transcript_note_choice(uint8_t to, bool is_between) {
    uint8_t turn = turn_of(is_between);
    notes.holds[to] = 0;
    if (turn != to && turn != SCHEDULER_NOBODY) {
        const struct lane *lane = &scheduler.lanes[turn];
        note(run.order[lane_rank(lane)], lane_is_running(lane) ? lane->hot.yields : 0, to, GENE_GO);
    }
}

void transcript_note_stale(uint32_t age) {
    note(run.now->index, scheduler_hot->yields, age, GENE_STALE);
}

/* --- long programs --- */

void transcript_play(const struct program *program) {
    played.program = program;
    memset(played.used, 0, sizeof played.used);
}

uint32_t transcript_next(uint32_t record, uint32_t yield, uint32_t limit) {
    for (uint32_t i = 0; i < played.program->gene_count; i++) {
        struct gene gene = program_gene(played.program, i);
        if (gene.record == record && gene.yield > yield && gene.yield < limit) {
            limit = gene.yield;
        }
    }
    return limit;
}

struct scheduler_twist transcript_twist(uint32_t record, uint32_t yield) {
    struct scheduler_twist twist = {0};
    for (uint32_t i = 0; i < played.program->gene_count; i++) {
        struct gene gene = program_gene(played.program, i);
        if (gene.record == record && gene.yield == yield && yield != 0) {
            twist.stale = gene.kind == GENE_STALE ? gene.value : twist.stale;
            twist.fails = gene.kind == GENE_WEAK ? gene.value != 0 : twist.fails;
        }
    }
    return twist;
}

uint8_t transcript_go(uint32_t record, uint32_t yield) {
    for (uint32_t i = 0; i < played.program->gene_count && i < TRANSCRIPT_GENES_MAX; i++) {
        struct gene gene = program_gene(played.program, i);
        if (!played.used[i] && gene.kind == GENE_GO && gene.record == record && gene.yield == yield) {
            played.used[i] = true;
            return (uint8_t)(gene.value % PROGRAM_THREADS_MAX);
        }
    }
    return SCHEDULER_NOBODY;
}
