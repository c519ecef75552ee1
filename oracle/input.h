/* input: programs from files or standard input, in text form or as bytes, for hakfuzz and the fuzz targets alike.
 *
 * Every failure is printed on standard error with the program's name, the place and the way out; callers only pass on
 * exit code 2. Uses malloc of the process; any thread. */
#ifndef HAKMEM_ORACLE_INPUT_H
#define HAKMEM_ORACLE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    uint8_t *bytes; /* never NULL after success */
    size_t size_bytes;
};

enum input_form {
    INPUT_EITHER,  /* text when its content or its name (.hak) says so, else bytes */
    INPUT_TEXT,    /* text, whatever it looks like */
    INPUT_BYTES,   /* bytes, whatever they look like */
    INPUT_NO_TEXT, /* bytes; what INPUT_EITHER would take for text is refused */
};

/* Nothing that means a program is larger; more is never read, whatever the file. */
enum { INPUT_TEXT_BYTES_MAX = 4 << 20 };

/* Load a program; "-" is standard input. Says "empty program: 0 records" on standard error where that is so. On failure
 * prints why and returns false, with nothing to free. */
bool input_load(const char *path, enum input_form form, struct input *input);
void input_free(struct input *input);

/* Print "<program>: '<path>': <problem>; <way out>" on standard error. Always false, so that callers can return it. */
bool input_complain(const char *path, const char *problem, const char *way_out);

/* Bytes of the UTF-8 sequence that a text ending in NUL begins with, 0 when it is not one. Overlong forms and
 * surrogates are not told apart from proper ones beyond their first byte: readers accept or replace them. */
size_t utf8_sequence_bytes(const char *text);

#endif
