/* component option: what a user can set from outside, beside a parser that is written another way.
 *
 * Slots are entries of an environment, in their order; an empty slot is none. A request writes an entry over what the
 * slot held; its boundary's number picks the option (the one behind the last is HAKMEM_STATS_FILE), its distance how
 * far the value is from one of the option's bounds.
 *
 *   malloc, malloc_many s3 SIZE      its smallest value, plus the distance; n entries, each one more
 *   realloc s3 SIZE                  its largest value, plus the distance
 *   calloc, reallocarray s3 .. n=N   its default plus the distance, spelled in the Nth way
 *   *align* s3 SIZE align=A          an option's name with a letter changed, dropped or doubled, at a place and in a
 *                                    way that the exponent says, once or (odd A) twice
 *   usable s3                        HAKMEM_VERBOSE=1: unknown names are complained of
 *   write, verify s3                 the entry loses its first character; its '='
 *   free, free_*sized s3; free_many  the slot is empty
 *   trim; check                      all is read, without complaints; with them. So is it at the end.
 *
 * Compared: every value, the file's name, the complaints to the letter, and hak_option_set for the entry of the slot.
 */
#include "allocator/option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/run.h"

enum { ENTRY_BYTES = 96, SAID_BYTES = 32768, OPTIONS = HAK_OPTION_COUNT + 1, SHOWN_BYTES = 48 };

static struct {
    char entries[PROGRAM_SLOTS_MAX][ENTRY_BYTES]; /* "" where there is none */
    struct hak_options options;                   /* what the parser came to */
    struct hak_options expected;
    char said[SAID_BYTES];
    char expected_said[SAID_BYTES];
    size_t expected_length;
} state;

static const char *name_of(unsigned option) {
    return option == HAK_OPTION_COUNT ? "STATS_FILE" : hak_option_table[option].name;
}

/* --- the model: what a text means, by strtoull --- */

static bool word_means(const char *text, const char *const *words, uint32_t *value) {
    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2;
            return true;
        }
    }
    return false;
}

/* How many bytes the unit of an option has: 0 where a suffix is not allowed. */
static uint64_t unit_bytes(const struct hak_option_info *info) {
    return info->kind == HAK_KIND_KB ? 1024 : info->kind == HAK_KIND_MB ? 1024 * 1024 : 0;
}

static bool number_means(const struct hak_option_info *info, const char *text, uint64_t *value) {
    static const char suffixes[] = "kmg";
    char *end;
    if (*text < '0' || *text > '9') { /* strtoull takes blanks and signs */
        return false;
    }
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || number > UINT32_MAX) {
        return false;
    }
    *value = number;
    if (*end == '\0') {
        return true;
    }
    const char *suffix = strchr(suffixes, *end);
    uint64_t unit = unit_bytes(info);
    if (suffix == NULL || end[1] != '\0' || unit == 0) {
        return false;
    }
    uint64_t bytes = number;
    for (const char *i = suffixes; i <= suffix; i++) {
        bytes *= 1024;
    }
    *value = bytes / unit;
    return bytes % unit == 0;
}

