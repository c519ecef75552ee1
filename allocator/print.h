/* print: text without stdio and without allocation.
 *
 * A hak_print collects characters in a buffer of the caller. It has one of two ends: a sink, which is handed the buffer
 * whenever it is full and at the close, or none, where the buffer is the result as with snprintf: what does not fit is
 * counted and dropped. What is put never depends on the size of the buffer.
 *
 * No state of its own: a hak_print and its buffer belong to whoever opened them, one thread at a time. Nothing here
 * fails, allocates, or changes errno. */
#ifndef HAKMEM_ALLOCATOR_PRINT_H
#define HAKMEM_ALLOCATOR_PRINT_H

#include <stddef.h>
#include <stdint.h>

/* Takes `length` characters (at least one); they are not terminated, and gone after the call. It must not print to the
 * hak_print it serves. */
typedef void hak_print_sink(void *context, const char *text, size_t length);

struct hak_print {
    char *buffer;
    size_t capacity; /* characters that fit, without a terminator */
    size_t used;
    size_t length;        /* characters put since the open, dropped ones too */
    size_t column;        /* characters put since the last newline */
    hak_print_sink *sink; /* NULL: the buffer is the result */
    void *context;
};

/* Print to a sink. Pre: capacity is not 0. A line is handed over whole when it is closed or flushed before the buffer
 * is full. */
void hak_print_open(struct hak_print *print, char *buffer, size_t capacity, hak_print_sink *sink, void *context);

/* Print to a file descriptor with os_write. Pre: capacity is not 0. */
void hak_print_open_file(struct hak_print *print, char *buffer, size_t capacity, int file);

/* Print into `text`, of which the last character is kept for the terminator. Pre: capacity is 0, or text is not NULL.
 */
void hak_print_open_text(struct hak_print *print, char *text, size_t capacity);

/* Hand what was collected to the sink; nothing where there is none. */
void hak_print_flush(struct hak_print *print);

/* Flush to the sink, or terminate the text. Returns the characters put, without terminator: the text is whole if that
 * is less than its capacity. May be called again; no more may be put. */
size_t hak_print_close(struct hak_print *print);

void hak_print_char(struct hak_print *print, char character);
void hak_print_string(struct hak_print *print, const char *string);
void hak_print_bytes(struct hak_print *print, const char *text, size_t length);

/* Somebody else's text on a line of ours: what is not printable ASCII as '?', more than length_max as "...". */
void hak_print_visible(struct hak_print *print, const char *text, size_t length, size_t length_max);

void hak_print_u64(struct hak_print *print, uint64_t value);
/* "0x" and lower case digits, no leading zeros. */
void hak_print_hex(struct hak_print *print, uint64_t value);

/* Spaces up to a column, 0 being the first; at least one if the line is there already or beyond, so that words never
 * touch. */
void hak_print_column(struct hak_print *print, size_t column);
/* A number at the right end of `width` columns; all of it if that is more. */
void hak_print_u64_right(struct hak_print *print, uint64_t value, size_t width);

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that the line is always valid JSON. */
void hak_print_json(struct hak_print *print, const char *text, size_t length);

#endif
