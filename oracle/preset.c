/* preset: the two tables, and how a set is applied. */
#include "oracle/preset.h"

/* clang-format off */
#define SET(id, value) {HAK_OPTION_##id, (value)}
#define SETTINGS(...) sizeof((const struct preset_setting[]){__VA_ARGS__}) / sizeof(struct preset_setting)
const struct preset_info preset_table[PRESET_COUNT] = {
#define PRESET_ROW(id, text, ...) [PRESET_##id] = {text, SETTINGS(__VA_ARGS__), {__VA_ARGS__}},
    PRESET_TABLE(PRESET_ROW)
#undef PRESET_ROW
};
/* clang-format on */

const struct choice_info choice_table[CHOICE_COUNT] = {
#define CHOICE_ROW(id, ...)                                                                                            \
    [CHOICE_##id] = {HAK_OPTION_##id, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), {__VA_ARGS__}},
    CHOICE_TABLE(CHOICE_ROW)
#undef CHOICE_ROW
};

void preset_apply(struct hak_options *options, unsigned preset) {
    const struct preset_info *info = &preset_table[preset];
    hak_options_default(options);
    for (uint32_t i = 0; i < info->setting_count; i++) {
        options->value[info->settings[i].option] = info->settings[i].value;
    }
}
