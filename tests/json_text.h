/* json_text: JSON, enough of it to tell what is none, and to find a value by its path: objects, strings, numbers from 0
 * up, true and false, without spaces between them. For tests that cannot have a library that allocates. No state. */
#ifndef HAKMEM_TESTS_JSON_TEXT_H
#define HAKMEM_TESTS_JSON_TEXT_H

#include <ctype.h>

#include "tests/test_real.h"

static inline const char *json_value(const char *at);

static inline const char *json_string(const char *at) {
    if (at == NULL || *at++ != '"') {
        return NULL;
    }
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20 || (*at == '\\' && strchr("\"\\/bfnrtu", *++at) == NULL)) {
            return NULL; /* the end of the text too */
        }
    }
    return at + 1;
}

static inline const char *json_object(const char *at) {
    if (at[1] == '}') {
        return at + 2;
    }
    do {
        at = json_string(at + 1);
        at = at != NULL && *at == ':' ? json_value(at + 1) : NULL;
    } while (at != NULL && *at == ',');
    return at != NULL && *at == '}' ? at + 1 : NULL;
}

/* Behind the value, or NULL if there is none. Arrays, signs and fractions are not used. */
static inline const char *json_value(const char *at) {
    if (*at == '{') {
        return json_object(at);
    }
    if (*at == '"') {
        return json_string(at);
    }
    if (strncmp(at, "true", 4) == 0 || strncmp(at, "false", 5) == 0) {
        return at + (*at == 't' ? 4 : 5);
    }
    size_t digits = strspn(at, "0123456789");
    return digits == 0 || (*at == '0' && digits > 1) ? NULL : at + digits;
}

static inline bool is_json(const char *at) {
    at = *at == '{' ? json_value(at) : NULL;
    return at != NULL && *at == '\0';
}

/* The value of a key in an object that is well-formed, or NULL; and whether the key is there once. */
static inline const char *json_member(const char *object, const char *key) {
    const char *found = NULL;
    size_t length = strlen(key);
    for (const char *at = object; *at != '}' && at[1] != '}';) {
        const char *name = at + 2;
        const char *value = json_string(at + 1) + 1;
        if (strncmp(name, key, length) == 0 && name[length] == '"') {
            require(found == NULL);
            found = value;
        }
        at = json_value(value);
    }
    require(found != NULL);
    return found;
}

static inline uint64_t json_number(const char *object, const char *key) {
    const char *value = json_member(object, key);
    require(isdigit((unsigned char)*value));
    return strtoull(value, NULL, 10);
}

#endif
