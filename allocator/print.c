/* print: see print.h. Everything ends in hak_print_bytes, which alone knows buffer, length and column. */
#include "allocator/print.h"

#include <stdbool.h>
#include <string.h>

#include "allocator/assert.h"
#include "allocator/os.h"

void hak_print_open(struct hak_print *print, char *buffer, size_t capacity, hak_print_sink *sink, void *context) {
    hak_assert(capacity != 0);
    *print = (struct hak_print){.buffer = buffer, .capacity = capacity, .sink = sink, .context = context};
}

static void write_file(void *context, const char *text, size_t length) {
    os_write((int)(intptr_t)context, text, length);
}

void hak_print_open_file(struct hak_print *print, char *buffer, size_t capacity, int file) {
    hak_print_open(print, buffer, capacity, write_file, (void *)(intptr_t)file);
}

void hak_print_open_text(struct hak_print *print, char *text, size_t capacity) {
    bool has_terminator = capacity != 0;
    *print = (struct hak_print){.buffer = has_terminator ? text : NULL, .capacity = capacity - has_terminator};
}

void hak_print_flush(struct hak_print *print) {
    if (print->sink != NULL && print->used != 0) {
        print->sink(print->context, print->buffer, print->used);
        print->used = 0;
    }
}

size_t hak_print_close(struct hak_print *print) {
    hak_print_flush(print);
    if (print->sink == NULL && print->buffer != NULL) {
        print->buffer[print->used] = '\0';
    }
    return print->length;
}

static void count(struct hak_print *print, const char *text, size_t length) {
    print->length += length;
    for (size_t i = length; i > 0; i--) {
        if (text[i - 1] == '\n') {
            print->column = length - i;
            return;
        }
    }
    print->column += length;
}

void hak_print_bytes(struct hak_print *print, const char *text, size_t length) {
    count(print, text, length);
    while (length > 0) {
        if (print->used == print->capacity) {
            hak_print_flush(print);
        }
        size_t room = print->capacity - print->used;
        size_t part = length < room ? length : room;
        if (part == 0) {
            return;
        }
        memcpy(print->buffer + print->used, text, part);
        print->used += part;
        text += part;
        length -= part;
    }
}

void hak_print_char(struct hak_print *print, char character) {
    hak_print_bytes(print, &character, 1);
}

void hak_print_string(struct hak_print *print, const char *string) {
    hak_print_bytes(print, string, strlen(string));
}

void hak_print_visible(struct hak_print *print, const char *text, size_t length, size_t length_max) {
    size_t shown = length < length_max ? length : length_max;
    for (size_t i = 0; i < shown; i++) {
        hak_print_char(print, text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    }
    if (shown < length) {
        hak_print_string(print, "...");
    }
}

/* ---- numbers ---- */

enum { DIGITS_MAX = 20 };

/* The digits stand at the end of the array. Returns how many there are, at least one. */
static size_t digits_of(uint64_t value, unsigned base, char digits[DIGITS_MAX]) {
    size_t used = 0;
    do {
        used++;
        digits[DIGITS_MAX - used] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    return used;
}

static void print_number(struct hak_print *print, uint64_t value, unsigned base) {
    char digits[DIGITS_MAX];
    size_t used = digits_of(value, base, digits);
    hak_print_bytes(print, digits + DIGITS_MAX - used, used);
}

void hak_print_u64(struct hak_print *print, uint64_t value) {
    print_number(print, value, 10);
}

void hak_print_hex(struct hak_print *print, uint64_t value) {
    hak_print_string(print, "0x");
    print_number(print, value, 16);
}

/* ---- columns ---- */

static void print_spaces(struct hak_print *print, size_t spaces) {
    for (size_t i = 0; i < spaces; i++) {
        hak_print_char(print, ' ');
    }
}

void hak_print_column(struct hak_print *print, size_t column) {
    if (print->column < column) {
        print_spaces(print, column - print->column);
    } else if (print->column != 0) {
        print_spaces(print, 1);
    }
}

void hak_print_u64_right(struct hak_print *print, uint64_t value, size_t width) {
    char digits[DIGITS_MAX];
    size_t used = digits_of(value, 10, digits);
    print_spaces(print, used < width ? width - used : 0);
    hak_print_bytes(print, digits + DIGITS_MAX - used, used);
}

/* ---- JSON ---- */

/* Length of the UTF-8 sequence at text[0], 0 if it is none: truncated, overlong, a surrogate, or beyond U+10FFFF. */
static size_t utf8_length(const unsigned char *text, size_t length) {
    unsigned char lead = text[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t expected = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length < expected) {
        return 0;
    }
    for (size_t i = 1; i < expected; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (lead == 0xe0 && text[1] < 0xa0) || (lead == 0xf0 && text[1] < 0x90);
    bool surrogate = lead == 0xed && text[1] > 0x9f;
    bool beyond = lead == 0xf4 && text[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : expected;
}

static void print_escaped(struct hak_print *print, char character) {
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = memchr(named, character, sizeof named - 1);
    if (found != NULL) {
        hak_print_char(print, '\\');
        hak_print_char(print, letters[found - named]);
    } else if ((unsigned char)character < 0x20) {
        hak_print_string(print, character < 0x10 ? "\\u000" : "\\u00");
        print_number(print, (unsigned char)character, 16);
    } else {
        hak_print_char(print, character);
    }
}

void hak_print_json(struct hak_print *print, const char *text, size_t length) {
    hak_print_char(print, '"');
    for (size_t i = 0; i < length;) {
        size_t sequence = utf8_length((const unsigned char *)text + i, length - i);
        if (sequence == 0) {
            hak_print_string(print, "\\ufffd");
        } else if (sequence == 1) {
            print_escaped(print, text[i]);
        } else {
            hak_print_bytes(print, text + i, sequence);
        }
        i += sequence + (sequence == 0);
    }
    hak_print_char(print, '"');
}
