/* text_fields: the fields of a record as words: slot, size, alignment, count. Internal to the text form.
 *
 * Each takes the next word of the reader's line. False when it does not parse; the error is then in the reader.
 * No state but the reader. */
#ifndef HAKMEM_ORACLE_TEXT_FIELDS_H
#define HAKMEM_ORACLE_TEXT_FIELDS_H

#include "oracle/program.h"
#include "oracle/text_words.h"

/* How a table of names is walked, for look-up and for "did you mean". */
struct name_list {
    const char *what; /* "operation", "geometry" ... for messages */
    const char *(*name)(unsigned i);
    unsigned count;
};
extern const struct name_list text_ops;

/* The next word, or an error "expected <what>". */
bool text_take_word(struct text_reader *in, struct word *word, const char *what);
/* The index of a word in a list, or an error with the nearest name. */
bool text_find(struct text_reader *in, const struct word *word, const struct name_list *list, unsigned *index);
/* A decimal number from 0 to maximum; `what` names it in the error. */
bool text_take_number(struct text_reader *in, const char *what, unsigned maximum, unsigned *number);
/* "<key>=<number>" */
bool text_take_keyed(struct text_reader *in, const char *key, unsigned maximum, unsigned *number);

/* "s3"; beyond slot_count is an error. */
bool text_take_slot(struct text_reader *in, uint8_t slot_count, uint8_t *slot);
/* "96", "96+1", "top-page-5", "97": sets boundary and distance. */
bool text_take_size(struct text_reader *in, struct record *record);
/* "LAZY_CACHE=0": sets the argument. */
bool text_take_option(struct text_reader *in, struct record *record);
/* "align=64", "align=64+1", "align=65", "align=4k": sets the exponent and whether it is odd. */
bool text_take_align(struct text_reader *in, struct record *record);

#endif
