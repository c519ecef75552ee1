/* describe_words: what shells complete with. What an option's value is follows from the word that --help has for it
 * (TARGET, FAULT, DIR, OUT, ...), what arguments are from the synopsis. */
#include <string.h>

#include "oracle/fault.h"
#include "oracle/guide.h"
#include "oracle/real.h"
#include "oracle/target.h"
#include "tools/describe.h"
#include "tools/detect.h"
#include "tools/measure.h"

static const char *target_word(unsigned i) {
    return i < TARGET_COUNT ? target_table[i].name : NULL;
}

static const char *fault_word(unsigned i) {
    return i < HAK_FAULT_COUNT ? fault_table[i].name : NULL;
}

static const char *guide_word(unsigned i) {
    return i < GUIDE_COUNT ? guide_table[i].name : NULL;
}

static const char *order_word(unsigned i) {
    return i < REAL_ORDER_COUNT ? real_order_names[i] : NULL;
}

static const char *metric_word(unsigned i) {
    return i < METRIC_COUNT ? metric_table[i].name : NULL;
}

static const char *malloc_word(unsigned i) {
    static const char *const words[] = {"hakmem", "libc"};
    return i < sizeof words / sizeof words[0] ? words[i] : NULL;
}

static const char *shell_word(unsigned i) {
    return describe_shells[i].name;
}

const struct describe_kind describe_kinds[] = {
    {"TARGET", "targets", target_word, false, false},
    {"FAULT", "faults", fault_word, false, false},
    {"ENGINE", "engines", detect_engine_name, false, false},
    {"GUIDE", "guides", guide_word, false, false},
    {"ORDER", "orders", order_word, false, false},
    {"METRIC", "metrics", metric_word, false, false},
    {"LIB", "mallocs", malloc_word, true, false},
    {"SHELL", "shells", shell_word, false, false},
    {"FILE", "files", NULL, true, false},
    {"OUT", "files", NULL, true, false},
    {"BINARY", "files", NULL, true, false},
    {"RECORDING", "files", NULL, true, false},
    {"COMMAND", "files", NULL, true, false},
    {"BYTES", "files", NULL, true, false},
    {"DIR", "folders", NULL, false, true},
    {"", "none", NULL, false, false},
    {NULL, NULL, NULL, false, false},
};

static const struct describe_kind *find(const char *value) {
    const struct describe_kind *kind = describe_kinds;
    while (*kind->value != '\0' && strcmp(kind->value, value) != 0) {
        kind++;
    }
    return kind;
}

const struct describe_kind *describe_kind_of(const struct poptOption *option) {
    return find(option->argDescrip);
}

const struct describe_kind *describe_arguments(const struct verb_help *help) {
    static const char *const names[] = {"FILE", "RECORDING", "COMMAND", "BYTES", "SHELL"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strstr(help->synopsis, names[i]) != NULL) {
            return find(names[i]);
        }
    }
    return find("");
}

void describe_print_words(const struct describe_kind *kind, FILE *out) {
    const char *word;
    for (unsigned i = 0; kind->word != NULL && (word = kind->word(i)) != NULL; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", word);
    }
}

void describe_print_quoted(const char *text, const char *quote, FILE *out) {
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs(quote, out);
        } else {
            fprintf(out, "%s%c", *text == '\\' && strcmp(quote, "\\'") == 0 ? "\\" : "", *text);
        }
    }
    fputc('\'', out);
}
