/* json: see the header. An allocation failure inside libcjson drops a field; the process is out of memory then. */
#include "tools/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/input.h"

void json_text(cJSON *object, const char *key, const char *text) {
    static const char replacement[] = "\xef\xbf\xbd";
    char *clean = malloc(strlen(text) * (sizeof replacement - 1) + 1);
    if (clean == NULL) {
        return;
    }
    char *out = clean;
    while (*text != '\0') {
        size_t length = utf8_sequence_bytes(text);
        const char *from = length > 0 ? text : replacement;
        size_t bytes = length > 0 ? length : sizeof replacement - 1;
        memcpy(out, from, bytes);
        out += bytes;
        text += length > 0 ? length : 1;
    }
    *out = '\0';
    cJSON_AddStringToObject(object, key, clean);
    free(clean);
}

cJSON *json_begin(const char *verb_name) {
    cJSON *object = cJSON_CreateObject();
    json_text(object, "verb", verb_name);
    return object;
}

void json_number(cJSON *object, const char *key, double number) {
    cJSON_AddNumberToObject(object, key, number);
}

void json_bool(cJSON *object, const char *key, int value) {
    cJSON_AddBoolToObject(object, key, value);
}

void json_hash(cJSON *object, const char *key, uint64_t hash) {
    char text[19];
    snprintf(text, sizeof text, "0x%016" PRIx64, hash);
    json_text(object, key, text);
}

void json_verdict(cJSON *object, const struct verdict *verdict) {
    json_text(object, "check", check_table[verdict->check].id);
    json_text(object, "signature", verdict->signature);
    json_text(object, "message", verdict->message);
    json_number(object, "record", verdict->record);
    json_number(object, "operations", verdict->operations);
    json_hash(object, "trace_hash", verdict->trace_hash);
    json_number(object, "fault_reached", (double)verdict->fault_reached);
    json_number(object, "fault_triggered", (double)verdict->fault_triggered);
    json_bool(object, "fault_detected", verdict_detects_fault(verdict));
}

void json_print(cJSON *object) {
    char *text = cJSON_Print(object);
    if (text != NULL) {
        puts(text);
        cJSON_free(text);
    }
    cJSON_Delete(object);
}
