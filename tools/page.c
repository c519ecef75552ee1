/* page: see the header. */
#include "tools/page.h"

#include <string.h>

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

static const struct page_part *find_part(const struct page_part *parts, size_t count, const char *name, size_t length) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(parts[i].name) == length && memcmp(parts[i].name, name, length) == 0) {
            return &parts[i];
        }
    }
    return NULL;
}

bool page_write(const char *html, const struct page_part *parts, size_t count, cJSON *data, FILE *out) {
    char *json = cJSON_PrintUnformatted(data);
    cJSON_Delete(data);
    if (json == NULL) {
        return false;
    }
    for (const char *mark; (mark = strstr(html, "<!--{")) != NULL; html = strstr(mark, "}-->") + 4) {
        fwrite(html, 1, (size_t)(mark - html), out);
        const char *name = mark + strlen("<!--{");
        size_t length = strcspn(name, "}");
        const struct page_part *part = find_part(parts, count, name, length);
        if (part != NULL) {
            fprintf(out, "<%s>\n%s</%s>", part->element, part->text, part->element);
        } else {
            fprintf(out, "<script type=\"application/json\" id=\"%.*s\">", (int)length, name);
            print_safely(json, out);
            fputs("</script>", out);
        }
    }
    fputs(html, out);
    cJSON_free(json);
    return true;
}
