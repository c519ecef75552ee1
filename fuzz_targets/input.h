/* input: programs as they come from files.
 *
 * A file is a program in bytes or in text form; text is assembled on the way in. Directories stand for the files below
 * them, in the order of their names. Every failure is said on standard error with the path in front; nothing is skipped
 * in silence. Uses malloc of the process. */
#ifndef HAKMEM_FUZZ_TARGETS_INPUT_H
#define HAKMEM_FUZZ_TARGETS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    uint8_t *bytes;
    size_t size_bytes; /* at most PROGRAM_BYTES_MAX */
};

/* Read one file. False when it cannot be a program: missing, unreadable, too large, or text that does not parse. */
bool input_read(const char *path, struct input *input);
void input_free(struct input *input);

struct input_list {
    char **paths;
    size_t count;
};

/* Append a file, or all files below a directory; names that start with a dot are not looked at. False when the path is
 * missing or unreadable, or a directory holds no file. */
bool input_list_add(struct input_list *list, const char *path);
void input_list_free(struct input_list *list);

#endif
