/* library: the shared objects that belong to hakfuzz, wherever it was built or installed. Uses malloc of the process.
 */
#ifndef HAKMEM_TOOLS_LIBRARY_H
#define HAKMEM_TOOLS_LIBRARY_H

/* Beside the tool, in the library directory of where it is installed, or in the build tree of preset 'release' next to
 * its own. Absolute, to be freed. NULL, with a message that begins with "hakfuzz VERB: ", when it is not there. */
char *library_find(const char *verb_name, const char *file);

#endif
