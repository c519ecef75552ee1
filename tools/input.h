/* input: programs from files or standard input, in text form or as bytes. Every failure is printed with the place and
 * the way out; callers only pass on EXIT_USAGE. Uses malloc of the process. */
#ifndef HAKMEM_TOOLS_INPUT_H
#define HAKMEM_TOOLS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    uint8_t *bytes; /* never NULL after success */
    size_t size_bytes;
};

enum input_form {
    INPUT_EITHER, /* text when it looks like text, else bytes */
    INPUT_TEXT,
    INPUT_BYTES,
};

/* Nothing that means a program is larger; more is never read, whatever the file. */
enum { INPUT_TEXT_BYTES_MAX = 4 << 20 };

/* Load a program; "-" is standard input. Says "empty program: 0 records" on standard error where that is so. On failure
 * prints why and returns false, with nothing to free. */
bool input_load(const char *path, enum input_form form, struct input *input);
void input_free(struct input *input);

#endif
