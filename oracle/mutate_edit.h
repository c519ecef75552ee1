/* mutate_edit: a program open for editing, in the caller's buffer. Internal to the mutator.
 *
 * Between edit_open and edit_close the buffer is canonical but for the header, which lives in `program.header`.
 * Gene anchors follow the records they name: they move when records are inserted or removed in front of them, and go
 * when their record goes. An anchor behind the last record names nothing and moves like the others. */
#ifndef HAKMEM_ORACLE_MUTATE_EDIT_H
#define HAKMEM_ORACLE_MUTATE_EDIT_H

#include "oracle/program.h"

struct edit {
    struct program program;
    uint8_t *bytes;
    uint32_t units_max; /* records and genes the buffer can hold */
};

/* capacity_bytes >= PROGRAM_HEADER_BYTES. What does not fit, and the tail, is dropped. */
void edit_open(struct edit *edit, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes);
/* Returns the size in bytes. */
size_t edit_close(struct edit *edit);

/* How many records can still be inserted. */
uint32_t edit_room(const struct edit *edit);
/* Insert `count` <= edit_room records that do nothing in front of record `at` <= record_count. */
void edit_insert(struct edit *edit, uint32_t at, uint32_t count);
/* Remove records [at, at + count). */
void edit_delete(struct edit *edit, uint32_t at, uint32_t count);
/* Exchange two records; genes go with them. */
void edit_swap(struct edit *edit, uint32_t i, uint32_t j);
/* A slot beyond the header's slots is reduced. */
void edit_set_record(struct edit *edit, uint32_t i, struct record record);
/* After program.header.slot_count changed: all records fit it again. */
void edit_refit_slots(struct edit *edit);

/* False when there is no room for one more. */
bool edit_add_gene(struct edit *edit, struct gene gene);
void edit_set_gene(struct edit *edit, uint32_t i, struct gene gene);
void edit_remove_gene(struct edit *edit, uint32_t i);

#endif
