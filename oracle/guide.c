/* guide: the table, and which of it was taken away. */
#include "oracle/guide.h"

#include <stddef.h>
#include <string.h>

const struct guide_info guide_table[GUIDE_COUNT] = {
#define GUIDE_ROW(id, name, meaning) [GUIDE_##id] = {name, meaning},
    GUIDE_TABLE(GUIDE_ROW)
#undef GUIDE_ROW
};

static unsigned gone; /* bit i: guide i */

static unsigned guide_find(const char *name, size_t length) {
    unsigned i = 0;
    while (i < GUIDE_COUNT &&
           (strlen(guide_table[i].name) != length || strncmp(guide_table[i].name, name, length) != 0)) {
        i++;
    }
    return i;
}

bool guide_take_away(const char *names) {
    unsigned more = 0;
    while (names != NULL && names[0] != '\0') {
        size_t length = strcspn(names, ",");
        unsigned guide = guide_find(names, length);
        if (guide == GUIDE_COUNT) {
            return false;
        }
        more |= 1U << guide;
        names += length + (names[length] == ',');
    }
    /* A mutator of records has nothing to do where there are none. */
    more |= (more >> GUIDE_RECORDS & 1) << GUIDE_STRUCTURE;
    gone |= more;
    return true;
}

bool guide_is_there(enum guide guide) {
    return (gone >> guide & 1) == 0;
}
