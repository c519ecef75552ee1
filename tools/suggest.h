/* suggest: what to say about a name that is in no table. */
#ifndef HAKMEM_TOOLS_SUGGEST_H
#define HAKMEM_TOOLS_SUGGEST_H

typedef const char *suggest_name(unsigned index);

/* The name of [0, count) that takes the fewest single-letter edits, NULL when none is near enough to be meant. */
const char *suggest_nearest(const char *word, suggest_name *name, unsigned count);

/* Print on standard error that there is no such verb, target, fault: the nearest name, if one is near, and all that
 * there are. `origin` is appended to the word: where it came from, or "". */
void suggest_complain(const char *kind, const char *word, const char *origin, suggest_name *name, unsigned count);

#endif
