/* place: temporary directories, and where this tool and its siblings stand in a build tree. Uses malloc of the process.
 */
#ifndef HAKMEM_TOOLS_PLACE_H
#define HAKMEM_TOOLS_PLACE_H

#include <stddef.h>
#include <stdint.h>

/* A fresh directory below TMPDIR; NULL with a message when there is none. Free with temporary_remove, which also
 * removes all that is in it. */
char *temporary_make(void);
void temporary_remove(char *directory);
/* Write bytes to directory/name. Returns the path to free, NULL with a message on failure. */
char *temporary_write(const char *directory, const char *name, const uint8_t *bytes, size_t size_bytes);

/* A program of the build preset 'fuzz' beside this tool's own build tree, or else in it; absolute, to be freed; NULL
 * when there is none. */
char *sibling_find(const char *name);
/* A file that stands in the same directory as this tool; absolute, to be freed; NULL when there is none. */
char *beside_find(const char *name);
/* This binary's own path, absolute, to be freed. */
char *self_path(void);

#endif
