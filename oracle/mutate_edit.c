/* mutate_edit: see the header. The only code that moves bytes of programs. */
#include "oracle/mutate_edit.h"

#include <string.h>

#include "oracle/mutate.h"

static uint32_t units_that_fit(size_t capacity_bytes) {
    size_t units = (capacity_bytes - PROGRAM_HEADER_BYTES) / PROGRAM_RECORD_BYTES;
    size_t most = PROGRAM_RECORDS_MAX + PROGRAM_GENES_MAX;
    return (uint32_t)(units < most ? units : most);
}

static uint8_t *unit_at(uint8_t *bytes, uint32_t i) {
    return bytes + PROGRAM_HEADER_BYTES + (size_t)i * PROGRAM_RECORD_BYTES;
}

size_t mutate_canonical(const uint8_t *bytes, size_t size_bytes, uint8_t *out, size_t capacity_bytes) {
    struct program program;
    if (capacity_bytes < PROGRAM_HEADER_BYTES)
        return 0;
    program_read(&program, bytes, size_bytes);
    uint32_t units = units_that_fit(capacity_bytes);
    uint32_t genes = program.gene_count < units ? program.gene_count : units;
    uint32_t records = program.record_count < units - genes ? program.record_count : units - genes;

    /* In place works: the header is decoded already, and no unit is written behind the one that is read. */
    struct program_header header = program.header;
    header.version = PROGRAM_VERSION;
    header.gene_count = (uint8_t)genes;
    program_header_write(&header, out);
    for (uint32_t i = 0; i < records; i++) {
        struct record record = program_record(&program, i);
        record_write(&record, unit_at(out, i));
    }
    for (uint32_t i = 0; i < genes; i++) {
        struct gene gene = program_gene(&program, i);
        gene_write(&gene, unit_at(out, records + i));
    }
    return (size_t)(unit_at(out, records + genes) - out);
}

void edit_open(struct edit *edit, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes) {
    size_t canonical_bytes = mutate_canonical(bytes, size_bytes, bytes, capacity_bytes);
    program_read(&edit->program, bytes, canonical_bytes);
    edit->bytes = bytes;
    edit->units_max = units_that_fit(capacity_bytes);
}

size_t edit_close(struct edit *edit) {
    struct program *program = &edit->program;
    program->header.gene_count = (uint8_t)program->gene_count;
    program_header_write(&program->header, edit->bytes);
    program->size_bytes = (size_t)(unit_at(edit->bytes, program->record_count + program->gene_count) - edit->bytes);
    return program->size_bytes;
}

uint32_t edit_room(const struct edit *edit) {
    const struct program *program = &edit->program;
    uint32_t buffer = edit->units_max - program->record_count - program->gene_count;
    uint32_t limit = PROGRAM_RECORDS_MAX - program->record_count;
    return buffer < limit ? buffer : limit;
}

/* Move all units from `from` on to `to`. */
static void move_units(struct edit *edit, uint32_t from, uint32_t to) {
    uint32_t units = edit->program.record_count + edit->program.gene_count;
    memmove(unit_at(edit->bytes, to), unit_at(edit->bytes, from), (size_t)(units - from) * PROGRAM_RECORD_BYTES);
}

void edit_insert(struct edit *edit, uint32_t at, uint32_t count) {
    struct program *program = &edit->program;
    move_units(edit, at, at + count);
    memset(unit_at(edit->bytes, at), 0, (size_t)count * PROGRAM_RECORD_BYTES);
    program->record_count += count;
    for (uint32_t i = 0; i < program->gene_count; i++) {
        struct gene gene = program_gene(program, i);
        if (gene.record < at)
            continue;
        gene.record = (uint16_t)(gene.record + count < UINT16_MAX ? gene.record + count : UINT16_MAX);
        edit_set_gene(edit, i, gene);
    }
}

void edit_delete(struct edit *edit, uint32_t at, uint32_t count) {
    struct program *program = &edit->program;
    for (uint32_t i = program->gene_count; i-- > 0;) {
        struct gene gene = program_gene(program, i);
        if (gene.record < at)
            continue;
        if (gene.record < at + count) {
            edit_remove_gene(edit, i);
            continue;
        }
        gene.record = (uint16_t)(gene.record - count);
        edit_set_gene(edit, i, gene);
    }
    move_units(edit, at + count, at);
    program->record_count -= count;
}

void edit_swap(struct edit *edit, uint32_t i, uint32_t j) {
    struct program *program = &edit->program;
    struct record first = program_record(program, i), second = program_record(program, j);
    edit_set_record(edit, i, second);
    edit_set_record(edit, j, first);
    for (uint32_t g = 0; g < program->gene_count; g++) {
        struct gene gene = program_gene(program, g);
        if (gene.record != i && gene.record != j)
            continue;
        gene.record = (uint16_t)(gene.record == i ? j : i);
        edit_set_gene(edit, g, gene);
    }
}

void edit_set_record(struct edit *edit, uint32_t i, struct record record) {
    record.slot &= (uint8_t)(edit->program.header.slot_count - 1);
    record_write(&record, unit_at(edit->bytes, i));
}

void edit_refit_slots(struct edit *edit) {
    for (uint32_t i = 0; i < edit->program.record_count; i++)
        edit_set_record(edit, i, program_record(&edit->program, i));
}

bool edit_add_gene(struct edit *edit, struct gene gene) {
    struct program *program = &edit->program;
    if (program->gene_count == PROGRAM_GENES_MAX || program->record_count + program->gene_count == edit->units_max)
        return false;
    program->gene_count++;
    edit_set_gene(edit, program->gene_count - 1, gene);
    return true;
}

void edit_set_gene(struct edit *edit, uint32_t i, struct gene gene) {
    gene_write(&gene, unit_at(edit->bytes, edit->program.record_count + i));
}

void edit_remove_gene(struct edit *edit, uint32_t i) {
    uint32_t unit = edit->program.record_count + i;
    move_units(edit, unit + 1, unit);
    edit->program.gene_count--;
}
