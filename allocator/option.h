/* option: what a user can set from outside, as variables HAKMEM_*. One table: all else is made from it.
 *
 * Values are written once, before the first allocation, and only read from then on. Reading them from an environment is
 * total: whatever stands there, the result is valid, and nothing is allocated. Pure functions, any thread; hak_option
 * and hak_options_start are the doors to this process.
 *
 * To add an option, append a row to HAK_OPTION_TABLE, run test_docs with HAKMEM_DOCS_WRITE=1, and read it with
 * hak_option(ID). */
#ifndef HAKMEM_ALLOCATOR_OPTION_H
#define HAKMEM_ALLOCATOR_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/print.h"

/* Values are read when the process begins and stay; only the simulated world changes some in mid-run. What a thread has
 * set up by then stays as it is: a cache that THREAD_CACHE=0 left without room gets none later.
 *
 * X(id, default, minimum, maximum, kind, zero, meaning): HAKMEM_<id> is the variable.
 *
 * kind: SWITCH  0 or 1, also off, no, false, on, yes, true
 *       NUMBER  decimal
 *       KB, MB  decimal in that unit, or a size with suffix k, m or g that is a multiple of it
 * zero: PLAIN   a number like others
 *       AUTO    0, also spelled auto, is allowed below the minimum too: the allocator decides; else the value is pinned
 */
#define HAK_OPTION_TABLE(X)                                                                                            \
    X(VERBOSE, 0, 0, 2, NUMBER, PLAIN,                                                                                 \
      "1: at start, print the options in effect and name variables that are none; 2: a crash shows recent events too") \
    X(STATS, 0, 0, 2, NUMBER, PLAIN, "at exit, print statistics on standard error: 1 as text, 2 as one line of JSON")  \
    X(FAIL_FAST, 0, 0, 1, SWITCH, PLAIN,                                                                               \
      "a bad pointer ends the process with one line, and invariants are checked at their boundaries")                  \
    X(ACE, 1, 0, 1, SWITCH, PLAIN, "the controller tunes what is not pinned, from what it sees")                       \
    X(THREAD_CACHE, 1, 0, 1, SWITCH, PLAIN, "threads keep freed blocks for themselves")                                \
    X(CACHE_CAPACITY, 0, 16, 2048, NUMBER, AUTO, "blocks of a size class that a thread keeps; auto: follows use")      \
    X(CACHE_MAX_KB, 4096, 64, 1048576, KB, PLAIN, "what all caches of a thread together may grow to")                  \
    X(REMOTE_BATCH, 256, 1, 4096, NUMBER, PLAIN,                                                                       \
      "blocks of other threads that are sent home together; 1: each by itself")                                        \
    X(LAZY_CACHE, 1, 0, 1, SWITCH, PLAIN, "empty SuperSlabs wait for reuse before they go back to the system")         \
    X(SUPERSLAB_MAX_CACHED, 256, 0, 65536, NUMBER, PLAIN, "empty SuperSlabs that may wait")                            \
    X(SUPERSLAB_MAX_MEMORY_MB, 512, 0, 1048576, MB, PLAIN, "memory of the empty SuperSlabs that may wait")             \
    X(SUPERSLAB_TTL_SEC, 60, 0, 86400, NUMBER, PLAIN,                                                                  \
      "seconds that an empty SuperSlab, or region of page runs, waits at most")                                        \
    X(SUPERSLAB_CHUNK, 0, 1, 64, NUMBER, AUTO, "SuperSlabs reserved at once; auto: the controller decides")            \
    X(RUN_SHARDS, 0, 1, 64, NUMBER, AUTO, "regions of page runs that threads spread over; auto: follows contention")   \
    X(BIG_CACHE_MAX_COUNT, 1024, 0, 65536, NUMBER, PLAIN, "freed big mappings that may wait for reuse")                \
    X(BIG_CACHE_MAX_MEMORY_MB, 256, 0, 1048576, MB, PLAIN, "memory of the freed big mappings that may wait")           \
    X(BIG_CACHE_TTL_SEC, 10, 0, 86400, NUMBER, PLAIN, "seconds that a freed big mapping waits at most")                \
    X(HUGE_PAGES, 1, 0, 1, SWITCH, PLAIN, "mappings of 2 to 64 MiB ask for transparent huge pages")                    \
    X(PURGE_DELAY_MS, 0, 1, 3600000, NUMBER, AUTO,                                                                     \
      "milliseconds before free pages go back to the system; auto: the controller decides")                            \
    X(DIRTY_MAX_MB, 12, 0, 1048576, MB, PLAIN, "free memory kept whatever its age, beside as much as is live")         \
    X(RING, 1, 0, 1, SWITCH, PLAIN, "remember recent events for crash reports")

