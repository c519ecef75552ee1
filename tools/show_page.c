/* show_page: one file with everything in it: the page of tools/show_page/, which the build turned into bytes, with the
 * tape as JSON in the middle. The page asks nobody for anything, and says so to the browser. */
#include <string.h>

#include "tools/show.h"

/* Made of the files in tools/show_page/ by cmake/embed.cmake. */
extern const char show_page_html[], show_page_css[], show_page_tape[], show_page_words[], show_page_pictures[],
    show_page_map[], show_page_lanes[], show_page_acts[];

/* What page.html asks for with <!--{NAME}-->, and the element that it becomes. */
static const struct part {
    const char *name, *element, *text;
} parts[] = {
    {"page.css", "style", show_page_css},    {"tape.js", "script", show_page_tape},
    {"words.js", "script", show_page_words}, {"pictures.js", "script", show_page_pictures},
    {"map.js", "script", show_page_map},     {"lanes.js", "script", show_page_lanes},
    {"acts.js", "script", show_page_acts},
};

/* In a script element nothing ends the text but '<', which JSON has in strings only; there it can be written otherwise.
 * The same for the two line ends that old readers of scripts stumble over. */
static void print_safely(const char *json, FILE *out) {
    for (; *json != '\0'; json++) {
        if (*json == '<' || *json == '>' || *json == '&') {
            fprintf(out, "\\u%04x", (unsigned char)*json);
        } else if (strncmp(json, "\xe2\x80\xa8", 3) == 0 || strncmp(json, "\xe2\x80\xa9", 3) == 0) {
            fprintf(out, "\\u20%02x", (unsigned char)json[2] - 0x80);
            json += 2;
        } else {
            fputc(*json, out);
        }
    }
}

static const struct part *find_part(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strlen(parts[i].name) == length && memcmp(parts[i].name, name, length) == 0) {
            return &parts[i];
        }
    }
    return NULL;
}

bool show_page(const struct showing *showing, FILE *out) {
    cJSON *object = show_json(showing, true);
    char *json = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    if (json == NULL) {
        return false;
    }
    const char *text = show_page_html;
    for (const char *mark; (mark = strstr(text, "<!--{")) != NULL; text = strstr(mark, "}-->") + 4) {
        fwrite(text, 1, (size_t)(mark - text), out);
        const char *name = mark + strlen("<!--{");
        const struct part *part = find_part(name, strcspn(name, "}"));
        if (part != NULL) {
            fprintf(out, "<%s>\n%s</%s>", part->element, part->text, part->element);
        } else {
            fputs("<script type=\"application/json\" id=\"tape\">", out);
            print_safely(json, out);
            fputs("</script>", out);
        }
    }
    fputs(text, out);
    cJSON_free(json);
    return true;
}
