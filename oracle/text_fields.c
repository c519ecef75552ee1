/* text_fields: see the header. */
#include "oracle/text_fields.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "oracle/preset.h"

static const char *op_name(unsigned i) {
    return program_op_info[i].name;
}
const struct name_list text_ops = {"operation", op_name, OP_COUNT};

bool text_take_word(struct text_reader *in, struct word *word, const char *what) {
    return text_next_word(in, word) || text_fail(in, word, "expected %s", what);
}

enum { KNOWN_BYTES = 300 };

/* " (known: a, b)" with all names, or nothing when they are too many to help. */
static void known_names(const struct name_list *list, char known[KNOWN_BYTES]) {
    size_t length = 0;
    for (unsigned i = 0; i < list->count && length < KNOWN_BYTES; i++) {
        length +=
            (size_t)snprintf(known + length, KNOWN_BYTES - length, i == 0 ? " (known: %s" : ", %s", list->name(i));
    }
    if (length + sizeof ")" <= KNOWN_BYTES) {
        memcpy(known + length, ")", sizeof ")");
    } else {
        known[0] = '\0';
    }
}

bool text_find(struct text_reader *in, const struct word *word, const struct name_list *list, unsigned *index) {
    unsigned nearest = 0, nearest_distance = UINT_MAX;
    for (unsigned i = 0; i < list->count; i++) {
        if (word_is(word, list->name(i))) {
            *index = i;
            return true;
        }
        unsigned distance = word_distance(word, list->name(i));
        if (distance < nearest_distance) {
            nearest = i;
            nearest_distance = distance;
        }
    }
    char quote[QUOTE_BYTES];
    word_quote(word, quote);
    if (nearest_distance <= 1 + word->length / 4)
        return text_fail(in, word, "unknown %s \"%s\" (did you mean \"%s\"?)", list->what, quote, list->name(nearest));
    char known[KNOWN_BYTES];
    known_names(list, known);
    return text_fail(in, word, "unknown %s \"%s\"%s", list->what, quote, known);
}

bool text_take_number(struct text_reader *in, const char *what, unsigned maximum, unsigned *number) {
    struct word word;
    char quote[QUOTE_BYTES];
    uint64_t value;
    if (!text_take_word(in, &word, what))
        return false;
    if (!word_number(&word, maximum, &value))
        return text_fail(in, &word, "%s must be from 0 to %u, not \"%s\"", what, maximum, word_quote(&word, quote));
    *number = (unsigned)value;
    return true;
}

/* The part behind "key=" of the next word. */
static bool take_key(struct text_reader *in, const char *key, struct word *value) {
    struct word word;
    char quote[QUOTE_BYTES];
    size_t length = strlen(key);
    if (!text_next_word(in, &word))
        return text_fail(in, &word, "expected \"%s=\"", key);
    if (!word_starts(&word, key) || word.length == length || word.at[length] != '=')
        return text_fail(in, &word, "expected \"%s=\", found \"%s\"", key, word_quote(&word, quote));
    *value = word_after(&word, length + 1);
    return true;
}

bool text_take_keyed(struct text_reader *in, const char *key, unsigned maximum, unsigned *number) {
    struct word word;
    char quote[QUOTE_BYTES];
    uint64_t value;
    if (!take_key(in, key, &word))
        return false;
    if (!word_number(&word, maximum, &value))
        return text_fail(in, &word, "%s must be from 0 to %u, not \"%s\"", key, maximum, word_quote(&word, quote));
    *number = (unsigned)value;
    return true;
}

bool text_take_slot(struct text_reader *in, uint8_t slot_count, uint8_t *slot) {
    struct word word;
    char quote[QUOTE_BYTES];
    uint64_t value;
    if (!text_take_word(in, &word, "a slot such as s0"))
        return false;
    struct word digits = word_starts(&word, "s") ? word_after(&word, 1) : (struct word){0};
    if (!word_number(&digits, UINT64_MAX, &value))
        return text_fail(in, &word, "expected a slot such as s0, found \"%s\"", word_quote(&word, quote));
    if (value >= slot_count)
        return text_fail(in, &word, "slot %s is beyond s%d%s", word_quote(&word, quote), slot_count - 1,
                         value < PROGRAM_SLOTS_MAX ? " (the header line \"slots\" sets how many there are)" : "");
    *slot = (uint8_t)value;
    return true;
}

/* "+1" or "-128" */
static bool parse_distance(struct text_reader *in, const struct word *word, int8_t *distance) {
    bool negative = word->at[0] == '-';
    struct word digits = word_after(word, 1);
    uint64_t value;
    char quote[QUOTE_BYTES];
    if (!word_number(&digits, negative ? 128 : 127, &value))
        return text_fail(in, word, "a distance must be from -128 to +127, not \"%s\"", word_quote(word, quote));
    *distance = (int8_t)(negative ? -(int)value : (int)value);
    return true;
}

/* Where the distance of a size word starts: its length if it has none. Names are tried first, because they may hold a
 * '-' themselves. */
static size_t split_size(const struct word *word, unsigned *boundary) {
    for (unsigned i = 0; i < BOUNDARY_COUNT; i++) {
        size_t length = strlen(program_boundaries[i].name);
        if (!word_starts(word, program_boundaries[i].name))
            continue;
        if (length == word->length || word->at[length] == '+' || word->at[length] == '-') {
            *boundary = i;
            return length;
        }
    }
    size_t length = 0;
    while (length < word->length && word->at[length] != '+' && word->at[length] != '-')
        length++;
    *boundary = BOUNDARY_COUNT;
    return length;
}

