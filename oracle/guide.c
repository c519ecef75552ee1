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

/* False when one of them is no guide. */
static bool parse(const char *names, unsigned *set) {
    *set = 0;
    while (names != NULL && names[0] != '\0') {
        size_t length = strcspn(names, ",");
        unsigned guide = guide_find(names, length);
        if (guide == GUIDE_COUNT) {
            return false;
        }
        *set |= 1U << guide;
        names += length + (names[length] == ',');
    }
    /* A mutator of records has nothing to do where there are none. */
    *set |= (*set >> GUIDE_RECORDS & 1) << GUIDE_STRUCTURE;
    return true;
}

bool guide_take_away(const char *names) {
    unsigned more;
    bool good = parse(names, &more);
    gone |= good ? more : 0;
    return good;
}

bool guide_among(const char *names, enum guide guide) {
    unsigned set;
    return parse(names, &set) && (set >> guide & 1) != 0;
}

bool guide_names_are_good(const char *names) {
    unsigned set;
    return parse(names, &set);
}

bool guide_is_there(enum guide guide) {
    return (gone >> guide & 1) == 0;
}
