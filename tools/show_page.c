/* show_page: the page of tools/show_page/, which the build turned into bytes, with the tape as JSON in the middle. */
#include "tools/page.h"
#include "tools/show.h"

/* Made of the files in tools/show_page/ by cmake/embed.cmake. */
extern const char show_page_html[], show_page_css[], show_page_tape[], show_page_words[], show_page_pictures[],
    show_page_map[], show_page_lanes[], show_page_acts[];

bool show_page(const struct showing *showing, FILE *out) {
    const struct page_part parts[] = {
        {"page.css", "style", show_page_css},    {"tape.js", "script", show_page_tape},
        {"words.js", "script", show_page_words}, {"pictures.js", "script", show_page_pictures},
        {"map.js", "script", show_page_map},     {"lanes.js", "script", show_page_lanes},
        {"acts.js", "script", show_page_acts},
    };
    return page_write(show_page_html, parts, sizeof parts / sizeof parts[0], show_json(showing, true), out);
}
