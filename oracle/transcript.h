/* transcript: a schedule said in genes.
 *
 * Modes random and pct draw their schedule, so a record that goes may change what is drawn for others. Genes stay: each
 * names its place. To *note* a run is to write down, as genes, where it went another way than mode genes would have
 * gone without any: the switches (go), and loads that showed an older value (stale). A program with the same records,
 * in mode genes, that has these genes runs in the same way. Where an operation makes so many accesses that others get
 * their turn by force (YIELDS_FAIR), as in a livelock, mode genes forces it too, and notes are taken of what differs
 * from that; but a gene cannot name an access beyond UINT16_MAX, so a choice after that is the mode's own: who relies
 * on it tries.
 *
 * What a run does may take more genes than an input can hold. A *long program* has more than PROGRAM_GENES_MAX; it
 * is made by hand, never read from bytes, and has genes of kind go, stale and weak only. The scheduler asks here what
 * they say, which is slower: it is for reductions, until few are left.
 *
 * One OS thread, as runs are. */
#ifndef HAKMEM_ORACLE_TRANSCRIPT_H
#define HAKMEM_ORACLE_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/program.h"
#include "oracle/scheduler.h"

enum { TRANSCRIPT_GENES_MAX = 2048 };

/* Note the runs that follow: genes go to `genes`, at *count, which the caller sets to 0 before each run and which is
 * counted on beyond `capacity`. Both may be shared with another process: what is noted outlives this one. NULL stops.
 */
void transcript_note(struct gene *genes, uint32_t capacity, uint32_t *count);

/* --- for the scheduler --- */

bool transcript_is_noting(void);
/* A run begins. */
void transcript_note_begin(void);
/* `thread` is held by force until so many records of others have ended, and nobody else is. */
void transcript_note_force(uint8_t thread, uint32_t others);
void transcript_note_end_of_record(uint8_t thread);
/* Thread `to` goes on now; between operations or inside one. */
void transcript_note_choice(uint8_t to, bool is_between);
/* The load of the running thread that comes now shows the `age`-th older value. */
void transcript_note_stale(uint32_t age);

static inline bool transcript_is_long(const struct program *program) {
    return program->gene_count > PROGRAM_GENES_MAX;
}
/* A run of a long program begins. */
void transcript_play(const struct program *program);
/* The first yield of `record` after `yield`, and before `limit`, that a gene names; else `limit`. */
uint32_t transcript_next(uint32_t record, uint32_t yield, uint32_t limit);
/* The running thread's access in `record`: what the genes say of it. */
struct scheduler_twist transcript_twist(uint32_t record, uint32_t yield);
/* It is the turn of a thread at this place: who goes on instead, SCHEDULER_NOBODY when no gene says so. Once. */
uint8_t transcript_go(uint32_t record, uint32_t yield);

#endif
