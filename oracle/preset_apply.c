/* preset_apply: how a set of options is applied. Apart from the tables, which the mutator needs without the allocator.
 */
#include <stdbool.h>

#include "oracle/preset.h"

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