/* The one option that is a text. */
#define HAK_OPTION_STATS_FILE_MEANING "at exit, append statistics to this file, as one line of JSON"

enum hak_option_id {
#define HAK_OPTION_ENUM(id, initial, minimum, maximum, kind, zero, meaning) HAK_OPTION_##id,
    HAK_OPTION_TABLE(HAK_OPTION_ENUM)
#undef HAK_OPTION_ENUM
        HAK_OPTION_COUNT
};

enum hak_option_kind { HAK_KIND_SWITCH, HAK_KIND_NUMBER, HAK_KIND_KB, HAK_KIND_MB };
enum hak_option_zero { HAK_ZERO_PLAIN, HAK_ZERO_AUTO };
enum { HAK_OPTION_NAME_BYTES_MAX = 32, HAK_OPTION_PATH_BYTES_MAX = 1024 }; /* each with the 0 at its end */

struct hak_option_info {
    const char *name; /* without HAKMEM_ */
    const char *meaning;
    uint32_t initial;
    uint32_t minimum;
    uint32_t maximum;
    enum hak_option_kind kind;
    enum hak_option_zero zero;
};
extern const struct hak_option_info hak_option_table[HAK_OPTION_COUNT];

/* Part of the state root. All zero is not valid: hak_options_default comes first. */
struct hak_options {
    uint32_t value[HAK_OPTION_COUNT];
    /* HAKMEM_STATS_FILE, "" if unset. A copy: programs overwrite their environment. */
    char stats_file[HAK_OPTION_PATH_BYTES_MAX];
};

/* The value in effect: hak_option(RUN_SHARDS). Whoever uses it includes allocator/root.h. */
#define hak_option(id) (hak_root.options.value[HAK_OPTION_##id])

void hak_options_default(struct hak_options *options);

/* The defaults, and over them the HAKMEM_* variables of an array like environ: NULL, or "name=value" up to a NULL. Of a
 * name that is there twice the first counts, as with getenv. What is no value of its option is named on one line of
 * `complaints` and the default holds. With VERBOSE at 1 or more, names that are no option are named there too.
 * Complaints may be NULL. Post: valid, and nothing points into the environment. */
void hak_options_read(struct hak_options *options, char *const *environment, struct hak_print *complaints);

/* Read the variables of this process, unless it runs with more rights than its caller (set-user-ID): then the defaults
 * hold. Complaints, and with VERBOSE the table, go to standard error. Keeps errno. */
void hak_options_start(struct hak_options *options);

/* The option called so, without HAKMEM_; HAK_OPTION_COUNT if there is none. Not for STATS_FILE. */
enum hak_option_id hak_option_find(const char *name, size_t length);

/* What `text` means for this option. False, with *value as it was, if it is not one of its values. */
bool hak_option_parse(enum hak_option_id id, const char *text, size_t length, uint32_t *value);

/* Set one by its name. False, with nothing changed, when there is no such option or the text is not one of its values.
 */
bool hak_option_set(struct hak_options *options, const char *name, size_t name_length, const char *text,
                    size_t text_length);

/* Every value is one that could have been read. */
bool hak_options_is_valid(const struct hak_options *options);

/* The table in effect: variable, value, default, range, meaning; a star in front where the value is not the default. */
void hak_options_print(const struct hak_options *options, struct hak_print *print);

/* A value as the table shows it ("auto", "256"), and the range ("0..2", "auto, 16..2048"). */
void hak_option_print_value(enum hak_option_id id, uint32_t value, struct hak_print *print);
void hak_option_print_range(enum hak_option_id id, struct hak_print *print);

#endif
