/* text_fixture: bytes to text and back, as the tests of the text form need it. Fails the running test when that fails.
 */
#ifndef HAKMEM_TESTS_TEXT_FIXTURE_H
#define HAKMEM_TESTS_TEXT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "oracle/text.h"

/* Text of bytes, to be freed. */
static inline char *disassembled(const uint8_t *bytes, size_t size_bytes, size_t *length) {
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    assert_non_null(out);
    assert_int_equal(text_disassemble(bytes, size_bytes, out), 0);
    fclose(out);
    return text;
}

/* Bytes of text, to be freed; the text must be right. */
static inline uint8_t *assembled(const char *text, size_t length, size_t *size_bytes) {
    struct text_error error;
    uint8_t *bytes = text_assemble(text, length, size_bytes, &error);
    if (!bytes)
        fail_msg("%u:%u: %s", error.line, error.column, error.message);
    return bytes;
}

static inline void assert_bytes_survive(const uint8_t *bytes, size_t size_bytes) {
    size_t length, again_bytes;
    char *text = disassembled(bytes, size_bytes, &length);
    uint8_t *again = assembled(text, length, &again_bytes);
    assert_int_equal(again_bytes, size_bytes);
    if (size_bytes > 0)
        assert_memory_equal(again, bytes, size_bytes);
    assert_true(text_looks_like((const uint8_t *)text, length));
    free(again);
    free(text);
}

#endif
