/* option: see option.h. In three parts: what a text means, what an environment holds, and how both are shown. */
#include "allocator/option.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "allocator/fault.h"

const struct hak_option_info hak_option_table[HAK_OPTION_COUNT] = {
#define HAK_OPTION_ROW(id, initial, minimum, maximum, kind, zero, meaning)                                             \
    [HAK_OPTION_##id] = {#id, meaning, initial, minimum, maximum, HAK_KIND_##kind, HAK_ZERO_##zero},
    HAK_OPTION_TABLE(HAK_OPTION_ROW)
#undef HAK_OPTION_ROW
};

#define HAK_OPTION_ASSERT(id, initial, minimum, maximum, kind, zero, meaning)                                          \
    _Static_assert((minimum) <= (maximum), #id " has an empty range");                                                 \
    _Static_assert(((initial) >= (minimum) && (initial) <= (maximum)) || (HAK_ZERO_##zero && (initial) == 0),          \
                   "the default of " #id " is out of its range");                                                      \
    _Static_assert(!HAK_ZERO_##zero || (minimum) > 0, "0 is already a value of " #id);                                 \
    _Static_assert(HAK_KIND_##kind != HAK_KIND_SWITCH || ((minimum) == 0 && (maximum) == 1), #id " is no switch");     \
    _Static_assert(sizeof #id <= HAK_OPTION_NAME_BYTES_MAX, #id " is too long a name");
HAK_OPTION_TABLE(HAK_OPTION_ASSERT)
#undef HAK_OPTION_ASSERT

static const char prefix[] = "HAKMEM_";
static const char stats_file[] = "STATS_FILE";
enum { PREFIX_LENGTH = sizeof prefix - 1, SHOWN_LENGTH_MAX = 48 };

static bool in_range(const struct hak_option_info *info, uint64_t value) {
    return (value >= info->minimum && value <= info->maximum) || (info->zero == HAK_ZERO_AUTO && value == 0);
}

void hak_options_default(struct hak_options *options) {
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        options->value[i] = hak_option_table[i].initial;
    }
    options->stats_file[0] = '\0';
}

bool hak_options_is_valid(const struct hak_options *options) {
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        if (!in_range(&hak_option_table[i], options->value[i])) {
            return false;
        }
    }
    return memchr(options->stats_file, '\0', sizeof options->stats_file) != NULL;
}

/* ---- what a text means ---- */

static bool equals(const char *text, size_t length, const char *string) {
    return length == strlen(string) && memcmp(text, string, length) == 0;
}

/* Not with ctype.h: what is a letter must not depend on the locale. */
static char lower(char character) {
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

static bool is_word(const char *text, size_t length, const char *word) {
    size_t i = 0;
    while (i < length && word[i] != '\0' && lower(text[i]) == word[i]) {
        i++;
    }
    return i == length && word[i] == '\0';
}

static bool parse_word(const struct hak_option_info *info, const char *text, size_t length, uint32_t *value) {
    static const char words[][2][6] = {{"off", "on"}, {"no", "yes"}, {"false", "true"}};
    if (info->zero == HAK_ZERO_AUTO && is_word(text, length, "auto")) {
        *value = 0;
        return true;
    }
    for (unsigned i = 0; info->kind == HAK_KIND_SWITCH && i < sizeof words / sizeof words[0]; i++) {
        for (uint32_t j = 0; j < 2; j++) {
            if (is_word(text, length, words[i][j])) {
                *value = j;
                return true;
            }
        }
    }
    return false;
}

static unsigned unit_shift(enum hak_option_kind kind) {
    return kind == HAK_KIND_KB ? 10 : kind == HAK_KIND_MB ? 20 : 0;
}

/* Digits, and with the kinds KB and MB perhaps a suffix. No value needs more than 32 bits, so that shifted by a suffix
 * it still fits into 64. */
static bool parse_number(const struct hak_option_info *info, const char *text, size_t length, uint64_t *value) {
    uint64_t number = 0;
    size_t i = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
        number = 10 * number + (uint64_t)(text[i] - '0');
        if (number > UINT32_MAX) {
            return false;
        }
    }
    unsigned unit = unit_shift(info->kind);
    unsigned shift = unit;
    if (i > 0 && i < length && unit != 0) {
        char suffix = lower(text[i++]);
        shift = suffix == 'k' ? 10 : suffix == 'm' ? 20 : suffix == 'g' ? 30 : 0;
    }
    uint64_t scaled = number << shift;
    bool is_whole = (scaled >> unit) << unit == scaled;
    if (i == 0 || i < length || (unit != 0 && shift == 0) || (!is_whole && !HAK_FAULT(OPTION_UNIT_TRUNCATES))) {
        return false;
    }
    *value = scaled >> unit;
    return true;
}

bool hak_option_parse(enum hak_option_id id, const char *text, size_t length, uint32_t *value) {
    const struct hak_option_info *info = &hak_option_table[id];
    uint64_t number;
    if (parse_word(info, text, length, value)) {
        return true;
    }
    if (!parse_number(info, text, length, &number) || !in_range(info, number)) {
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

enum hak_option_id hak_option_find(const char *name, size_t length) {
    unsigned i = 0;
    while (i < HAK_OPTION_COUNT && !equals(name, length, hak_option_table[i].name)) {
        i++;
    }
    return (enum hak_option_id)i;
}

bool hak_option_set(struct hak_options *options, const char *name, size_t name_length, const char *text,
                    size_t text_length) {
    enum hak_option_id id = hak_option_find(name, name_length);
    return id != HAK_OPTION_COUNT && hak_option_parse(id, text, text_length, &options->value[id]);
}

/* ---- what an environment holds ---- */

struct variable {
    const char *name; /* behind HAKMEM_ */
    size_t name_length;
    const char *text; /* behind the '=' */
};

/* False when the entry is not one of ours. */
static bool variable_of(const char *entry, struct variable *variable) {
    const char *equal_sign = strchr(entry, '=');
    if (equal_sign == NULL || strncmp(entry, prefix, PREFIX_LENGTH) != 0) {
        return false;
    }
    *variable = (struct variable){.name = entry + PREFIX_LENGTH, .text = equal_sign + 1};
    variable->name_length = (size_t)(equal_sign - variable->name);
    return true;
}

static void complain_value(enum hak_option_id id, const char *text, struct hak_print *complaints) {
    const struct hak_option_info *info = &hak_option_table[id];
    hak_print_string(complaints, "hakmem: HAKMEM_");
    hak_print_string(complaints, info->name);
    hak_print_string(complaints, "='");
    hak_print_visible(complaints, text, strlen(text), SHOWN_LENGTH_MAX);
    hak_print_string(complaints, info->zero == HAK_ZERO_AUTO     ? "' is not auto or a number from "
                                 : info->kind == HAK_KIND_SWITCH ? "' is not on or off or a number from "
                                 : info->kind == HAK_KIND_KB     ? "' is not a number of KB from "
                                 : info->kind == HAK_KIND_MB     ? "' is not a number of MB from "
                                                                 : "' is not a number from ");
    hak_print_u64(complaints, info->minimum);
    hak_print_string(complaints, " to ");
    hak_print_u64(complaints, info->maximum);
    hak_print_string(complaints, "; using ");
    hak_option_print_value(id, info->initial, complaints);
    hak_print_char(complaints, '\n');
}

/* Letters to change, add or leave out between two names, whatever their case. */
static unsigned edit_distance(const char *name, size_t length, const char *known) {
    unsigned row[HAK_OPTION_NAME_BYTES_MAX];
    size_t known_length = strlen(known);
    for (size_t j = 0; j <= known_length; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= length; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= known_length; j++) {
            unsigned changed = diagonal + (lower(name[i - 1]) != lower(known[j - 1]));
            unsigned skipped = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = changed < skipped ? changed : skipped;
        }
    }
    return row[known_length];
}

static const char *known_name(unsigned i) {
    return i < HAK_OPTION_COUNT ? hak_option_table[i].name : stats_file;
}

/* The first option whose name begins so, whatever the case, NULL when none does or too little is there to tell. */
static const char *completed(const char *name, size_t length) {
    enum { TELLING = 3 };
    for (unsigned i = 0; length >= TELLING && i <= HAK_OPTION_COUNT; i++) {
        size_t same = 0;
        while (same < length && lower(name[same]) == lower(known_name(i)[same])) {
            same++;
        }
        if (same == length) {
            return known_name(i);
        }
    }
    return NULL;
}

/* The option whose name is closest, NULL when none is close. */
static const char *nearest(const char *name, size_t length) {
    enum { CLOSE = 2 };
    const char *best = NULL;
    unsigned best_distance = CLOSE + 1;
    if (length >= HAK_OPTION_NAME_BYTES_MAX + CLOSE) {
        return NULL;
    }
    for (unsigned i = 0; i <= HAK_OPTION_COUNT; i++) {
        const char *known = known_name(i);
        unsigned distance = edit_distance(name, length, known);
        if (distance < best_distance && distance < length) {
            best = known;
            best_distance = distance;
        }
    }
    return best;
}

static void complain_unknown(const struct variable *variable, struct hak_print *complaints) {
    const char *known = completed(variable->name, variable->name_length);
    known = known != NULL ? known : nearest(variable->name, variable->name_length);
    hak_print_string(complaints, "hakmem: HAKMEM_");
    hak_print_visible(complaints, variable->name, variable->name_length, SHOWN_LENGTH_MAX);
    hak_print_string(complaints, " is not an option");
    if (known != NULL) {
        hak_print_string(complaints, "; did you mean HAKMEM_");
        hak_print_string(complaints, known);
        hak_print_char(complaints, '?');
    }
    hak_print_char(complaints, '\n');
}

static bool is_first_of_its_name(char *const *environment, size_t index, const struct variable *variable) {
    struct variable other;
    for (size_t i = 0; i < index; i++) {
        if (variable_of(environment[i], &other) && other.name_length == variable->name_length &&
            memcmp(other.name, variable->name, other.name_length) == 0) {
            return false;
        }
    }
    return true;
}

static void complain_unknowns(char *const *environment, struct hak_print *complaints) {
    struct variable variable;
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (variable_of(environment[i], &variable) && !equals(variable.name, variable.name_length, stats_file) &&
            hak_option_find(variable.name, variable.name_length) == HAK_OPTION_COUNT &&
            is_first_of_its_name(environment, i, &variable)) {
            complain_unknown(&variable, complaints);
        }
    }
}

static void read_stats_file(struct hak_options *options, const char *path, struct hak_print *complaints) {
    size_t length = strlen(path);
    if (length < sizeof options->stats_file) {
        memcpy(options->stats_file, path, length + 1);
    } else if (complaints != NULL) {
        hak_print_string(complaints, "hakmem: HAKMEM_STATS_FILE='");
        hak_print_visible(complaints, path, length, SHOWN_LENGTH_MAX);
        hak_print_string(complaints, "' is longer than ");
        hak_print_u64(complaints, sizeof options->stats_file - 1);
        hak_print_string(complaints, " bytes; no file is written\n");
    }
}

void hak_options_read(struct hak_options *options, char *const *environment, struct hak_print *complaints) {
    bool seen[HAK_OPTION_COUNT + 1] = {false}; /* the last one is STATS_FILE */
    hak_options_default(options);
    if (environment == NULL) {
        return;
    }
    for (size_t i = 0; environment[i] != NULL; i++) {
        struct variable variable;
        if (!variable_of(environment[i], &variable)) {
            continue;
        }
        enum hak_option_id id = hak_option_find(variable.name, variable.name_length);
        bool is_file = equals(variable.name, variable.name_length, stats_file);
        if ((id == HAK_OPTION_COUNT && !is_file) || seen[id]) {
            continue;
        }
        seen[id] = true;
        if (is_file) {
            read_stats_file(options, variable.text, complaints);
        } else if (*variable.text != '\0' &&
                   !hak_option_parse(id, variable.text, strlen(variable.text), &options->value[id]) &&
                   complaints != NULL) {
            complain_value(id, variable.text, complaints);
        }
    }
    if (options->value[HAK_OPTION_VERBOSE] >= 1 && complaints != NULL) {
        complain_unknowns(environment, complaints);
    }
}

void hak_options_start(struct hak_options *options) {
    char buffer[4096];
    struct hak_print print;
    int saved_errno = errno;
    hak_print_open_file(&print, buffer, sizeof buffer, STDERR_FILENO);
    hak_options_read(options, getauxval(AT_SECURE) == 0 ? environ : NULL, &print);
    if (options->value[HAK_OPTION_VERBOSE] >= 1) {
        hak_options_print(options, &print);
    }
    hak_print_close(&print);
    errno = saved_errno;
}

/* ---- how they are shown ---- */

void hak_option_print_value(enum hak_option_id id, uint32_t value, struct hak_print *print) {
    if (hak_option_table[id].zero == HAK_ZERO_AUTO && value == 0) {
        hak_print_string(print, "auto");
    } else {
        hak_print_u64(print, value);
    }
}

void hak_option_print_range(enum hak_option_id id, struct hak_print *print) {
    const struct hak_option_info *info = &hak_option_table[id];
    hak_print_string(print, info->zero == HAK_ZERO_AUTO ? "auto, " : "");
    hak_print_u64(print, info->minimum);
    hak_print_string(print, "..");
    hak_print_u64(print, info->maximum);
}

enum { COLUMN_VALUE = 34, COLUMN_DEFAULT = 43, COLUMN_RANGE = 52, COLUMN_MEANING = 70 };

static void print_name(const char *name, bool differs, struct hak_print *print) {
    hak_print_string(print, differs ? "* HAKMEM_" : "  HAKMEM_");
    hak_print_string(print, name);
    hak_print_column(print, COLUMN_VALUE);
}

static void print_meaning(const char *meaning, struct hak_print *print) {
    hak_print_column(print, COLUMN_MEANING);
    hak_print_string(print, meaning);
    hak_print_char(print, '\n');
}

static void print_heading(struct hak_print *print) {
    hak_print_string(print, "hakmem: options (* is not the default)\n  variable");
    hak_print_column(print, COLUMN_VALUE);
    hak_print_string(print, "value");
    hak_print_column(print, COLUMN_DEFAULT);
    hak_print_string(print, "default");
    hak_print_column(print, COLUMN_RANGE);
    hak_print_string(print, "range");
    print_meaning("meaning", print);
}

void hak_options_print(const struct hak_options *options, struct hak_print *print) {
    print_heading(print);
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        enum hak_option_id id = (enum hak_option_id)i;
        print_name(hak_option_table[i].name, options->value[i] != hak_option_table[i].initial, print);
        hak_option_print_value(id, options->value[i], print);
        hak_print_column(print, COLUMN_DEFAULT);
        hak_option_print_value(id, hak_option_table[i].initial, print);
        hak_print_column(print, COLUMN_RANGE);
        hak_option_print_range(id, print);
        print_meaning(hak_option_table[i].meaning, print);
    }
    const char *file = options->stats_file;
    print_name(stats_file, *file != '\0', print);
    hak_print_visible(print, *file == '\0' ? "-" : file, *file == '\0' ? 1 : strlen(file), SHOWN_LENGTH_MAX);
    hak_print_column(print, COLUMN_DEFAULT);
    hak_print_char(print, '-');
    hak_print_column(print, COLUMN_RANGE);
    hak_print_string(print, "a file");
    print_meaning(HAK_OPTION_STATS_FILE_MEANING, print);
}
