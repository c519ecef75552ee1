/* page: a page that needs nothing but its own file: HTML in which the build's styles and scripts stand, and data as
 * JSON. The page asks nobody for anything, and says so to the browser. Single-threaded. */
#ifndef HAKMEM_TOOLS_PAGE_H
#define HAKMEM_TOOLS_PAGE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

/* What the HTML asks for with <!--{NAME}-->, and the element that it becomes. */
struct page_part {
    const char *name, *element, *text;
};

/* Write the HTML with its parts; any other name it asks for becomes the data, in a script element with that name as id.
 * Frees `data`. False when there was no memory for its text. */
bool page_write(const char *html, const struct page_part *parts, size_t count, cJSON *data, FILE *out);

#endif
