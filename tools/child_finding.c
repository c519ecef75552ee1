/* child_finding: reads the one machine-readable line of a fuzz target, "hakmem-finding: {json}". */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/child.h"

static const char marker[] = "hakmem-finding: ";

/* The last line wins: engines may print their input, which could hold the marker, before it. */
static const char *last_line(const char *output) {
    const char *found = NULL;
    for (const char *next = output; (next = strstr(next, marker)) != NULL; next += sizeof marker - 1) {
        if (next == output || next[-1] == '\n') {
            found = next + sizeof marker - 1;
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
    const char *line = output != NULL ? last_line(output) : NULL;
    cJSON *object = line != NULL ? cJSON_ParseWithOpts(line, NULL, 0) : NULL;
    free(output);
    if (object == NULL) {
        return false;
    }
    copy_string(object, "check", finding->check, sizeof finding->check);
    copy_string(object, "signature", finding->signature, sizeof finding->signature);
    finding->trace_hash = read_hash(object, "trace");
    cJSON_Delete(object);
    return finding->check[0] != '\0';
}