static bool text_means(unsigned option, const char *original, uint32_t *value) {
    static const char *const switches[] = {"off", "on", "no", "yes", "false", "true", NULL};
    static const char *const automatic[] = {"auto", NULL};
    const struct hak_option_info *info = &hak_option_table[option];
    char text[ENTRY_BYTES];
    uint64_t number;
    for (size_t i = 0; i == 0 || original[i - 1] != '\0'; i++) {
        text[i] = (char)(original[i] >= 'A' && original[i] <= 'Z' ? original[i] + 32 : original[i]);
    }
    if ((info->kind == HAK_KIND_SWITCH && word_means(text, switches, value)) ||
        (info->zero == HAK_ZERO_AUTO && word_means(text, automatic, value))) {
        return true;
    }
    if (!number_means(info, text, &number)) {
        return false;
    }
    if (!(info->zero == HAK_ZERO_AUTO && number == 0) && (number < info->minimum || number > info->maximum)) {
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

/* --- the model: what is said --- */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof state.expected_said - state.expected_length;
    int length = vsnprintf(state.expected_said + state.expected_length, room, format, arguments);
    va_end(arguments);
    state.expected_length += length > 0 && (size_t)length < room ? (size_t)length : 0;
}

static void say_visible(const char *text, size_t length) {
    for (size_t i = 0; i < length && i < SHOWN_BYTES; i++) {
        say("%c", text[i] < 32 || text[i] > 126 ? '?' : text[i]);
    }
    say("%s", length > SHOWN_BYTES ? "..." : "");
}

static void say_bad_value(unsigned option, const char *text) {
    const struct hak_option_info *info = &hak_option_table[option];
    static const char *const kinds[] = {[HAK_KIND_SWITCH] = "on or off or a number from",
                                        [HAK_KIND_NUMBER] = "a number from",
                                        [HAK_KIND_KB] = "a number of KB from",
                                        [HAK_KIND_MB] = "a number of MB from"};
    bool is_auto = info->zero == HAK_ZERO_AUTO;
    say("hakmem: HAKMEM_%s='", info->name);
    say_visible(text, strlen(text));
    say("' is not %s %u to %u; using ", is_auto ? "auto or a number from" : kinds[info->kind], info->minimum,
        info->maximum);
    say(is_auto && info->initial == 0 ? "auto\n" : "%u\n", info->initial);
}

/* Letters to change, by trying all three ways where they differ, within a limit. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length, unsigned limit) {
    while (a_length > 0 && b_length > 0 && (*a | 32) == (*b | 32)) {
        a++, a_length--, b++, b_length--;
    }
    if (a_length == 0 || b_length == 0) {
        return (unsigned)(a_length + b_length);
    }
    if (limit == 0) {
        return 1;
    }
    unsigned changed = distance(a + 1, a_length - 1, b + 1, b_length - 1, limit - 1);
    unsigned dropped = distance(a + 1, a_length - 1, b, b_length, limit - 1);
    unsigned added = distance(a, a_length, b + 1, b_length - 1, limit - 1);
    unsigned least = changed < dropped ? changed : dropped;
    return 1 + (least < added ? least : added);
}

static void say_unknown(const char *name, size_t length) {
    const char *nearest = NULL;
    unsigned least = 3;
    for (unsigned i = 0; i < OPTIONS && nearest == NULL && length > 2; i++) {
        bool begins_so = strncasecmp(name, name_of(i), length) == 0;
        nearest = begins_so ? name_of(i) : NULL;
    }
    for (unsigned i = nearest == NULL ? 0 : OPTIONS; i < OPTIONS; i++) {
        unsigned letters = distance(name, length, name_of(i), strlen(name_of(i)), 3);
        if (letters < least && letters < length) {
            least = letters;
            nearest = name_of(i);
        }
    }
    say("hakmem: HAKMEM_");
    say_visible(name, length);
    say(" is not an option");
    if (nearest != NULL) {
        say("; did you mean HAKMEM_%s?", nearest);
    }
    say("\n");
}

/* --- the model: what an environment holds --- */

/* The length of the name behind HAKMEM_, or -1 when the entry is not one of ours. */
static int name_length(const char *entry) {
    const char *sign = strchr(entry, '=');
    return strncmp(entry, "HAKMEM_", 7) == 0 && sign != NULL && sign >= entry + 7 ? (int)(sign - entry - 7) : -1;
}

static bool is_named(const char *entry, const char *name, size_t length) {
    return name_length(entry) == (int)length && strncmp(entry + 7, name, length) == 0;
}

/* Where a name first stands, or -1. */
static int first_of(char *const *environment, const char *name, size_t length) {
    for (int i = 0; environment[i] != NULL; i++) {
        if (is_named(environment[i], name, length)) {
            return i;
        }
    }
    return -1;
}

static unsigned option_named(const char *name, size_t length) {
    unsigned option = 0;
    while (option < OPTIONS && (strlen(name_of(option)) != length || strncmp(name_of(option), name, length) != 0)) {
        option++;
    }
    return option;
}

static void model_read(char *const *environment) {
    state.expected_length = 0;
    state.expected_said[0] = '\0';
    memset(&state.expected, 0, sizeof state.expected);
    for (unsigned option = 0; option < HAK_OPTION_COUNT; option++) {
        state.expected.value[option] = hak_option_table[option].initial;
    }
    for (int i = 0; environment[i] != NULL; i++) { /* complaints come in the order of entries */
        int length = name_length(environment[i]);
        unsigned option = length < 0 ? OPTIONS : option_named(environment[i] + 7, (size_t)length);
        if (option == OPTIONS || first_of(environment, environment[i] + 7, (size_t)length) != i) {
            continue;
        }
        const char *text = environment[i] + 7 + length + 1;
        if (option == HAK_OPTION_COUNT) {
            snprintf(state.expected.stats_file, sizeof state.expected.stats_file, "%s", text);
        } else if (*text != '\0' && !text_means(option, text, &state.expected.value[option])) {
            say_bad_value(option, text);
        }
    }
    for (int i = 0; environment[i] != NULL && state.expected.value[HAK_OPTION_VERBOSE] > 0; i++) {
        int length = name_length(environment[i]);
        if (length >= 0 && option_named(environment[i] + 7, (size_t)length) == OPTIONS &&
            first_of(environment, environment[i] + 7, (size_t)length) == i) {
            say_unknown(environment[i] + 7, (size_t)length);
        }
    }
}

/* --- comparing --- */

static void compare_said(void) {
    size_t same = 0;
    while (state.said[same] != '\0' && state.said[same] == state.expected_said[same]) {
        same++;
    }
    if (state.said[same] != state.expected_said[same]) {
        while (same > 0 && state.said[same - 1] != '\n') {
            same--;
        }
        finding_raise(CHECK_MODEL, NULL, "a complaint: '%.*s', by the model '%.*s'",
                      (int)strcspn(state.said + same, "\n"), state.said + same,
                      (int)strcspn(state.expected_said + same, "\n"), state.expected_said + same);
    }
}

static void read_all(bool aloud) {
    char *environment[PROGRAM_SLOTS_MAX + 1];
    unsigned count = 0;
    for (unsigned slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        if (state.entries[slot][0] != '\0') {
            environment[count++] = state.entries[slot];
        }
    }
    environment[count] = NULL;
    model_read(environment);
    struct hak_print print;
    memset(&state.options, 0xa5, sizeof state.options);
    hak_print_open_text(&print, state.said, sizeof state.said);
    hak_options_read(&state.options, environment, aloud ? &print : NULL);
    (void)hak_print_close(&print);
    for (unsigned option = 0; option < HAK_OPTION_COUNT; option++) {
        run_trace(state.options.value[option]);
        component_compare(hak_option_table[option].name, state.options.value[option], state.expected.value[option]);
    }
    component_compare("options that were read are valid", hak_options_is_valid(&state.options), true);
    component_compare("the file's name differs", strcmp(state.options.stats_file, state.expected.stats_file) != 0, 0);
    if (aloud) {
        compare_said();
    }
}

/* The same text, set by itself: not ended by a 0. */
static void compare_set(uint8_t slot) {
    const char *entry = state.entries[slot];
    int length = name_length(entry);
    if (length < 0) {
        return;
    }
    const char *text = entry + 7 + length + 1;
    char copy[ENTRY_BYTES + 1];
    size_t text_length = strlen(text);
    memcpy(copy, text, text_length);
    copy[text_length] = '7';
    unsigned option = option_named(entry + 7, (size_t)length);
    hak_options_default(&state.options);
    uint32_t value = option < HAK_OPTION_COUNT ? hak_option_table[option].initial : 0;
    bool is_value = option < HAK_OPTION_COUNT && text_means(option, text, &value);
    component_compare("setting one option",
                      hak_option_set(&state.options, entry + 7, (size_t)length, copy, text_length), is_value);
    if (option < HAK_OPTION_COUNT) {
        component_compare(hak_option_table[option].name, state.options.value[option], value);
    }
    run_trace(value);
}

/* --- entries --- */

static unsigned option_of_record(void) {
    return run.now->record.boundary % OPTIONS;
}

/* Decimal, of a bound of the option plus a distance; below 0 as it would be in 32 bits, or with a sign. */
static void number_write(char *text, uint32_t bound, int64_t more) {
    int64_t value = (int64_t)bound + more;
    snprintf(text, ENTRY_BYTES / 2, "%lld", (long long)value);
}

static const char *const spellings[] = {"%s",   "%sk",  "%sm",     "%sg", "%sK",  "%sM",        "%sG",
                                        "0%s",  "+%s",  "-%s",     " %s", "%s ",  "%st",        "0x%s",
                                        "on",   "off",  "yes",     "no",  "true", "false",      "auto",
                                        "ON",   "Off",  "AUTO",    "",    "aut",  "autom",      "%s%s%s",
                                        "%skb", "%s.0", "%s00000", "k",   "%s\t", "4294967296", "18446744073709551617",
                                        "%s%%"};
enum { SPELLINGS = sizeof spellings / sizeof spellings[0] };

/* The `way` in place of each %s: what is spelled. */
static void spell(char *text, unsigned way, const char *number) {
    size_t at = 0;
    for (const char *from = spellings[way]; *from != '\0'; from++) {
        if (from[0] == '%' && from[1] == 's') {
            at += (size_t)snprintf(text + at, ENTRY_BYTES / 2 - at, "%s", number);
            from++;
        } else {
            text[at++] = *from;
        }
    }
    text[at] = '\0';
}

static void entry_set(uint8_t slot, const char *name, const char *text) {
    run.now->applied = true;
    run.now->slot = slot;
    snprintf(state.entries[slot], ENTRY_BYTES, "HAKMEM_%.40s=%.47s", name, text);
    run_trace(strlen(state.entries[slot]));
    compare_set(slot);
}

/* A bound of the option of the record plus its distance, spelled in some way. */
static void entry_make(uint8_t slot, bool from_maximum, int64_t more, unsigned way) {
    unsigned option = option_of_record();
    const struct hak_option_info *info = &hak_option_table[option % HAK_OPTION_COUNT];
    char number[ENTRY_BYTES / 2], text[2 * ENTRY_BYTES];
    uint32_t bound = way != 0 ? info->initial : from_maximum ? info->maximum : info->minimum;
    number_write(number, bound, run.now->record.distance + more);
    spell(text, way, number);
    entry_set(slot, name_of(option), text);
}

static void entry_make_next(uint8_t slot) {
    entry_make(slot, false, (slot - run.now->record.slot) & 63, 0);
}

/* A name that is nearly one. */
static void entry_misname(uint8_t slot) {
    char name[ENTRY_BYTES / 2];
    unsigned at = run.now->record.align_exponent;
    snprintf(name, sizeof name - 2, "%s", name_of(option_of_record()));
    for (unsigned edits = run.now->record.align_odd ? 2 : 1; edits > 0; edits--, at = at * 5 + 3) {
        size_t length = strlen(name);
        char *place = length == 0 ? name : name + at / 4 % length;
        switch (length == 0 ? 1 : at % 4) {
        case 0:
            memmove(place, place + 1, strlen(place)); /* with the 0 at its end */
            break;
        case 1:
            memmove(place + 1, place, strlen(place) + 1);
            break;
        case 2:
            *place = 'X';
            break;
        default:
            *place = (char)(*place ^ 32); /* the other case */
        }
    }
    entry_set(slot, name, "1");
}

/* An entry loses what makes it one of ours, or one at all. */
static void entry_damage(uint8_t slot, char *place) {
    if (state.entries[slot][0] != '\0' && place != NULL) {
        run.now->applied = true;
        memmove(place, place + 1, strlen(place));
        run_trace(strlen(state.entries[slot]));
        compare_set(slot);
    }
}

static void entry_clear(uint8_t slot) {
    run.now->applied = run.now->applied || state.entries[slot][0] != '\0';
    state.entries[slot][0] = '\0';
}

/* --- records --- */

static void begin(void) {
    for (unsigned slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        state.entries[slot][0] = '\0';
    }
}

static void record(void) {
    uint8_t slot = run.now->record.slot;
    switch (run.now->record.op) {
    case OP_MALLOC:
        entry_make(slot, false, 0, 0);
        break;
    case OP_REALLOC:
        entry_make(slot, true, 0, 0);
        break;
    case OP_CALLOC:
    case OP_REALLOCARRAY:
        /* the generator's counts are small: the slot brings in more */
        entry_make(slot, false, 0, (run.now->record.argument + 5U * slot) % SPELLINGS);
        break;
    case OP_MALLOC_MANY:
        component_each_slot(entry_make_next);
        break;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        entry_misname(slot);
        break;
    case OP_USABLE:
        entry_set(slot, "VERBOSE", "1");
        break;
    case OP_WRITE:
        entry_damage(slot, state.entries[slot]);
        break;
    case OP_VERIFY:
        entry_damage(slot, strchr(state.entries[slot], '='));
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        entry_clear(slot);
        break;
    case OP_FREE_MANY:
        component_each_slot(entry_clear);
        break;
    case OP_TRIM:
    case OP_CHECK:
        run.now->applied = true;
        read_all(run.now->record.op == OP_CHECK);
        break;
    default:
        break;
    }
}

static void final(void) {
    read_all(true);
}

const struct component component_option = {.begin = begin, .record = record, .final = final};
