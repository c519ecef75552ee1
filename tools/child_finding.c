/* child_finding: reads the one machine-readable line of a fuzz target, "hakmem-finding: {json}". */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/check.h"
#include "tools/child.h"

/* What follows the marker at the beginning of a line, NULL if there is no such line. The last one wins: engines may
 * print their input, which could hold the marker, before it. */
static const char *last_line(const char *output, const char *marker) {
    const char *found = NULL;
    size_t length = strlen(marker);
    for (const char *next = output; (next = strstr(next, marker)) != NULL; next += length) {
        if (next == output || next[-1] == '\n') {
            found = next + length;
        }
    }
    return found;
}

static void copy_string(const cJSON *object, const char *key, char *buffer, size_t capacity) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    snprintf(buffer, capacity, "%s", text != NULL ? text : "");
}

/* Hashes are strings, hex digits. */
static uint64_t read_hash(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? strtoull(text, NULL, 16) : 0;
}

static uint32_t read_number(const cJSON *object, const char *key) {
    double number = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return number >= 0 && number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* NUL bytes in the output would hide what follows them from string functions. */
static char *without_nul(const struct child *child) {
    char *copy = malloc(child->output_bytes + 1);
    if (copy != NULL) {
        for (size_t i = 0; i < child->output_bytes; i++) {
            copy[i] = child->output[i] != '\0' ? child->output[i] : '.';
        }
        copy[child->output_bytes] = '\0';
    }
    return copy;
}

bool child_find(const struct child *child, struct child_finding *finding) {
    char *output = child->output != NULL ? without_nul(child) : NULL;
    const char *line = output != NULL ? last_line(output, "hakmem-finding: ") : NULL;
    cJSON *object = line != NULL ? cJSON_ParseWithOpts(line, NULL, 0) : NULL;
    free(output);
    if (object == NULL) {
        return false;
    }
    copy_string(object, "check", finding->check, sizeof finding->check);
    copy_string(object, "signature", finding->signature, sizeof finding->signature);
    finding->trace_hash = read_hash(object, "trace_hash");
    finding->record = read_number(object, "record");
    finding->operations = read_number(object, "operations");
    cJSON_Delete(object);
    return finding->check[0] != '\0';
}

bool child_find_sanitizer(const struct child *child, struct child_finding *finding) {
    char *output = child->output != NULL ? without_nul(child) : NULL;
    const char *line = output != NULL ? last_line(output, "SUMMARY: ") : NULL;
    const char *word = line != NULL ? strstr(line, "Sanitizer") : NULL;
    bool found = word != NULL && (size_t)(word - line) < strcspn(line, "\n");
    if (found) {
        const char *id = check_table[CHECK_CRASH].id;
        snprintf(finding->check, sizeof finding->check, "%s", id);
        int used = snprintf(finding->signature, sizeof finding->signature, "%s/", id);
        size_t at = used > 0 ? (size_t)used : 0;
        /* Words apart from paths and addresses. */
        for (bool first = true; *line != '\0' && *line != '\n'; first = false) {
            size_t length = strcspn(line, " \n");
            if (memchr(line, '/', length) == NULL && *line != '(' && at < sizeof finding->signature) {
                snprintf(finding->signature + at, sizeof finding->signature - at, "%s%.*s", first ? "" : " ",
                         (int)length, line);
                at += strlen(finding->signature + at);
            }
            line += length;
            line += strspn(line, " ");
        }
        finding->trace_hash = 0;
        finding->record = finding->operations = 0;
    }
    free(output);
    return found;
}

bool child_is_fuzz_target(const struct child *child) {
    char *output = child->output != NULL ? without_nul(child) : NULL;
    bool found =
        output != NULL && (last_line(output, "hakmem-totals: ") != NULL || strstr(output, " replayed, ") != NULL);
    free(output);
    return found;
}