static unsigned boundary_of_value(size_t value_bytes) {
    unsigned i = 0;
    while (i < BOUNDARY_COUNT && program_boundaries[i].value_bytes != value_bytes)
        i++;
    return i;
}

/* A size that names no boundary: the nearest boundary and what is missing to it, if one is near enough. */
static bool express_size(struct text_reader *in, const struct word *word, size_t size_bytes, struct record *record) {
    unsigned below = 0, above = boundary_of_value(SIZE_MAX);
    for (unsigned i = 0; i < BOUNDARY_COUNT; i++) {
        size_t value = program_boundaries[i].value_bytes;
        if (value <= size_bytes && value > program_boundaries[below].value_bytes)
            below = i;
        if (value >= size_bytes && value < program_boundaries[above].value_bytes)
            above = i;
    }
    const struct boundary *low = &program_boundaries[below], *high = &program_boundaries[above];
    size_t over = size_bytes - low->value_bytes, under = high->value_bytes - size_bytes;
    if (over > 127 && under > 128)
        return text_fail(in, word, "size %zu cannot be expressed: the nearest are %s+127 (%zu) and %s-128 (%zu)",
                         size_bytes, low->name, low->value_bytes + 127, high->name, high->value_bytes - 128);
    bool from_below = over <= 127 && over <= under;
    record->boundary = (uint8_t)(from_below ? below : above);
    record->distance = (int8_t)(from_below ? (int)over : -(int)under);
    return true;
}

bool text_take_size(struct text_reader *in, struct record *record) {
    struct word word;
    char quote[QUOTE_BYTES];
    unsigned boundary;
    if (!text_take_word(in, &word, "a size such as 96, 96+1 or max-1"))
        return false;
    size_t length = split_size(&word, &boundary);
    struct word distance = word_after(&word, length);
    if (boundary == BOUNDARY_COUNT) {
        struct word number = {word.at, length, word.column};
        uint64_t value;
        if (!word_size(&number, &value))
            return text_fail(in, &word, "expected a size such as 96, 96+1 or max-1, found \"%s\"",
                             word_quote(&word, quote));
        boundary = boundary_of_value(value);
        if (boundary == BOUNDARY_COUNT && distance.length == 0)
            return express_size(in, &word, value, record);
        if (boundary == BOUNDARY_COUNT)
            return text_fail(in, &word, "%" PRIu64 " is no boundary to measure from: write the sum, it will be split",
                             value);
    }
    record->boundary = (uint8_t)boundary;
    record->distance = 0;
    return distance.length == 0 || parse_distance(in, &distance, &record->distance);
}

static const char *option_name(unsigned i) {
    return hak_option_table[choice_table[i].option].name;
}
static const struct name_list options = {"option", option_name, CHOICE_COUNT};

/* "0, 1 or 16" */
static void list_values(const struct choice_info *info, char *buffer, size_t capacity) {
    size_t used = 0;
    for (uint32_t i = 0; i < info->value_count && used < capacity; i++) {
        const char *separator = i + 1 == info->value_count ? "" : i + 2 == info->value_count ? " or " : ", ";
        int printed = snprintf(buffer + used, capacity - used, "%" PRIu32 "%s", info->values[i], separator);
        used += printed > 0 ? (size_t)printed : 0;
    }
}

bool text_take_option(struct text_reader *in, struct record *record) {
    struct word word;
    char quote[QUOTE_BYTES];
    unsigned choice = 0;
    if (!text_take_word(in, &word, "an option such as LAZY_CACHE=0"))
        return false;
    const char *sign = memchr(word.at, '=', word.length);
    if (sign == NULL)
        return text_fail(in, &word, "expected an option such as LAZY_CACHE=0, found \"%s\"", word_quote(&word, quote));
    struct word name = {word.at, (size_t)(sign - word.at), word.column};
    struct word digits = word_after(&word, name.length + 1);
    if (!text_find(in, &name, &options, &choice))
        return false;
    const struct choice_info *info = &choice_table[choice];
    uint64_t number;
    for (uint32_t i = 0; word_number(&digits, UINT32_MAX, &number) && i < info->value_count; i++) {
        if (info->values[i] == number) {
            record->argument = record_option_argument(choice, i);
            return true;
        }
    }
    char values[40];
    list_values(info, values, sizeof values);
    return text_fail(in, &digits, "%s must be %s, not \"%s\"", option_name(choice), values, word_quote(&digits, quote));
}

/* The exponent of a power of two up to 2^31; 32 for anything else. */
static unsigned exponent_of(uint64_t value) {
    unsigned exponent = 0;
    while (exponent < 32 && UINT64_C(1) << exponent != value)
        exponent++;
    return exponent;
}

bool text_take_align(struct text_reader *in, struct record *record) {
    struct word word;
    char quote[QUOTE_BYTES];
    uint64_t value;
    if (!take_key(in, "align", &word))
        return false;
    const char *plus = word.length > 0 ? memchr(word.at, '+', word.length) : NULL;
    struct word base = {word.at, plus ? (size_t)(plus - word.at) : word.length, word.column};
    struct word rest = word_after(&word, base.length);
    unsigned exponent = word_size(&base, &value) ? exponent_of(value) : 32;
    bool odd = plus != NULL;
    if (exponent == 32 && !plus && word_size(&base, &value)) {
        exponent = exponent_of(value - 1);
        odd = true;
    }
    if (exponent == 32 || (plus && !word_is(&rest, "+1")))
        return text_fail(in, &word, "align must be a power of two up to 2147483648, or one and \"+1\", not \"%s\"",
                         word_quote(&word, quote));
    record->align_exponent = (uint8_t)exponent;
    record->align_odd = odd;
    return true;
}
