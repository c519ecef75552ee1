/* text_words: see the header. The only code that looks at single characters of the text form. */
#include "oracle/text_words.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

void text_open(struct text_reader *reader, const char *text, size_t length, struct text_error *error) {
    if (length == 0)
        text = "";
    /* Editors of other systems put it there; the first column is behind it. */
    size_t mark = text_mark_bytes((const uint8_t *)text, length);
    text += mark;
    length -= mark;
    *reader = (struct text_reader){
        .next = text, .end = text + length, .line_start = text, .line_end = text, .line = 0, .error = error};
    *error = (struct text_error){0};
}

bool text_next_line(struct text_reader *reader) {
    if (reader->line > 0) {
        const char *newline = memchr(reader->next, '\n', (size_t)(reader->end - reader->next));
        reader->next = newline ? newline + 1 : reader->end;
    }
    if (reader->next == reader->end)
        return false;
    reader->line++;
    reader->line_start = reader->next;
    const char *end = memchr(reader->next, '\n', (size_t)(reader->end - reader->next));
    reader->line_end = end ? end : reader->end;
    const char *comment = memchr(reader->next, '#', (size_t)(reader->line_end - reader->next));
    if (comment)
        reader->line_end = comment;
    return true;
}

bool text_next_word(struct text_reader *reader, struct word *word) {
    const char *at = reader->next;
    while (at < reader->line_end && is_blank(*at))
        at++;
    const char *end = at;
    while (end < reader->line_end && !is_blank(*end))
        end++;
    /* At the end of a line the place to point at is right behind the last word, not behind trailing blanks. */
    const char *place = end > at ? at : reader->next;
    *word = (struct word){at, (size_t)(end - at), (unsigned)(place - reader->line_start) + 1};
    if (end > at)
        reader->next = end;
    return end > at;
}

bool text_fail(struct text_reader *reader, const struct word *word, const char *format, ...) {
    if (reader->failed)
        return false;
    reader->failed = true;
    reader->error->line = reader->line > 0 ? reader->line : 1;
    reader->error->column = word->column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->error->message, sizeof reader->error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool word_is(const struct word *word, const char *literal) {
    return strlen(literal) == word->length && memcmp(word->at, literal, word->length) == 0;
}

bool word_starts(const struct word *word, const char *prefix) {
    size_t length = strlen(prefix);
    return length <= word->length && memcmp(word->at, prefix, length) == 0;
}

struct word word_after(const struct word *word, size_t length) {
    return (struct word){word->at + length, word->length - length, word->column + (unsigned)length};
}

bool word_number(const struct word *word, uint64_t maximum, uint64_t *value) {
    uint64_t sum = 0;
    for (size_t i = 0; i < word->length; i++) {
        if (word->at[i] < '0' || word->at[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(word->at[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return word->length > 0 && sum <= maximum;
}

bool word_size(const struct word *word, uint64_t *value) {
    static const char suffixes[] = "kmgt";
    if (word->length == 0)
        return false;
    const char *suffix = memchr(suffixes, word->at[word->length - 1], sizeof suffixes - 1);
    if (!suffix)
        return word_number(word, UINT64_MAX, value);
    unsigned shift = 10 * ((unsigned)(suffix - suffixes) + 1);
    struct word digits = {word->at, word->length - 1, word->column};
    if (!word_number(&digits, UINT64_MAX >> shift, value))
        return false;
    *value <<= shift;
    return true;
}

static int hex_digit(char c) {
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *found = lower ? memchr(digits, lower, sizeof digits - 1) : NULL;
    return found ? (int)(found - digits) : -1;
}

bool text_hex(struct text_reader *reader, uint8_t *bytes, size_t capacity, size_t *count) {
    struct word word;
    *count = 0;
    while (text_next_word(reader, &word)) {
        for (size_t i = 0; i < word.length; i += 2) {
            struct word pair = word_after(&word, i);
            int high = hex_digit(pair.at[0]), low = pair.length > 1 ? hex_digit(pair.at[1]) : -1;
            if (high < 0 || low < 0) {
                char quote[QUOTE_BYTES];
                if (pair.length > 2)
                    pair.length = 2;
                return text_fail(reader, &pair, "expected pairs of hex digits, found \"%s\"", word_quote(&pair, quote));
            }
            if (*count == capacity)
                return text_fail(reader, &pair, "too many bytes: at most %zu can stand here", capacity);
            bytes[(*count)++] = (uint8_t)(high << 4 | low);
        }
    }
    return true;
}

const char *word_quote(const struct word *word, char buffer[QUOTE_BYTES]) {
    static const char hex[] = "0123456789abcdef";
    enum { ESCAPE_BYTES = 4, DOTS_BYTES = 4 }; /* "\x00" and "..." with its NUL */
    size_t used = 0;
    for (size_t i = 0; i < word->length; i++) {
        if (used + ESCAPE_BYTES + DOTS_BYTES > QUOTE_BYTES || i == 32) {
            memcpy(buffer + used, "...", 3);
            used += 3;
            break;
        }
        unsigned char c = (unsigned char)word->at[i];
        if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
            buffer[used++] = (char)c;
        } else {
            buffer[used++] = '\\';
            buffer[used++] = 'x';
            buffer[used++] = hex[c >> 4];
            buffer[used++] = hex[c & 15];
        }
    }
    buffer[used] = '\0';
    return buffer;
}

unsigned word_distance(const struct word *word, const char *name) {
    enum { LENGTH_MAX = 24 };
    size_t length = strlen(name);
    if (word->length > LENGTH_MAX || length > LENGTH_MAX)
        return UINT_MAX;
    unsigned row[LENGTH_MAX + 1];
    for (unsigned j = 0; j <= length; j++)
        row[j] = j;
    for (unsigned i = 1; i <= word->length; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= length; j++) {
            unsigned best = diagonal + (word->at[i - 1] != name[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[length];
}
