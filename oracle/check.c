/* check: the table of everything the oracle can find, as data. */
#include "oracle/check.h"

#include <stdint.h>

#include "allocator/class.h"

const struct check_info check_table[CHECK_COUNT] = {[CHECK_NONE] = {"none", "Nothing was found.", ""},
#define CHECK_ROW(name, id, meaning, look_for) [CHECK_##name] = {id, meaning, look_for},
                                                    CHECK_TABLE(CHECK_ROW)
#undef CHECK_ROW
};

const char *check_size_bucket(size_t bytes) {
    static const struct {
        size_t limit_bytes;
        const char *name;
    } buckets[] = {{0, "0"},          {8, "1-8"},          {128, "9-128"},       {HAK_TINY_MAX_BYTES, "129-1k"},
                   {32768, "1k-32k"}, {1048576, "32k-1m"}, {SIZE_MAX, "over-1m"}};
    unsigned i = 0;
    while (bytes > buckets[i].limit_bytes) {
        i++;
    }
    return buckets[i].name;
}
