/* check: the table of everything the oracle can find, as data. */
#include "oracle/check.h"

const struct check_info check_table[CHECK_COUNT] = {[CHECK_NONE] = {"none", "Nothing was found.", ""},
#define CHECK_ROW(name, id, meaning, look_for) [CHECK_##name] = {id, meaning, look_for},
                                                    CHECK_TABLE(CHECK_ROW)
#undef CHECK_ROW
};
