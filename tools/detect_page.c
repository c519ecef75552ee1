/* detect_page: the page of tools/detect_page/, which the build turned into bytes, with the result as JSON in it. */
#include "tools/detect.h"
#include "tools/page.h"

/* Made of the files in tools/detect_page/ by cmake/embed.cmake. */
extern const char detect_page_html[], detect_page_css[], detect_page_curves[], detect_page_table[];

bool detect_page(const struct detect_result *result, FILE *out) {
    const struct page_part parts[] = {
        {"page.css", "style", detect_page_css},
        {"curves.js", "script", detect_page_curves},
        {"table.js", "script", detect_page_table},
    };
    return page_write(detect_page_html, parts, sizeof parts / sizeof parts[0], detect_json(result), out);
}
