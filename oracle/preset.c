/* preset: the two tables, and how a set is applied. */
#include "oracle/preset.h"

#include <stdbool.h>

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

static void preset_read(struct hak_options *options, unsigned preset) {
    char said[256]; /* what it complains about is for its tests: here it must fit any buffer */
    struct hak_print complaints;
    hak_print_open_text(&complaints, said, sizeof said);
    hak_options_read(options, preset_table[preset].environment, &complaints);
    (void)hak_print_close(&complaints);
}

/* Reading a set takes longer than a short program: each is read once, when it is first needed. */
void preset_apply(struct hak_options *options, unsigned preset) {
    static struct hak_options sets[PRESET_COUNT];
    static bool is_read[PRESET_COUNT];
    if (!is_read[preset]) {
        preset_read(&sets[preset], preset);
        is_read[preset] = true;
    }
    *options = sets[preset];
}
