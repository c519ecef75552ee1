/* preset: the two tables. */
#include "oracle/preset.h"

#define SET(id, value) "HAKMEM_" #id "=" #value
const struct preset_info preset_table[PRESET_COUNT] = {
#define PRESET_ROW(id, text, ...) [PRESET_##id] = {text, {__VA_ARGS__}},
    PRESET_TABLE(PRESET_ROW)
#undef PRESET_ROW
};

const struct choice_info choice_table[CHOICE_COUNT] = {
#define CHOICE_ROW(id, ...)                                                                                            \
    [CHOICE_##id] = {HAK_OPTION_##id, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), {__VA_ARGS__}},
    CHOICE_TABLE(CHOICE_ROW)
#undef CHOICE_ROW
};
