/* suggest: the nearest name to a mistyped one. Pure functions. */
#ifndef HAKMEM_TOOLS_SUGGEST_H
#define HAKMEM_TOOLS_SUGGEST_H

typedef const char *suggest_name(unsigned index);

/* The name of [0, count) that takes the fewest single-letter edits, NULL when none is near enough to be meant. */
const char *suggest_nearest(const char *word, suggest_name *name, unsigned count);

#endif
