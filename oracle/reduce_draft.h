/* reduce_draft: a program in pieces, as a reduction has it. Internal to reduce*.c.
 *
 * A reduction has one draft that passes its test, `now`, and tries others: a function of reduce_fields.c or reduce.c
 * changes `next`, a copy, and draft_try makes it the one that is, if it passes. */
#ifndef HAKMEM_ORACLE_REDUCE_DRAFT_H
#define HAKMEM_ORACLE_REDUCE_DRAFT_H

#include "oracle/reduce.h"
#include "oracle/transcript.h"

struct draft {
    struct program_header header;
    uint32_t record_count;
    uint32_t gene_count;
    uint8_t records[PROGRAM_RECORDS_MAX][PROGRAM_RECORD_BYTES]; /* as they stand: random modes draw from the bytes */
    struct gene genes[TRANSCRIPT_GENES_MAX];
};

struct reduction {
    const struct target_info *target;
    const struct reduce_means *means;
    struct draft now;
    struct draft next;
    uint64_t tests;
    bool stopped;
    bool is_new; /* `best` was not shown yet */
    size_t best_bytes;
    uint8_t best[PROGRAM_BYTES_MAX];
    uint8_t candidate[PROGRAM_BYTES_MAX + TRANSCRIPT_GENES_MAX * PROGRAM_RECORD_BYTES];
    uint8_t before[PROGRAM_BYTES_MAX + TRANSCRIPT_GENES_MAX * PROGRAM_RECORD_BYTES]; /* bytes of `now` */
};

void draft_read(struct draft *draft, const struct program *program);
/* `next` is `now` again. */
struct draft *draft_begin(struct reduction *reduction);
/* Whether `next` passes the test; then it is `now`. False without a test when nothing differs or it was stopped. */
bool draft_try(struct reduction *reduction);

/* Remove [at, at + count), and the genes that name a record of these. */
void draft_remove_records(struct draft *draft, uint32_t at, uint32_t count);
void draft_remove_genes(struct draft *draft, uint32_t at, uint32_t count);
/* In front of record `at`; record_count < PROGRAM_RECORDS_MAX. */
void draft_insert(struct draft *draft, uint32_t at, const struct record *record);

struct record draft_record(const struct draft *draft, uint32_t i);
/* All fields, whether the operation uses them or not: components read what they like. */
void draft_set_record(struct draft *draft, uint32_t i, const struct record *record);

/* reduce_fields.c: everything that is no record or gene to be removed. True when something became smaller. */
bool reduce_header(struct reduction *reduction);
bool reduce_threads(struct reduction *reduction);
bool reduce_slots(struct reduction *reduction);
bool reduce_records(struct reduction *reduction);
bool reduce_genes(struct reduction *reduction);

#endif
