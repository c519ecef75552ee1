/* suggest: picks by the same letter distance that the text form uses for its "did you mean". */
#include "tools/suggest.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "oracle/text_words.h"

const char *suggest_nearest(const char *word, suggest_name *name, unsigned count) {
    struct word typed = {.at = word, .length = strlen(word), .column = 1};
    const char *best = NULL;
    unsigned best_distance = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned distance = word_distance(&typed, name(i));
        if (best == NULL || distance < best_distance) {
            best_distance = distance;
            best = name(i);
        }
    }
    /* More than a third of the letters wrong is another word. */
    return best != NULL && best_distance <= (1 + strlen(best)) / 3 ? best : NULL;
}

void suggest_complain(const char *kind, const char *word, const char *origin, suggest_name *name, unsigned count) {
    fprintf(stderr, "hakfuzz: there is no %s '%s'%s", kind, word, origin);
    const char *near = suggest_nearest(word, name, count);
    if (near != NULL) {
        fprintf(stderr, ", did you mean '%s'?", near);
    }
    fputs(near != NULL ? " There are:" : "; there are:", stderr);
    for (unsigned i = 0; i < count; i++) {
        fprintf(stderr, " %s", name(i));
    }
    fputc('\n', stderr);
}
