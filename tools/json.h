/* json: what every --json output shares, over libcjson. 64-bit hashes are strings, as JSON numbers lose bits beyond
 * 2^53; text that is not UTF-8 (file names) has its bad bytes replaced. Single-threaded. */
#ifndef HAKMEM_TOOLS_JSON_H
#define HAKMEM_TOOLS_JSON_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "oracle/world.h"

/* An object with {"verb": name}. */
cJSON *json_begin(const char *verb_name);
void json_text(cJSON *object, const char *key, const char *text);
void json_number(cJSON *object, const char *key, double number);
void json_bool(cJSON *object, const char *key, int value);
void json_hash(cJSON *object, const char *key, uint64_t hash);
/* check, signature, message, record, operations, trace_hash, fault_reached, fault_triggered, fault_detected. */
void json_verdict(cJSON *object, const struct verdict *verdict);
/* Print to standard output and free. */
void json_print(cJSON *object);

#endif
