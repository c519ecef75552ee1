/* describe_manual: pages in the language of man(7). */
#include <string.h>

#include "oracle/target.h"
#include "tools/describe.h"

/* Letters that roff takes for its own, anywhere and at the beginning of a line. */
static void print_text(const char *text, FILE *out) {
    bool begins = true;
    for (; *text != '\0'; text++) {
        if (begins && (*text == '.' || *text == '\'')) {
            fputs("\\&", out);
        }
        begins = *text == '\n';
        switch (*text) {
        case '\\':
            fputs("\\e", out);
            break;
        case '-':
            fputs("\\-", out);
            break;
        case '\'':
            fputs("\\(aq", out);
            break;
        case '`':
            fputs("\\(ga", out);
            break;
        case '^':
            fputs("\\(ha", out);
            break;
        case '~':
            fputs("\\(ti", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

/* Lines as they stand. */
static void print_lines(const char *text, FILE *out) {
    fputs(".nf\n", out);
    print_text(text, out);
    fputs(".fi\n", out);
}

/* Running text; but lines of a list, which begin with two spaces, stay as they stand. */
static void print_meaning(const char *text, FILE *out) {
    bool in_list = false;
    char line[512];
    while (*text != '\0') {
        int length = (int)strcspn(text, "\n");
        if ((strncmp(text, "  ", 2) == 0) != in_list) {
            in_list = !in_list;
            fputs(in_list ? ".nf\n" : ".fi\n", out);
        }
        snprintf(line, sizeof line, "%.*s\n", length, text);
        print_text(line, out);
        text += length + (text[length] == '\n');
    }
    fputs(in_list ? ".fi\n" : "", out);
}

static void print_head(const char *name, const char *meaning, FILE *out) {
    fprintf(out, ".\\\" Made by hakfuzz manual from what --help is made from.\n.TH ");
    for (const char *at = name; *at != '\0'; at++) {
        fputc(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at, out);
    }
    fprintf(out, " 1 \"\" \"hakmem %s\" \"hakmem\"\n.SH NAME\n", HAKMEM_VERSION);
    print_text(name, out);
    fputs(" \\- ", out);
    print_text(meaning, out);
    fputs("\n.SH SYNOPSIS\n", out);
}

static void print_option(char letter, const char *name, const char *value, const char *meaning, FILE *out) {
    fputs(".TP\n\\fB", out);
    if (letter != '\0') {
        fprintf(out, "\\-%c\\fR, \\fB", letter);
    }
    fputs("\\-\\-", out);
    print_text(name, out);
    fputs("\\fR", out);
    if (value != NULL) {
        fprintf(out, "=\\fI%s\\fR", value);
    }
    fputc('\n', out);
    print_text(meaning != NULL ? meaning : "", out);
    fputc('\n', out);
}

static void print_end(FILE *out) {
    fputs(".SH EXIT STATUS\n0 clean, 1 a finding, 2 wrong usage or environment.\n.SH SEE ALSO\n", out);
    fputs(".BR hakfuzz (1)", out);
    for (unsigned i = 0; i < verb_count; i++) {
        fprintf(out, ",\n.BR hakfuzz\\-%s (1)", verb_table[i].name);
    }
    fputc('\n', out);
}

struct page {
    const struct verb_info *verb;
    FILE *out;
};

static void print_verb(void *context, const struct verb_help *help, const struct poptOption *table) {
    const struct page *page = context;
    char name[64];
    snprintf(name, sizeof name, "hakfuzz-%s", help->name);
    print_head(name, page->verb->meaning, page->out);
    fprintf(page->out, ".B hakfuzz %s\n", help->name);
    print_text(help->synopsis, page->out);
    fputs("\n.SH DESCRIPTION\n", page->out);
    print_meaning(help->meaning, page->out);
    fputs(".SH OPTIONS\n", page->out);
    for (; table->longName != NULL; table++) {
        if (describe_is_shown(table)) {
            print_option(table->shortName, table->longName, table->argDescrip, table->descrip, page->out);
        }
    }
    print_option('h', "help", NULL, "the same as this page", page->out);
    fputs(".SH EXAMPLES\n", page->out);
    print_lines(help->examples, page->out);
    print_end(page->out);
}

void describe_verb_page(const struct verb_info *verb, FILE *out) {
    struct page page = {verb, out};
    describe_verb(verb, print_verb, &page);
}

static void print_item(const char *name, const char *meaning, FILE *out) {
    fputs(".TP\n\\fB", out);
    print_text(name, out);
    fputs("\\fR\n", out);
    print_text(meaning, out);
    fputc('\n', out);
}

void describe_tool_page(FILE *out) {
    print_head("hakfuzz", "run allocation programs on hakmem in a simulated world", out);
    fputs(".B hakfuzz\n\\fIVERB\\fR [OPTION...] [ARGUMENT...]\n.SH DESCRIPTION\n"
          "Runs allocation programs on hakmem inside the simulated world and explains what they find.\n"
          "Each verb has a page of its own.\n.SH VERBS\n",
          out);
    for (unsigned i = 0; i < verb_count; i++) {
        print_item(verb_table[i].name, verb_table[i].meaning, out);
    }
    fputs(".SH TARGETS\nWhat a program may do is up to the target, the value of \\fB\\-\\-target\\fR.\n", out);
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        print_item(target_table[i].name, target_table[i].purpose, out);
    }
    fputs(".SH ENVIRONMENT\n", out);
    print_item("HAKMEM_FAULT", "the historical bug that is put back where no --fault says otherwise", out);
    print_item("NO_COLOR", "when set, no colours", out);
    print_item("TMPDIR", "where temporary files go, if not to /tmp", out);
    print_end(out);
}
