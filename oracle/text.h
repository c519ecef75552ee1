/* text: the exact text form of programs, for people and for corpus/.
 *
 * text_disassemble then text_assemble gives the same bytes back, for every byte string. Where a record's bytes are
 * not canonical (unused fields set, values beyond a table's length), the line ends in '! ' and the raw bytes in hex,
 * which then win; the words in front must agree with them. docs/input-format.md has the grammar.
 *
 * Uses malloc of the process (never the allocator under test); no state, safe on any thread. */
#ifndef HAKMEM_ORACLE_TEXT_H
#define HAKMEM_ORACLE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where and why text did not parse. line and column count from 1. */
struct text_error {
    unsigned line;
    unsigned column;
    char message[400];
};

/* Assemble `length` characters of text. Returns bytes to be freed by the caller and sets *size_bytes, or returns NULL
 * and fills *error. An empty program is returned as a non-NULL pointer with *size_bytes 0. */
uint8_t *text_assemble(const char *text, size_t length, size_t *size_bytes, struct text_error *error);

/* Print the text form. Total over all byte strings. Returns 0, or -1 with errno when writing to `out` failed. */
int text_disassemble(const uint8_t *bytes, size_t size_bytes, FILE *out);

/* One record as it stands in a text line, without thread and raw suffix: "realloc s3 1k-1". Cuts at `capacity`. */
struct record;
void text_format_record(const struct record *record, char *buffer, size_t capacity);

/* Whether bytes look like text form (used by tools that accept both): first word after comments is "hakmem". */
int text_looks_like(const uint8_t *bytes, size_t size_bytes);

/* Length of the byte order mark of UTF-8 that the text begins with, 0 when there is none. It is no part of the text. */
size_t text_mark_bytes(const uint8_t *bytes, size_t size_bytes);

#endif
