/* reduce_draft: pieces to bytes and back, and the one place where a test is made. */
#include "oracle/reduce_draft.h"

#include <string.h>

void draft_read(struct draft *draft, const struct program *program) {
    draft->header = program->header;
    draft->header.version = PROGRAM_VERSION;
    draft->record_count = program->record_count;
    draft->gene_count = program->gene_count;
    if (program->record_count != 0) {
        memcpy(draft->records, program_unit(program, 0), program->record_count * sizeof draft->records[0]);
    }
    for (uint32_t i = 0; i < program->gene_count; i++) {
        draft->genes[i] = program_gene(program, i);
    }
}

/* The program is a view of `bytes`. */
static void write_draft(const struct draft *draft, uint8_t *bytes, struct program *program) {
    struct program_header header = draft->header;
    header.gene_count = draft->gene_count > PROGRAM_GENES_MAX ? 0 : (uint8_t)draft->gene_count;
    program_header_write(&header, bytes);
    memcpy(bytes + PROGRAM_HEADER_BYTES, draft->records, draft->record_count * sizeof draft->records[0]);
    uint8_t *at = bytes + PROGRAM_HEADER_BYTES + draft->record_count * sizeof draft->records[0];
    for (uint32_t i = 0; i < draft->gene_count; i++, at += PROGRAM_RECORD_BYTES) {
        gene_write(&draft->genes[i], at);
    }
    *program = (struct program){.bytes = bytes,
                                .size_bytes = (size_t)(at - bytes),
                                .header = header,
                                .record_count = draft->record_count,
                                .gene_count = draft->gene_count};
}

struct draft *draft_begin(struct reduction *reduction) {
    reduction->next = reduction->now;
    return &reduction->next;
}

static struct reduce_counts counts_of(const struct reduction *reduction, const struct program *program) {
    struct reduce_counts counts = reduce_count(reduction->target, program);
    counts.tests = reduction->tests;
    return counts;
}

static bool goes_on(struct reduction *reduction) {
    struct program best;
    program_read(&best, reduction->best, reduction->best_bytes);
    struct reduce_counts counts = counts_of(reduction, &best);
    bool is_new = reduction->is_new;
    reduction->is_new = false;
    reduction->stopped =
        reduction->stopped || !reduction->means->goes_on(reduction->means->context, &counts, is_new ? &best : NULL);
    return !reduction->stopped;
}

bool draft_try(struct reduction *reduction) {
    struct program now, program;
    write_draft(&reduction->now, reduction->before, &now);
    write_draft(&reduction->next, reduction->candidate, &program);
    bool is_equal = now.size_bytes == program.size_bytes && now.gene_count == program.gene_count &&
                    memcmp(reduction->before, reduction->candidate, now.size_bytes) == 0;
    if (is_equal || reduction->stopped || !goes_on(reduction)) {
        return false;
    }
    reduction->tests++;
    if (!reduction->means->fails(reduction->means->context, &program)) {
        return false;
    }
    reduction->now = reduction->next;
    if (!transcript_is_long(&program)) {
        memcpy(reduction->best, reduction->candidate, program.size_bytes);
        reduction->best_bytes = program.size_bytes;
        reduction->is_new = true;
    }
    return true;
}

void draft_remove_genes(struct draft *draft, uint32_t at, uint32_t count) {
    memmove(&draft->genes[at], &draft->genes[at + count], (draft->gene_count - at - count) * sizeof draft->genes[0]);
    draft->gene_count -= count;
}

void draft_remove_records(struct draft *draft, uint32_t at, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < draft->gene_count; i++) {
        struct gene gene = draft->genes[i];
        bool is_gone = gene.record >= at && gene.record < at + count;
        gene.record = (uint16_t)(gene.record - (gene.record >= at + count ? count : 0));
        draft->genes[kept] = gene;
        kept += !is_gone;
    }
    draft->gene_count = kept;
    memmove(draft->records[at], draft->records[at + count],
            (draft->record_count - at - count) * sizeof draft->records[0]);
    draft->record_count -= count;
}

void draft_insert(struct draft *draft, uint32_t at, const struct record *record) {
    for (uint32_t i = 0; i < draft->gene_count; i++) {
        draft->genes[i].record = (uint16_t)(draft->genes[i].record + (draft->genes[i].record >= at));
    }
    memmove(draft->records[at + 1], draft->records[at], (draft->record_count - at) * sizeof draft->records[0]);
    draft->record_count++;
    draft_set_record(draft, at, record);
}

struct record draft_record(const struct draft *draft, uint32_t i) {
    return record_read(draft->records[i], draft->header.slot_count);
}

void draft_set_record(struct draft *draft, uint32_t i, const struct record *record) {
    uint8_t *bytes = draft->records[i];
    bytes[0] = (uint8_t)record->op;
    bytes[1] = record->thread;
    bytes[2] = record->slot;
    bytes[3] = (uint8_t)(record->align_exponent | (record->align_odd ? RECORD_ALIGN_ODD : 0));
    bytes[4] = record->boundary;
    bytes[5] = (uint8_t)record->distance;
    bytes[6] = (uint8_t)record->argument;
    bytes[7] = (uint8_t)(record->argument >> 8);
}
