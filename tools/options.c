/* options: a thin layer over libpopt, so that every verb answers --help and errors in the same way. */
#include "tools/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/verb.h"

int options_complain(const struct verb_help *help, const char *format, ...) {
    fprintf(stderr, "hakfuzz %s: ", help->name);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; see 'hakfuzz %s --help'\n", help->name);
    return EXIT_USAGE;
}

int options_in_range(const struct verb_help *help, const char *option, long value, long low, long high) {
    if (value >= low && value <= high) {
        return 1;
    }
    options_complain(help, "%s is %ld, but must be from %ld to %ld", option, value, low, high);
    return 0;
}

static void print_help(const struct verb_help *help, poptContext context) {
    printf("Usage: hakfuzz %s %s\n\n%s\n", help->name, help->synopsis, help->meaning);
    fflush(stdout);
    /* popt opens with a usage line of its own; only its option lines are wanted. */
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *memory = open_memstream(&text, &text_bytes);
    if (memory != NULL) {
        poptPrintHelp(context, memory, 0);
        fclose(memory);
        const char *line = text;
        while (*line != '\0' && *line != '\n') {
            line++;
        }
        printf("Options:\n%s", *line == '\n' ? line + 1 : line);
        free(text);
    }
    printf("\nExamples:\n%s\nExit status: 0 clean, 1 a finding, 2 wrong usage or environment.\n", help->examples);
}

/* popt names the word that holds no number: a value alone, or "--option=value", or "-ovalue". */
static void complain_number(const struct verb_help *help, const char *word, int argc, char **argv, int error) {
    const char *option = word;
    size_t option_length = word[0] != '-' ? 0 : word[1] == '-' ? strcspn(word, "=") : 2;
    const char *value = word + option_length + (word[option_length] == '=');
    for (int i = 2; i < argc; i++) {
        if (argv[i - 1][0] == '-' && strcmp(argv[i], word) == 0) {
            option = argv[i - 1];
            option_length = strlen(option);
            value = word;
            break;
        }
    }
    options_complain(help, "%.*s '%s' %s", (int)option_length, option, value,
                     error == POPT_ERROR_OVERFLOW ? "is too large" : "is not a whole number");
}

static options_reader *describe_reader;
static void *describe_context;

void options_describe(options_reader *reader, void *context) {
    describe_reader = reader;
    describe_context = context;
}

enum options_outcome options_parse(const struct verb_help *help, struct poptOption *table, int argc, char **argv,
                                   struct options *options) {
    enum { VALUE_HELP = 1 };
    struct poptOption all[] = {
        {NULL, '\0', POPT_ARG_INCLUDE_TABLE, table, 0, NULL, NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, VALUE_HELP, "this page", NULL},
        POPT_TABLEEND,
    };
    if (describe_reader != NULL) {
        describe_reader(describe_context, help, table);
        return OPTIONS_HELPED;
    }
    options->context = poptGetContext("hakfuzz", argc, (const char **)argv, all, 0);
    poptSetOtherOptionHelp(options->context, "");
    enum options_outcome outcome = OPTIONS_GO;
    int got;
    while (outcome == OPTIONS_GO && (got = poptGetNextOpt(options->context)) != -1) {
        if (got == VALUE_HELP) {
            print_help(help, options->context);
            outcome = OPTIONS_HELPED;
        } else if (got == POPT_ERROR_BADNUMBER || got == POPT_ERROR_OVERFLOW) {
            complain_number(help, poptBadOption(options->context, POPT_BADOPTION_NOALIAS), argc, argv, got);
            outcome = OPTIONS_WRONG;
        } else if (got < -1) {
            options_complain(help, "%s: %s", poptBadOption(options->context, POPT_BADOPTION_NOALIAS),
                             poptStrerror(got));
            outcome = OPTIONS_WRONG;
        }
    }
    options->arguments = poptGetArgs(options->context);
    options->argument_count = 0;
    while (options->arguments != NULL && options->arguments[options->argument_count] != NULL) {
        options->argument_count++;
    }
    return outcome;
}

void options_free(struct options *options) {
    free(options->target);
    free(options->fault);
    free(options->malloc_name);
    free(options->prefix);
    free(options->order);
    if (options->context != NULL) {
        options->context = poptFreeContext(options->context);
    }
}

int options_exit(enum options_outcome outcome) {
    return outcome == OPTIONS_HELPED ? EXIT_CLEAN : EXIT_USAGE;
}
