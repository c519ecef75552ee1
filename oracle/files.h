/* files: the regular files a list of paths stands for, sorted. Uses malloc of the process. */
#ifndef HAKMEM_ORACLE_FILES_H
#define HAKMEM_ORACLE_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct files {
    char **paths;
    size_t count;
    size_t capacity;
    size_t unusable; /* entries that could not be looked at; each was complained about */
};

/* Append `path`, or, when it is a directory, every regular file below it in the order of their names. Links below a
 * directory are not followed, names that begin with a dot are skipped. Prints why and returns false when a directory
 * cannot be read or holds no file; the other paths stay in the list. */
bool files_add(struct files *files, const char *path);
void files_free(struct files *files);

#endif
