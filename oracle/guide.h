/* guide: what leads a fuzzer to where it has not been. Each guide can be taken away, to measure what it brings.
 *
 * docs/ablation.md shows what each is worth. All are there when a process begins. Taken away once, before anything
 * runs, and only looked at from then on: safe on any thread. */
#ifndef HAKMEM_ORACLE_GUIDE_H
#define HAKMEM_ORACLE_GUIDE_H

#include <stdbool.h>

/* enum suffix, name, what it says to whom */
#define GUIDE_TABLE(X)                                                                                                 \
    X(SWITCH_PAIRS, "switch-pairs", "the engine counts which access was interrupted in favour of which")               \
    X(STATES, "states", "the engine counts states of the allocator, and how operations change them")                   \
    X(REPERTOIRE, "repertoire", "the mutator knows what the target carries out")                                       \
    X(SWARM, "swarm", "headers switch operations off, and favour one")                                                 \
    X(GO_GENES, "go-genes", "the mutator makes genes that say which thread goes on")                                   \
    X(GENES, "genes", "the mutator makes genes of a schedule at all; modes stay")                                      \
    X(GEOMETRY, "geometry", "programs choose small slabs and caches; without it they get the released ones")           \
    X(STRUCTURE, "structure", "mutators change records and genes; without it the engine's own change bytes")           \
    X(RECORDS, "records", "bytes are records with named slots; without it what naive.h reads, and no `structure`")

enum guide {
#define GUIDE_ENUM(id, name, meaning) GUIDE_##id,
    GUIDE_TABLE(GUIDE_ENUM)
#undef GUIDE_ENUM
        GUIDE_COUNT
};

struct guide_info {
    const char *name;
    const char *meaning;
};
extern const struct guide_info guide_table[GUIDE_COUNT];

/* Environment variable of the fuzz targets: guides to go without. */
#define GUIDE_VARIABLE "HAKMEM_WITHOUT"

/* Take away those that are named, with commas between them; NULL and "" take none. False, and all stay as they are,
 * when there is no guide of a name. */
bool guide_take_away(const char *names);
/* Whether that would work, and whether it would take this one. */
bool guide_names_are_good(const char *names);
bool guide_among(const char *names, enum guide guide);
bool guide_is_there(enum guide guide);

#endif
