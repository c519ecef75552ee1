/* journal: what each operation of a run on real threads did, for those who show it afterwards.
 *
 * It is written in the process that the program runs in, and read by the parent when that has ended, however it did: so
 * an entry is there before its operation begins. Only in virtual order with one instance, where one thread at a time
 * writes and the others wait for it; nothing of it is atomic. Addresses are those of the process. */
#ifndef HAKMEM_ORACLE_JOURNAL_H
#define HAKMEM_ORACLE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/contract.h"

enum {
    JOURNAL_ENTRIES_MAX = PROGRAM_RECORDS_MAX + PROGRAM_THREADS_MAX + 2,
    JOURNAL_CHANGES_MAX = 1 << 16, /* a program that has more is shown up to there */
};

enum journal_kind { JOURNAL_ALLOCATED, JOURNAL_FREED, JOURNAL_GREW };

struct journal_change {
    uint8_t kind;
    uint8_t slot;
    uint8_t born_on; /* thread that allocated it */
    uintptr_t start;
    size_t bytes; /* requested; GREW: usable */
};

enum journal_answer { JOURNAL_NO_CALL, JOURNAL_NULL, JOURNAL_BLOCK };
enum journal_shows { JOURNAL_SHOWS_UNKNOWN, JOURNAL_SHOWS_NONE, JOURNAL_SHOWS_ADDRESS };

/* What the last call of an operation answered. */
struct journal_call {
    int error;           /* errno that it set; 0: it left it alone */
    uint8_t answer;      /* enum journal_answer; of calls that return a block */
    uint8_t fact;        /* enum fact: the corner that the request is in; FACT_COUNT: none */
    uint8_t shows;       /* enum journal_shows: whether the new block has an address in it that the malloc left */
    size_t usable_bytes; /* of the block, where that was asked for comparison; else 0 */
};

struct journal_entry {
    uint32_t record; /* record_count: after the last one */
    uint8_t thread;
    bool applied;
    bool ended; /* false: the process did not come to its end */
    struct journal_call call;
    uintptr_t start;     /* of the block that was returned or freed, 0 for none */
    size_t size_bytes;   /* requested */
    uint32_t change_end; /* its changes end here; they begin where those of the entry before end */
};

struct journal {
    uint32_t entry_count;
    uint32_t change_count;
    bool is_cut;
    struct journal_entry entries[JOURNAL_ENTRIES_MAX];
    struct journal_change changes[JOURNAL_CHANGES_MAX];
};

/* `journal` may be NULL everywhere: then nothing is noted. */
void journal_begin(struct journal *journal, uint32_t record, uint8_t thread);
void journal_note(struct journal *journal, const struct journal_change *change);
/* `call` may be NULL: there was none. */
void journal_end(struct journal *journal, bool applied, const struct journal_call *call);

#endif
