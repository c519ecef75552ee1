/* text_words: lines, words and numbers of the text form, each with its place. Internal to text_assemble.c.
 *
 * A reader walks text that need not end in NUL and may hold any byte. Words never leave their line; '#' ends a line.
 * The first error wins: it fills *error, and everything after it may be ignored. No state but the reader. */
#ifndef HAKMEM_ORACLE_TEXT_WORDS_H
#define HAKMEM_ORACLE_TEXT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/text.h"

struct word {
    const char *at; /* not NUL-terminated */
    size_t length;
    unsigned column; /* from 1 */
};

struct text_reader {
    const char *next;       /* first character not read yet */
    const char *end;        /* of the text */
    const char *line_start; /* of the current line */
    const char *line_end;   /* of what counts in it: its newline, its comment or the end of the text */
    unsigned line;          /* from 1; 0 before the first text_next_line */
    struct text_error *error;
    bool failed;
};

void text_open(struct text_reader *reader, const char *text, size_t length, struct text_error *error);
/* Go to the next line; false at the end of the text. */
bool text_next_line(struct text_reader *reader);
/* Take the next word of the line; false at its end, with word->length 0 and the column where a word would stand. */
bool text_next_word(struct text_reader *reader, struct word *word);

/* Report an error at a word of the current line. Always false, so that callers can return it. */
bool text_fail(struct text_reader *reader, const struct word *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool word_is(const struct word *word, const char *literal);
bool word_starts(const struct word *word, const char *prefix);
/* The rest of a word behind its first `length` characters, with the column moved along. */
struct word word_after(const struct word *word, size_t length);

/* Decimal digits only; false if there are none, others, or the value is above `maximum`. */
bool word_number(const struct word *word, uint64_t maximum, uint64_t *value);
/* As word_number, with an optional k, m, g or t behind: powers of 1024. */
bool word_size(const struct word *word, uint64_t *value);

/* Read pairs of hex digits up to the end of the line, blanks allowed between pairs. Sets *count. */
bool text_hex(struct text_reader *reader, uint8_t *bytes, size_t capacity, size_t *count);

enum { QUOTE_BYTES = 48 };
/* The word in printable form, cut if it is long. Returns buffer. */
const char *word_quote(const struct word *word, char buffer[QUOTE_BYTES]);

/* How many letters must change to turn the word into `name`, for "did you mean". UINT_MAX if the word is too long. */
unsigned word_distance(const struct word *word, const char *name);

#endif
